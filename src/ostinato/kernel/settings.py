"""Settings: every environment variable that is read, with its default."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import field, fields
from pathlib import Path

from ostinato.kernel.errors import Invalid
from ostinato.kernel.frozen import frozen


@frozen
class Settings:
    """Read from `OSTINATO_<NAME>`; each field is documented in docs/settings.md.

    `data` is the folder that holds everything; `inbox` the only folder from which file sources are read (default
    `<data>/inbox`); `body_limit_mb` the largest request body; `workers` how many worker processes a server
    starts at most, when something waits, and `worker_idle_s` after how many seconds without work one ends (0: with the server);
    `lease_s` after how many seconds without a heartbeat work is given to another worker; `pipelines` the importable
    modules, separated by commas, whose pipelines may be registered by name; `queues` the queues, separated by commas,
    that workers serve; `cpu_hour_price` what an hour of CPU costs, in the currency of your choice; `blobs_url` the bucket that
    holds the blobs (`s3://bucket/prefix`; default files in `<data>/blobs`); `encrypt` 1 to encrypt blobs that are stored from now on;
    `hosts` the names, separated by commas, by which a server may be called beside its own addresses; `proxies` the
    addresses whose forwarded headers it believes; `beyond_loopback` 1 to listen on other addresses without TLS;
    `tls_certificate` and `tls_key` the files with which it speaks TLS; `ca_file` the certificates that a client trusts;
    `database_url` the PostgreSQL database that holds the rows (default a SQLite file in `data`);
    `oidc_issuer` where people sign in by OpenID Connect, to whom the server is `oidc_client` with `oidc_secret` or what stands in
    `oidc_secret_file`; it asks for `oidc_scope`, and `oidc_groups` says which role a group in `oidc_groups_claim` brings; they must have
    proved themselves by one of `oidc_acr` and one of `oidc_amr`, at most `oidc_max_age_s` ago; `oidc_networks` the networks beyond the
    public internet, separated by commas, in which issuers of tokens may stand;
    `sink_networks` the networks beyond the public internet, separated by commas, into which events may be sent; `smtp_url` the mail server
    (`smtp://user:password@host:587` or `smtps://…`) and `mail_from` the address in whose name it sends; `mlflow_approvals` how many people
    must approve a version of a model that an MLflow client made, before an alias names it;
    `journal` is the folder in which runs are journaled until the store has them, `journal_mb` how large the points of one process may get
    there, `offline` 1 to send nothing before `ostinato sync`, `finish_s` how long the end of a run waits for the store, and `capture` what
    a run records by itself;
    `code_flavors` the flavors of models, separated by commas, that may be loaded although they may run code, in a sandbox of
    `sandbox_mb` MiB and `sandbox_cpu_s` seconds of CPU, which may lack the guards `sandbox_without`.
    """

    data: Path
    inbox: Path
    url: str = ""
    token: str = field(default="", repr=False)
    project: str = "default"
    body_limit_mb: int = 64
    workers: int = 1
    worker_idle_s: int = 60
    lease_s: int = 15
    pipelines: str = ""
    queues: str = "default"
    cpu_hour_price: float = 0.0
    blobs_url: str = ""
    encrypt: int = 0
    hosts: str = ""
    proxies: str = ""
    beyond_loopback: int = 0
    tls_certificate: str = ""
    tls_key: str = ""
    ca_file: str = ""
    database_url: str = field(default="", repr=False)  # it may hold a password
    oidc_issuer: str = ""
    oidc_client: str = ""
    oidc_secret: str = field(default="", repr=False)
    oidc_secret_file: str = ""
    oidc_scope: str = "openid profile"
    oidc_groups: str = ""
    oidc_groups_claim: str = "groups"
    oidc_acr: str = ""
    oidc_amr: str = ""
    oidc_max_age_s: int = 0
    oidc_networks: str = ""
    sink_networks: str = ""
    smtp_url: str = field(default="", repr=False)  # it may hold a password
    mail_from: str = ""
    mlflow_approvals: int = 0
    journal: str = ""
    journal_mb: int = 4096
    offline: int = 0
    finish_s: int = 30
    capture: str = "all"
    code_flavors: str = ""
    sandbox_mb: int = 4096
    sandbox_cpu_s: int = 3600
    sandbox_without: str = ""

    @classmethod
    def read(cls, data: str | os.PathLike[str] | None = None, env: Mapping[str, str] | None = None) -> Settings:
        """Settings from the environment, with `data` overriding `OSTINATO_DATA` (default `./ostinato-data`)."""
        env = os.environ if env is None else env
        root = Path(data if data is not None else env.get("OSTINATO_DATA", "ostinato-data")).absolute()
        given: dict[str, object] = {"data": root, "inbox": Path(env.get("OSTINATO_INBOX", root / "inbox"))}
        for known in fields(cls):
            text = env.get(f"OSTINATO_{known.name.upper()}")
            if known.name in given or text is None:
                continue
            given[known.name] = _number(known.name, text, type(known.default)) if isinstance(known.default, int | float) else text
        return cls(**given)  # type: ignore[arg-type]


_FLAGS = ("encrypt", "beyond_loopback", "offline")
_POSITIVE = ("body_limit_mb", "lease_s", "journal_mb", "sandbox_mb", "sandbox_cpu_s")


def _number(name: str, text: str, kind: type[int | float]) -> int | float:
    what = "whole number" if kind is int else "number"
    least, most = (1 if name in _POSITIVE else 0), (1 if name in _FLAGS else math.inf)
    try:
        if least <= (value := kind(text)) <= most and value != math.inf:
            return value
    except ValueError:
        pass
    hint = "set it to 0 or 1" if name in _FLAGS else f"set it to a {what} from {least} on"
    raise Invalid(f"OSTINATO_{name.upper()} is {text!r}", hint=hint, field=name) from None
