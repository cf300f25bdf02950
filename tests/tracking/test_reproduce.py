"""Reproduce: a run is done again from what was recorded of it, and said to be equal, or in what it differs."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ostinato.app import Ostinato
from ostinato.cli import local_runs
from ostinato.cli.main import root
from ostinato.kernel.errors import Conflict, Invalid, StepFailed
from ostinato.tracking.reproduce import compare, prepare
from ostinato.tracking.types import Code, Environment

TRAIN = """
import argparse, os
from pathlib import Path
from ostinato.tracking.logger import Logger
import recipe
parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int)
parser.add_argument("--token")
given = parser.parse_args()
luck = float(os.environ.get("LUCK", "0"))
how = {"inputs": ["dataset:flights@4"], "capture": ["code", "environment"]}
with Logger.start(None, "flights", "night", params={"depth": given.depth}, **how) as run:
    for step in range(3):
        run.log(auc=recipe.RATE * step / given.depth + luck, loss=float("nan"))
    run.artifact("model.txt", f"depth {given.depth}")
"""


def git(folder: Path, *command: str) -> str:
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    done = subprocess.run(["git", "-C", folder, *command], env=os.environ | identity, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def ostinato(*arguments: str | Path) -> Result:
    local_runs.attach(root)
    return CliRunner().invoke(root, [str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository whose tree differs from its commit, in a changed and a new file."""
    folder = tmp_path / "repo"
    (folder / "jobs").mkdir(parents=True)
    (folder / "jobs" / "train.py").write_text(TRAIN.replace("recipe.RATE", "1"))
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    (folder / "jobs" / "train.py").write_text(TRAIN)
    (folder / "jobs" / "recipe.py").write_text("RATE = 0.25\n")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with Ostinato.open(tmp_path / "store"):
        pass
    return tmp_path / "store"


def trained(repo: Path, store: Path, *arguments: str) -> str:
    """The id of a run of the program, in the store."""
    subprocess.run([sys.executable, "jobs/train.py", *arguments], cwd=repo, check=True, timeout=60)
    assert ostinato("--data", store, "sync", os.environ["OSTINATO_JOURNAL"], "--data", store).return_value is True
    with Ostinato.open(store) as app:
        return app.runs.search("flights").items[0].id


def test_the_same_code_gives_an_equal_run_and_the_report_says_so(repo: Path, store: Path, tmp_path: Path, monkeypatch) -> None:
    run = trained(repo, store, "--depth", "3")
    git(repo, "stash", "-qu")  # the tree went on; what was recorded has to do
    command = ("--data", store, "reproduce", run, "--repo", repo, "--here")
    made = ostinato(*command, "--dir", tmp_path / "only")
    assert made.exception is None, made.output
    assert "jobs/train.py --depth 3" in made.stdout
    assert (tmp_path / "only" / "code" / "jobs" / "recipe.py").read_text() == "RATE = 0.25\n"
    equal = ostinato(*command, "--dir", tmp_path / "one", "--run")
    assert equal.exception is None, equal.output
    assert equal.return_value is True
    assert ": equal (" in equal.stdout
    with Ostinato.open(store) as app:
        again = app.runs.search("flights").items[0]
        assert (again.tags["reproduces"], again.params, again.state) == (run, {"depth": 3}, "finished")
    monkeypatch.setenv("LUCK", "1e-9")
    differs = ostinato(*command, "--dir", tmp_path / "two", "--run", "--", "--depth", "6")
    assert differs.return_value is False
    assert {line.partition(":")[0] for line in differs.stdout.splitlines()[:-1]} == {"params.depth", "metrics.auc", "files.model.txt"}


def test_measured_values_may_differ_by_a_tolerance_and_nothing_else(app: Ostinato) -> None:
    made = []
    for value in (0.5, 0.5 + 1e-9):
        with app.run("flights", params={"rate": value}, capture=False) as run:
            run.log(auc=value, loss=float("nan"))
        made.append(app.runs.get(run.id))
    assert {what for what, _, _ in compare(app.runs, *made).differences} == {"params.rate", "metrics.auc"}
    near = compare(app.runs, *made, tolerance=1e-6)
    assert ([what for what, _, _ in near.differences], near.ok) == (["params.rate"], False)
    assert compare(app.runs, made[0], made[0]).ok


def test_what_cannot_be_done_again_is_refused_with_the_reason(app: Ostinato, repo: Path, tmp_path: Path) -> None:
    commit = git(repo, "rev-parse", "HEAD")
    wrong = {
        "names no program": Code(commit=commit, entry="interactive"),
        "names no commit": Code(commit="--upload-pack=evil", entry="train.py"),
        "secrets among the arguments": Code(commit=commit, entry="train.py", arguments=["--token", "***"]),
        "is not in": Code(commit="0" * 40, entry="train.py"),
    }
    for number, (why, code) in enumerate(wrong.items()):
        run = app.runs.start("flights", code=code).id
        with pytest.raises(Invalid, match=why):
            prepare(app.runs, run, tmp_path / str(number), repository=repo, here=True)
    evil = app.runs.start("flights", code=Code(commit="0" * 40, entry="train.py", remote=f"ext::touch {tmp_path / 'evil'}")).id
    with pytest.raises(StepFailed, match=r"(?i)not allowed"):
        prepare(app.runs, evil, tmp_path / "x", repository=repo, here=True)
    assert not (tmp_path / "evil").exists()
    for packages in ({"--index-url=http://127.0.0.1:1/": "1"}, {"tiny": "1\n--pre"}):
        world = Environment(python="CPython 3.11.7", platform="Linux x86_64", packages=packages)
        odd = app.runs.start("flights", code=Code(commit=commit, entry="jobs/train.py"), environment=world).id
        with pytest.raises(Invalid, match="not a package"):
            prepare(app.runs, odd, tmp_path / f"odd{len(str(packages))}", repository=repo, here=False)
    good = app.runs.start("flights", code=Code(commit=commit, entry="jobs/train.py")).id
    with pytest.raises(Conflict, match="not empty"):
        prepare(app.runs, good, repo, repository=repo, here=True)


def test_the_environment_is_made_anew_from_the_lock(app: Ostinato, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels, "tiny", "1.2")
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels, "UV_OFFLINE": "1", "UV_FIND_LINKS": wheels}.items():
        monkeypatch.setenv(name, str(value))
    python = f"CPython {sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"
    lock = Environment(python=python, platform="Linux x86_64", packages={"tiny": "1.2"})
    run = app.runs.start("flights", code=Code(commit=git(repo, "rev-parse", "HEAD"), entry="jobs/train.py"), environment=lock).id
    made = prepare(app.runs, run, tmp_path / "made", repository=repo, here=False)
    told = subprocess.run([made.command[0], "-c", "import tiny; print(tiny.VERSION)"], capture_output=True, text=True, check=True)
    assert told.stdout == "1.2\n"
    lost = Environment(python=python, platform="Linux x86_64", packages={"tiny": "9.9"})
    run = app.runs.start("flights", code=Code(commit=git(repo, "rev-parse", "HEAD"), entry="jobs/train.py"), environment=lost).id
    shutil.rmtree(tmp_path / "made")
    with pytest.raises(StepFailed, match="tiny") as failed:
        prepare(app.runs, run, tmp_path / "made", repository=repo, here=False)
    assert "--here" in failed.value.hint
    here = prepare(app.runs, run, tmp_path / "here", repository=repo, here=True)
    assert "tiny: 9.9, here absent" in here.packages


def wheel(folder: Path, name: str, version: str) -> None:
    """A wheel of one module."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\n"
        for path, text in files.items()
    )
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as packed:
        for path, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            packed.writestr(path, text)
