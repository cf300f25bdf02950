"""Doctor: what is wrong with an installation, and how to mend it. It mends nothing itself."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq

from ostinato.keeping.files import BLOBS, DATABASE, ENDPOINTS, KEY, SECRETS, in_bucket, kept, opened, shelf
from ostinato.keeping.history import verified
from ostinato.keeping.references import declared
from ostinato.kernel.errors import Corrupt, NotFound
from ostinato.kernel.settings import Settings
from ostinato.serving.plane.log import read_lines
from ostinato.serving.plane.plan import read_plan, read_state
from ostinato.serving.supervise import alive
from ostinato.storage.blobs.chosen import blobs_of, readable
from ostinato.storage.rows import file
from ostinato.storage.rows.sqlite import REVISION

_FREE_MIN = 64 << 20
_FREE_LOW = 1 << 30
_OTHERS = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Something that is wrong: which check found it, what it is, and how to mend it. A `warning` can wait, a `problem` cannot."""

    check: str
    level: Literal["problem", "warning"]
    what: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """`ok` means no problem; there may be warnings. `checks` names what was looked at."""

    ok: bool
    checks: list[str]
    complaints: list[Complaint]


Check = Callable[[Path], Iterator[tuple[Literal["problem", "warning"], str, str]]]


def examine(data: Path, *, quick: bool = False) -> Diagnosis:
    """Examine the store in the folder `data`, also beside a running server. `quick` does not read all blobs and logs again;
    blobs in a bucket are looked for, not read.

    Raises:
        NotFound: there is no store in `data`.
    """
    data = opened(data).resolve()
    checks: dict[str, Check] = {"databases": _databases, "files": _files, "disk": _disk, "server": _server, "endpoints": _endpoints}
    if not quick:
        checks |= {"logs": _logs} if in_bucket(data) else {"blobs": _blobs, "logs": _logs}
    found = [complaint for name, check in checks.items() for complaint in _asked(name, check, data)]
    if not any(c.check == "databases" and c.what.startswith(DATABASE) for c in found):  # else there is nothing to be read in it
        of_rows: dict[str, Check] = {"references": _references, "ledger": _ledger}
        found += [complaint for name, check in of_rows.items() for complaint in _asked(name, check, data)]
        checks |= of_rows
    return Diagnosis(ok=not any(c.level == "problem" for c in found), checks=list(checks), complaints=found)


def _asked(name: str, check: Check, data: Path) -> Iterator[Complaint]:
    try:
        for level, what, mend in check(data):
            yield Complaint(check=name, level=level, what=what, mend=mend)
    except Exception as error:  # an installation may be broken in any way; that is what is asked
        what = f"cannot be checked: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        yield Complaint(check=name, level="problem", what=what, mend="mend what else is named first, or restore a backup")


def _files(data: Path) -> Iterator[tuple[Literal["problem", "warning"], str, str]]:
    for name in SECRETS:
        path = data / name
        if path.exists() and (mode := path.stat().st_mode & _OTHERS):
            yield (
                "problem",
                f"{name} is open to others (mode {mode & 0o777:03o})",
                f"chmod 600 {path}; take it for known, and issue new tokens",
            )
    if data.stat().st_mode & _OTHERS:
        yield "warning", "other users of this machine can look into the folder", f"chmod 700 {data}"
    aside = [path.name for path in (data / BLOBS / "arriving").glob("leaving-*")]
    if aside:
        yield "warning", f"a collection was interrupted; {len(aside)} blobs lie aside", "open the store once, with any command"


def _disk(data: Path) -> Iterator[tuple[Literal["problem", "warning"], str, str]]:
    free = shutil.disk_usage(data).free
    if free < _FREE_LOW:
        level: Literal["problem", "warning"] = "problem" if free < _FREE_MIN else "warning"
        yield level, f"{free >> 20} MiB are free on the disk", "ostinato collect shows what can go; move backups and other files elsewhere"


def _databases(data: Path) -> Iterator[tuple[Literal["problem", "warning"], str, str]]:
    for path in kept(data):
        if path.suffix == ".db" or file.is_database(path):
            mend = (
                "ostinato restore a backup into a new folder" if path.name == DATABASE else f"restore a backup, or remove {path.name} and "
                "materialise the feature views again"
            )  # fmt: skip
            if found := file.problems(path):
                yield "problem", f"{path.name} is damaged: {found[0]}", mend
    found_revision = file.revision(data / DATABASE)
    if found_revision is None:
        yield (
            "problem",
            f"{DATABASE} states no revision",
            "it is not a store, or its making was interrupted: open it once, or restore a backup",
        )
    elif found_revision > REVISION:
        yield "problem", f"the store has revision {found_revision}, this Ostinato knows {REVISION}", "upgrade Ostinato"


def _references(data: Path) -> Iterator[tuple[Literal["problem", "warning"], str, str]]:
    lost: dict[str, list[str]] = {}
    blobs = blobs_of(Settings.read(data)) if in_bucket(data) else shelf(data)
    for digest, place in declared(data / DATABASE):
        if not blobs.exists(digest):
            lost.setdefault(digest, []).append(place)
    for digest, places in lost.items():
        mend = f"copy it from a backup to {_place(data, digest)}, or store the original again"
        yield "problem", f"the blob {digest} is missing; {', '.join(sorted(set(places)))} name it", mend


def _blobs(data: Path) -> Iterator[tuple[Literal["problem", "warning"], str, str]]:
    files = shelf(data)
    try:
        blobs = readable(data, files)
    except Corrupt as error:
        yield "problem", error.message, error.hint
        return
    for blob in files.all():
        try:
            for _ in blobs.stream(blob.digest):
                pass
        except Corrupt:
            yield "problem", f"the blob {blob.digest} is damaged", f"copy it from a backup to {_place(data, blob.digest)}"
        except NotFound:  # collected meanwhile
            continue


def _ledger(data: Path) -> Iterator[tuple[Literal["problem", "warning"], str, str]]:
    if not (data / KEY).exists():
        yield "problem", f"{KEY} is missing", "put it back from a backup: a new one would not fit the seals of the ledger"
        return
    checked, _ = verified(data / DATABASE, data / KEY)
    for problem in checked.problems:
        yield "problem", problem, "the history was changed behind the back of Ostinato: keep a copy of the folder, then restore a backup"


def _server(data: Path) -> Iterator[tuple[Literal["problem", "warning"], str, str]]:
    told = data / "server.json"
    if not told.exists() or _locked(data / "server.lock"):
        return
    with suppress(ValueError):
        pid = json.loads(told.read_text()).get("pid")
        yield "warning", f"a server (process {pid}) ended without saying so", "nothing is lost: start it again with ostinato serve"


def _endpoints(data: Path) -> Iterator[tuple[Literal["problem", "warning"], str, str]]:
    served = _locked(data / "server.lock")
    for folder in sorted(path for path in (data / ENDPOINTS).glob("*/*") if path.is_dir()):
        name = "/".join(folder.parts[-2:])
        with suppress(FileNotFoundError):
            try:
                read_plan(folder)
            except ValueError:
                yield (
                    "problem",
                    f"the plan of the endpoint {name} is damaged",
                    f"remove {folder / 'plan.json'}: it is made again from the rows",
                )
        state = read_state(folder)
        if state is None:
            continue
        if not alive(folder):
            if served:
                yield "problem", f"the endpoint {name} has no process", f"the server starts it; if not, {folder / 'plane.log'} says why"
        elif state.problem:
            yield "problem", f"the endpoint {name} says: {state.problem}", f"deploy a version that loads; {folder / 'plane.log'} says more"


def _logs(data: Path) -> Iterator[tuple[Literal["problem", "warning"], str, str]]:
    for path in sorted((data / ENDPOINTS).glob("*/*/log/*")):
        name = path.relative_to(data)
        try:
            if path.suffix == ".parquet":
                pq.read_table(path)
            elif path.suffix == ".jsonl":
                read_lines(path)
        except FileNotFoundError:  # lines became a segment meanwhile
            continue
        except (ValueError, OSError) as error:
            yield "problem", f"{name} cannot be read: {str(error).splitlines()[0]}", "copy it from a backup; the other segments are sound"


def _place(data: Path, digest: str) -> Path:
    return data / BLOBS / digest[:2] / digest


def _locked(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
