"""Settings: everything that an environment variable may change, with its default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from ostinato.kernel.errors import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Read from `OSTINATO_<NAME>`; each field is documented in docs/settings.md.

    `data` is the folder that holds everything; `inbox` the only folder from which file sources are read (default
    `<data>/inbox`); `body_limit_mb` the largest request body; `workers` how many worker processes a server starts;
    `lease_s` after how many seconds without a heartbeat work is given to another worker; `pipelines` the importable
    modules, separated by commas, whose pipelines may be registered by name; `blobs_url` the bucket that holds the blobs
    (`s3://bucket/prefix`; default files in `<data>/blobs`); `encrypt` 1 to encrypt blobs that are stored from now on.
    """

    data: Path
    inbox: Path
    url: str = ""
    token: str = ""
    project: str = "default"
    body_limit_mb: int = 64
    workers: int = 1
    lease_s: int = 15
    pipelines: str = ""
    blobs_url: str = ""
    encrypt: int = 0

    @classmethod
    def read(cls, data: str | os.PathLike[str] | None = None, env: Mapping[str, str] | None = None) -> Settings:
        """Settings from the environment, with `data` overriding `OSTINATO_DATA` (default `./ostinato-data`)."""
        env = os.environ if env is None else env
        root = Path(data if data is not None else env.get("OSTINATO_DATA", "ostinato-data")).absolute()
        given: dict[str, object] = {"data": root, "inbox": Path(env.get("OSTINATO_INBOX", root / "inbox"))}
        for field in fields(cls):
            text = env.get(f"OSTINATO_{field.name.upper()}")
            if field.name in given or text is None:
                continue
            given[field.name] = _number(field.name, text) if isinstance(field.default, int) else text
        return cls(**given)  # type: ignore[arg-type]


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Invalid(f"OSTINATO_{name.upper()} is not a whole number: {text!r}", field=name) from None
