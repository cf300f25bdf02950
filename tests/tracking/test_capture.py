"""Capture: what a run records by itself, in real processes, and what it must never record."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from ostinato.kernel.errors import Invalid
from ostinato.testing.processes import until
from ostinato.tracking import capture
from ostinato.tracking.client import folders, system
from ostinato.tracking.client.sync import sync
from ostinato.tracking.logger import Logger
from ostinato.tracking.service import Runs


def git(folder: Path, *command: str) -> str:
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    done = subprocess.run(["git", "-C", folder, *command], env=os.environ | identity, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, whose program is what runs."""
    folder = tmp_path / "repo"
    (folder / "jobs").mkdir(parents=True)
    (folder / "jobs" / "train.py").write_text("depth = 3\n")
    (folder / "config.yaml").write_text("rate: 1\n")
    git(folder, "init", "-q", "-b", "trunk")
    git(folder, "remote", "add", "origin", "https://ana:hunter2@example.org/late.git?key=1")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    monkeypatch.setattr(capture, "entry_point", lambda: folder / "jobs" / "train.py")
    return folder


def test_branch_and_remote_are_known_without_credentials(repo: Path) -> None:
    code = capture.code()
    assert (code.branch, code.remote, code.dirty, code.entry) == ("trunk", "https://example.org/late.git", False, "jobs/train.py")
    git(repo, "checkout", "-q", "--detach")
    assert capture.code().branch == ""


def test_the_patch_brings_back_changed_removed_binary_and_new_files(repo: Path, tmp_path: Path) -> None:
    (repo / "jobs" / "train.py").write_text("depth = 5")
    (repo / "config.yaml").unlink()
    (repo / "jobs" / "tokenizer.py").write_text("läuft = 1\r\n")  # a name like a secret's, but code
    (repo / "new file.txt").write_text("no end of line")
    (repo / "run.sh").write_text("#!/bin/sh\n")
    (repo / "run.sh").chmod(0o755)
    (repo / "data.bin").write_bytes(b"\0\1")
    git(repo, "add", "data.bin")
    wanted = {p.relative_to(repo): (p.read_bytes(), p.stat().st_mode) for p in repo.rglob("*") if p.is_file() and ".git" not in p.parts}
    patch = capture.difference()
    git(repo, "clone", "-q", str(repo), str(tmp_path / "fresh"))
    (tmp_path / "code.patch").write_bytes(patch)
    git(tmp_path / "fresh", "apply", str(tmp_path / "code.patch"))
    fresh = tmp_path / "fresh"
    found = {p.relative_to(fresh): (p.read_bytes(), p.stat().st_mode) for p in fresh.rglob("*") if p.is_file() and ".git" not in p.parts}
    assert found == wanted


def test_what_looks_like_a_secret_is_left_out_and_named(repo: Path) -> None:
    key = "-----BEGIN RSA " + "PRIVATE KEY-----\nabc"
    secret = {
        ".env": "A=hunter2",
        "deploy.pem": "hunter2",
        "my-credentials.json": "hunter2",
        "notes.md": key,
        "config.yaml": "db: u://a:hunter2@h",
    }
    for name, text in secret.items():
        (repo / name).write_text(text)
    (repo / "big.txt").write_text("x" * 70_000)
    (repo / "jobs" / "train.py").write_text("depth = 5\n")
    patch = capture.difference().decode()
    assert "hunter2" not in patch
    assert "PRIVATE KEY" not in patch
    assert "big.txt" not in patch
    assert "+depth = 5" in patch
    assert all(f"left out, it looks like a secret: {name}\n" in patch for name in secret)


@pytest.mark.parametrize("name", ["--auth", "--basic-auth", "--pwd", "--private-key", "--aws-access-key", "--access_key", "--passphrase"])
def test_arguments_called_like_a_secret_are_not_recorded(name: str) -> None:
    assert capture.without_secrets([name, "hunter2", f"{name}=hunter2"]) == [name, "***", f"{name}=***"]


def test_arguments_that_look_like_a_secret_are_not_recorded() -> None:
    token = "ghp_" + "a1" * 18
    given = [token, f"--header=Bearer {token}", f"{token}=1", "--author", "ana", "--rate=0.1"]
    assert capture.without_secrets(given) == ["***", "--header=***", "***", "--author", "ana", "--rate=0.1"]


def test_packages_are_those_that_the_interpreter_finds() -> None:
    packages = capture.environment().packages
    assert packages["numpy"] == __import__("numpy").__version__
    assert packages["sqlalchemy"] == __import__("sqlalchemy").__version__
    assert "typing-extensions" in packages


def test_a_start_with_all_captures_is_quick(runs: Runs, repo: Path) -> None:
    took = []
    for _ in range(5):
        begun = time.thread_time()
        run = Logger.start(runs, "flights")
        took.append(time.thread_time() - begun)
        run.finish()
    assert sorted(took)[2] < 0.05


def test_code_environment_and_machine_are_recorded(runs: Runs, repo: Path) -> None:
    (repo / "jobs" / "train.py").write_text("depth = 5\n")
    with Logger.start(runs, "flights") as run:
        run.log(a=1)
    found = runs.get(run.id)
    assert found.code.commit == git(repo, "rev-parse", "HEAD")
    assert (found.code.dirty, found.code.branch, found.environment is None) == (True, "trunk", False)
    assert b"+depth = 5" in runs.artifact(run.id, "code.patch")
    assert {"system/memory/percent", "system/process/memory_mb", "system/disk/free_mb"} <= set(runs.metrics(run.id))
    assert runs.curve(run.id, "a").steps == [0]


def test_each_capture_can_be_switched_off(runs: Runs, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "jobs" / "train.py").write_text("depth = 5\n")
    with Logger.start(runs, "flights", capture=False) as bare:
        bare.log(a=1)
    monkeypatch.setenv("OSTINATO_CAPTURE", "environment,exit")
    with Logger.start(runs, "flights") as some:
        some.log(a=1)
    for run in (bare, some):
        found = runs.get(run.id)
        assert (found.code.commit, found.code.entry) == (None, "")
        assert list(runs.metrics(run.id)) == ["a"]
        assert runs.artifacts(run.id) == []
    assert runs.get(bare.id).environment is None
    assert runs.get(some.id).environment is not None
    with pytest.raises(Invalid, match="'gpu'"):
        Logger.start(runs, "flights", capture=["gpu"])


def test_rates_are_of_the_time_between(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = system.Sampler()
    first = sampler.sample()
    assert "system/cpu/percent" not in first
    sum(range(3_000_000))
    second = sampler.sample()
    assert second["system/process/cpu_percent"] > 0
    if os.path.exists("/proc/stat"):
        assert 0 <= second["system/memory/percent"] <= 100


def program(body: str) -> str:
    return f"""
import os, signal, subprocess, sys, time
from ostinato.tracking.logger import Logger
run = Logger.start(None, "flights", id="r1")
run.log(a=1)
{body}
"""


def done(body: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", program(body)], capture_output=True, timeout=60, check=False)


def after(runs: Runs) -> tuple[str, str, str]:
    """State and reason of the run, and what it printed, once all is synced."""
    assert {s.left for s in sync(Path(os.environ["OSTINATO_JOURNAL"]), lambda _: nullcontext(runs))} == {""}
    found = runs.get("r1")
    printed = [a.path for a in runs.artifacts("r1") if a.path.startswith("console/")]
    return found.state, found.error, b"".join(runs.artifact("r1", path) for path in printed).decode()


def test_all_that_is_printed_is_kept_and_passed_on(runs: Runs) -> None:
    body = """
print("from python")
subprocess.run(["echo", "from a child"])
os.write(2, b"from the depth\\n")
for i in range(0, 101, 10): print(f"\\r{i}%", end="", flush=True)
print("\\nläuft")
for n in range(3000): print("line", n)
run.finish()
print("after the end")
"""
    told = done(body)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(b"from python\n")
    assert b"from a child\n" in told.stdout
    assert "\r90%\r100%\nläuft\n".encode() in told.stdout
    assert told.stdout.endswith(b"after the end\n")
    assert b"from the depth\n" in told.stderr
    state, _, printed = after(runs)
    assert state == "finished"
    lines = printed.splitlines()
    assert {"from python", "from a child", "from the depth", "100%", "läuft"} <= set(lines)
    assert "90%" not in printed
    assert [line for line in lines if line.startswith("line")] == [f"line {n}" for n in range(3000)]
    assert "after the end" not in lines


@pytest.mark.parametrize(
    ("body", "code", "state", "error"),
    [
        ("", 0, "finished", ""),
        ("1 / 0", 1, "failed", "ZeroDivisionError: division by zero"),
        ("sys.exit(3)", 3, "killed", "exit code 3"),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)", -signal.SIGTERM, "killed", "SIGTERM"),
        ("raise KeyboardInterrupt", 130, "killed", "KeyboardInterrupt"),
    ],
)
def test_how_the_process_ended_is_recorded(runs: Runs, body: str, code: int, state: str, error: str) -> None:
    told = done(f"print('last words', flush=True)\n{body}")
    assert told.returncode in (code, -signal.SIGINT if code == 130 else code), told.stderr
    assert told.stdout == b"last words\n"
    assert after(runs)[:2] == (state, error)


def test_the_last_words_of_a_killed_training_are_passed_on_and_kept(runs: Runs, journal_home: Path) -> None:
    told = done("os.write(1, b'last words\\n'); os.kill(os.getpid(), signal.SIGKILL)")
    assert told.returncode == -signal.SIGKILL
    assert told.stdout == b"last words\n"
    until(lambda: any((f / "console.log").exists() and (f / "console.log").stat().st_size for f in folders.journals(journal_home)), 10)
    state, _, printed = after(runs)
    assert (state, printed) == ("running", "last words\n")  # for as long as its lease lasts


def test_on_a_terminal_it_stays_a_terminal(runs: Runs) -> None:
    outer, inner = pty.openpty()
    body = "print(sys.stdout.isatty(), os.get_terminal_size(1).columns); run.finish()"
    process = subprocess.Popen([sys.executable, "-c", program(body)], stdin=inner, stdout=inner, stderr=inner)
    os.close(inner)
    told = b""
    while True:
        try:
            part = os.read(outer, 1000)
        except OSError:
            break
        told += part
        if not part:
            break
    os.close(outer)
    assert process.wait(30) == 0
    assert told.startswith(b"True 0\r\n") or told.startswith(b"True 80\r\n"), told
    assert after(runs)[2].startswith("True")


def test_in_a_notebook_what_python_prints_is_kept_and_reaches_the_page(runs: Runs) -> None:
    script = """
import io, logging, os, sys
class OutStream(io.TextIOBase):
    __module__ = "ipykernel.iostream"
    def __init__(self, number): self.number = number
    def write(self, text): return os.write(self.number, text.encode())
sys.stdout, sys.stderr = OutStream(1), OutStream(2)
logging.basicConfig(stream=sys.stderr, format="%(message)s")
from ostinato.tracking.logger import Logger
for number in range(2):
    run = Logger.start(None, "flights", id=f"r{number + 1}")
    run.log(a=1)
    print("läuft", number)
    print("\\r10%", end=""); print("\\r100%")
    logging.warning("said")
    if not os.fork(): print("in a child"); os._exit(0)
    os.wait()
    run.finish()
    print("after the end")
assert "write" not in vars(sys.stdout) and "write" not in vars(sys.stderr)
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout.decode().splitlines() == [
        line for n in range(2) for line in (f"läuft {n}", "", "10%", "100%", "in a child", "after the end")
    ]
    assert told.stderr == b"said\nsaid\n"
    assert after(runs)[2] == "läuft 0\n100%\nsaid\n"


def test_beneath_pytest_the_console_is_left_alone(runs: Runs, capfd: pytest.CaptureFixture[str]) -> None:
    with Logger.start(runs, "flights") as run:
        print("to pytest")
        os.write(1, b"deep\n")
    assert sorted(capfd.readouterr().out.splitlines()) == ["deep", "to pytest"]
    assert not [a for a in runs.artifacts(run.id) if a.path.startswith("console/")]
