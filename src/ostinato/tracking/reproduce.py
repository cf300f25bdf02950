"""Reproduction of a run in a fresh checkout of its code, and whether the result is the same."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import field
from pathlib import Path
from typing import Any, Protocol

from ostinato.kernel.errors import Conflict, Invalid, StepFailed
from ostinato.kernel.frozen import frozen
from ostinato.tracking import capture
from ostinato.tracking.client import folders
from ostinato.tracking.client.runs_protocol import RunsProtocol
from ostinato.tracking.client.sync import sync
from ostinato.tracking.types import Artifact, Environment, Metric, Run
from ostinato.tracking.view_types import Story

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.+!_-]*")
_OWN = ("code.patch", "console/")
_SETUP_S = 1800
_PATCH = "code.patch"


class RunsRead(RunsProtocol, Protocol):
    """The verbs of `Runs` that a reproduction reads; the store and the remote client both satisfy it."""

    def story(self, run: str) -> Story: ...
    def metrics(self, run: str) -> dict[str, Metric]: ...
    def artifacts(self, run: str) -> list[Artifact]: ...
    def artifact(self, run: str, path: str) -> bytes: ...


@frozen
class Prepared:
    """A checkout in which a run can be done again: the command for it, and what is not as it was."""

    run: Run
    folder: Path
    code: Path
    command: list[str]
    lacks: list[str]
    packages: list[str]


@frozen
class Compared:
    """The outcome of a reproduction: the new run, and its differences, each as (what, then, now)."""

    again: str
    ok: bool
    same: int
    differences: list[tuple[str, Any, Any]] = field(default_factory=list)


def prepare(runs: RunsRead, run: str, folder: Path, *, repository: Path, here: bool, arguments: Sequence[str] = ()) -> Prepared:
    """Lay out the code of a run, its patch and its environment in a new folder. Its program is not executed.

    The commit is taken from `repository`, or else from the remote that the run names. `here` takes the present interpreter, and says in
    what it differs; else the environment is made anew, with the versions that were recorded. `arguments` stand in for those recorded.

    Raises:
        Invalid: the run was not recorded so that it can be done again, or the commit is nowhere to be had.
        Conflict: the folder is not empty.
        StepFailed: git or the installer failed.
    """
    story = runs.story(run)
    code = story.run.code
    _check(story, arguments)
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty", hint="--dir names a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    checkout = folder / "code"
    _checkout(code.commit or "", code.remote, repository, checkout)
    lacks = [lack for lack in story.repeat.lacks if not (arguments and "arguments" in lack)]
    if any(kept.path == _PATCH for kept in story.artifacts):
        patch = runs.artifact(run, _PATCH)
        (folder / _PATCH).write_bytes(patch)
        _run_command(["git", "-C", str(checkout), "apply", "--whitespace=nowarn", str(folder / _PATCH)])
        lacks += [line[2:].decode(errors="replace") for line in patch.splitlines() if line.startswith(b"# left out")]
    if here or story.environment is None:
        python, packages = sys.executable, differing(story.environment)
    else:
        python, packages = _environment(story.environment, folder), []
    command = [python, code.entry, *(arguments or code.arguments)]
    return Prepared(run=story.run, folder=folder, code=checkout, command=command, lacks=lacks, packages=packages)


def run_again(runs: RunsRead, prepared: Prepared, *, tolerance: float = 0.0) -> Compared:
    """Run what was prepared, keep the new run beside the old one, tagged `reproduces`, and compare them.

    What the program logs goes into a journal of its own and from there into `runs`, whatever store the program itself would take.

    Raises:
        StepFailed: the program logged no run.
    """
    journal = prepared.folder / "journal"
    own = {"OSTINATO_OFFLINE": "1", "OSTINATO_JOURNAL": str(journal)}
    ended = subprocess.run(prepared.command, cwd=prepared.code, env={**os.environ, **own}, check=False)
    logged = [about for _, about in folders.own_journals(journal) if about.experiment == prepared.run.experiment]
    for synced in sync(journal, lambda _: nullcontext(runs)):
        if synced.left:
            raise StepFailed(f"the new run could not be kept: {synced.left}", step="sync")
    found = [runs.get(id_) for id_ in sorted({about.run for about in logged})]
    if not found:
        raise StepFailed(
            f"{shlex.join(prepared.command)} ended with {ended.returncode} and logged no run of {prepared.run.experiment!r}", step="run"
        )
    again = max(found, key=lambda run: (run.name == prepared.run.name, run.params == prepared.run.params))
    runs.tag(again.id, {"reproduces": prepared.run.id})
    return compare(runs, runs.get(prepared.run.id), again, tolerance=tolerance)


def compare(runs: RunsRead, then: Run, now: Run, *, tolerance: float = 0.0) -> Compared:
    """In what two runs differ: how they ended, parameters, data, measured values, files. `tolerance` is relative, for measured values."""
    pairs = list(_pairs(runs, then, now))
    differences = [(what, old, new) for what, old, new in pairs if not _equal(old, new, tolerance if what.startswith("metrics.") else 0.0)]
    return Compared(again=now.id, ok=not differences, same=len(pairs) - len(differences), differences=differences)


def differing(environment: Environment | None) -> list[str]:
    """In what the present interpreter differs from a recorded environment."""
    if environment is None:
        return []
    present = capture.environment()
    told = [f"{what}: {was}, here {now}" for what, was, now in (
        ("python", environment.python, present.python), ("platform", environment.platform, present.platform),
    ) if was != now]  # fmt: skip
    names = sorted(environment.packages.keys() | present.packages.keys())
    versions = [(name, environment.packages.get(name), present.packages.get(name)) for name in names]
    return told + [f"{name}: {was or 'absent'}, here {now or 'absent'}" for name, was, now in versions if was != now]


def _check(story: Story, arguments: Sequence[str]) -> None:
    """Refuse what cannot be done again, and say why."""
    code = story.run.code
    if story.repeat.execution is not None:
        raise Invalid(f"run {story.run.id} is part of {story.repeat.execution}", hint="`ostinato pipelines retry` does that again")
    entry = Path(code.entry)
    if code.entry in ("", "interactive") or entry.is_absolute() or ".." in entry.parts or code.entry.startswith("-"):
        raise Invalid(f"run {story.run.id} names no program in a repository", hint="; ".join(story.repeat.lacks))
    if code.commit is None or not _COMMIT.fullmatch(code.commit):
        raise Invalid(f"run {story.run.id} names no commit", hint="; ".join(story.repeat.lacks))
    if not arguments and any("***" in argument for argument in code.arguments):
        hint = f"give all arguments after --, such as {shlex.join(code.arguments)}"
        raise Invalid("secrets among the arguments were not recorded", hint=hint)


def _checkout(commit: str, remote: str, repository: Path, checkout: Path) -> None:
    """Check the commit out into a repository of its own."""
    has = subprocess.run(["git", "-C", str(repository), "cat-file", "-e", f"{commit}^{{commit}}"], capture_output=True, check=False)
    if has.returncode == 0:
        _run_command(["git", "clone", "-q", "--shared", "--no-checkout", str(repository.resolve()), str(checkout)])
    elif remote:
        allowed = {"GIT_ALLOW_PROTOCOL": "https:ssh", "GIT_TERMINAL_PROMPT": "0"}  # the run may name any address
        _run_command(["git", "clone", "-q", "--no-checkout", "--", remote, str(checkout)], allowed)
    else:
        raise Invalid(f"the commit {commit} is not in {repository.resolve()}", hint="--repo names a clone that has it", field="repo")
    _run_command(["git", "-C", str(checkout), "checkout", "-q", "--detach", commit])


def _environment(environment: Environment, folder: Path) -> str:
    """Make the environment anew; returns its interpreter."""
    venv, lock = folder / "venv", folder / "requirements.txt"
    for name, version in environment.packages.items():
        if not _PACKAGE.fullmatch(f"{name}=={version}"):  # anybody may have recorded it, and a line may be an option of the installer
            raise Invalid(f"not a package: {name!r} {version!r}", hint="--here takes the present interpreter", field="environment")
    lock.write_text("".join(f"{name}=={version}\n" for name, version in environment.packages.items() if name not in ("pip", "uv")))
    python, version = str(venv / "bin" / "python"), environment.python.rpartition(" ")[2]
    if shutil.which("uv"):
        _run_command(["uv", "venv", "-q", "--python", version, str(venv)])
        _run_command(["uv", "pip", "install", "-q", "--no-deps", "--python", python, "-r", str(lock)])
        return python
    present = capture.environment().python.rpartition(" ")[2]
    if version.rpartition(".")[0] != present.rpartition(".")[0]:
        raise Invalid(f"the run had Python {version}, this is {present}", hint="install uv, which brings it, or take --here")
    shared = importlib.util.find_spec("pip") is not None  # it installs into the other place, too, and need not be there
    _run_command([sys.executable, "-m", "venv", *(["--without-pip"] if shared else []), str(venv)])
    pip = [sys.executable, "-m", "pip", "--python", python] if shared else [python, "-m", "pip"]
    _run_command([*pip, "install", "-q", "--no-deps", "--disable-pip-version-check", "-r", str(lock)])
    return python


def _run_command(command: list[str], more: Mapping[str, str] | None = None) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SETUP_S, check=False, env={**os.environ, **(more or {})})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StepFailed(f"{shlex.join(command[:3])} …: {error}", step="prepare") from None
    if done.returncode:
        hint = "--here takes the present interpreter" if "install" in command or "venv" in command else ""
        raise StepFailed(f"{shlex.join(command)} failed: {done.stderr.strip()[-500:]}", hint=hint, step="prepare")


def _pairs(runs: RunsRead, then: Run, now: Run) -> Iterator[tuple[str, Any, Any]]:
    yield "state", then.state, now.state
    yield "error", then.error, now.error
    for key in sorted(then.params.keys() | now.params.keys()):
        yield f"params.{key}", then.params.get(key), now.params.get(key)
    yield "inputs", sorted(map(str, then.inputs)), sorted(map(str, now.inputs))
    old, new = runs.metrics(then.id), runs.metrics(now.id)
    for key in sorted(old.keys() | new.keys()):
        if not key.startswith("system/"):
            yield f"metrics.{key}", _measured(old.get(key)), _measured(new.get(key))
    kept, again = _files(runs, then.id), _files(runs, now.id)
    for path in sorted(kept.keys() | again.keys()):
        yield f"files.{path}", kept.get(path), again.get(path)


def _files(runs: RunsRead, run: str) -> dict[str, str]:
    return {kept.path: kept.digest for kept in runs.artifacts(run) if not kept.path.startswith(_OWN)}


def _measured(metric: Metric | None) -> tuple[Any, ...] | None:
    return None if metric is None else (metric.last, metric.step, metric.min, metric.max, metric.n)


def _equal(old: Any, new: Any, tolerance: float) -> bool:
    if isinstance(old, tuple) and isinstance(new, tuple):
        return all(_equal(a, b, tolerance) for a, b in zip(old, new, strict=True))
    if tolerance and isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=tolerance, abs_tol=tolerance)
    return type(old) is type(new) and bool(old == new)
