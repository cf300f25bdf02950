"""Doctor: finds what is wrong with an installation and says how to mend it. It changes nothing itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

from ostinato.kernel.errors import OstinatoError
from ostinato.kernel.frozen import frozen
from ostinato.kernel.settings import Settings
from ostinato.maintenance.checks import content, databases, folder, installation, work
from ostinato.maintenance.checks.check import Check, CheckedStore
from ostinato.maintenance.files import opened

_AROUND: dict[str, Check] = {
    "versions": installation.versions, "settings": installation.settings, "sandbox": installation.sandbox,
    "permissions": folder.permissions, "leftovers": folder.leftovers, "disk": folder.disk, "databases": databases.other_databases,
    "server": work.server, "endpoints": work.endpoints,
}  # fmt: skip
_THOROUGH: dict[str, Check] = {"blobs": content.blobs, "logs": content.logs}
_IN_ROWS: dict[str, Check] = {
    "writer": databases.writer, "clock": databases.clock, "executions": work.executions,
    "references": content.references, "ledger": content.ledger,
}  # fmt: skip
_LOADING: dict[str, Check] = {"extras": installation.extras}


@frozen
class Complaint:
    """Something that is wrong: which check found it, what it is, and how to mend it. A `warning` can wait, a `problem` cannot."""

    check: str
    level: Literal["problem", "warning"]
    what: str
    mend: str


@frozen
class Diagnosis:
    """`ok` means no problem; there may be warnings. `checks` names what was looked at, `guards` which of those around models that may run
    code stand on this machine."""

    ok: bool
    checks: list[str]
    complaints: list[Complaint]
    guards: dict[str, bool]


def examine(data: Path, *, quick: bool = False, load: bool = True, listen: tuple[str, int] | None = None) -> Diagnosis:
    """Examine the store in the folder `data`, also beside a running server.

    `quick` does not read all blobs and logs again; blobs in a bucket are looked for, not read. Without `load` no library of models is
    loaded into this process. With `listen`, a host and a port, also whether a server could be started there.

    Raises:
        NotFound: there is no store in `data`.
        Invalid: a setting is malformed.
    """
    data = opened(data).resolve()
    settings = Settings.read(data)
    checks = dict(_AROUND)
    if listen is not None:
        checks["port"] = lambda checked: work.port(checked, *listen)
    if not quick:
        checks |= {name: check for name, check in _THOROUGH.items() if name != "blobs" or not settings.blobs_url}
    with closing(CheckedStore(data, settings)) as checked:
        found = list(_run_check("rows", databases.rows, checked))
        if not any(complaint.level == "problem" for complaint in found):  # else there is nothing to be read in them
            checks |= _IN_ROWS | (_LOADING if load else {})
        for name, check in checks.items():
            found += _run_check(name, check, checked)
        guards = checked.guards
    return Diagnosis(ok=not any(c.level == "problem" for c in found), checks=["rows", *checks], complaints=found, guards=guards)


def _run_check(name: str, check: Check, checked: CheckedStore) -> Iterator[Complaint]:
    try:
        for said in check(checked):
            yield Complaint(check=name, level=said.level, what=said.what, mend=said.mend)
    except OstinatoError as error:
        yield Complaint(check=name, level="problem", what=error.message, mend=error.hint or _ELSE)
    except Exception as error:  # an installation may be broken in any way; that is what is asked
        what = f"cannot be checked: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        yield Complaint(check=name, level="problem", what=what, mend=_ELSE)


_ELSE = "mend what else is named first, or restore a backup"
