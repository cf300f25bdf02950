"""The sandbox: every way out that a model might try, each tried by a real pickle; and what is refused where a guard does not stand."""

from __future__ import annotations

import json
import os
import pickle
import platform
import signal
import socket
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ostinato.kernel.errors import Invalid, Unavailable
from ostinato.registry.flavor import loaded
from ostinato.registry.proof import checked_scores
from ostinato.registry.sandbox import guards
from ostinato.registry.sandbox.guards import GUARDS, LOOSE, Limits
from ostinato.registry.sandbox.process import SandboxGone, SandboxProcess
from ostinato.registry.types import Field, Signature

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="the sandbox is Linux's")
SIGNATURE = Signature(inputs=[Field(name="x")])
FINE = {"x": np.array([1.0, 2.0])}


class Code:
    """A pickle that evaluates an expression when it is loaded: what comes out is the model."""

    def __init__(self, expression: str) -> None:
        self.expression = expression

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (self.expression,)


Make = Callable[..., SandboxProcess]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Make]:
    """Models of expressions, apart."""
    kept: list[SandboxProcess] = []

    def make(expression: str, limits: Limits | None = None, deadline_s: float = 20.0) -> SandboxProcess:
        path = tmp_path / "model"
        path.write_bytes(pickle.dumps(Code(expression)))
        kept.append(SandboxProcess("pickle", path, SIGNATURE, limits or Limits(), deadline_s))
        return kept[-1]

    yield make
    for one in kept:
        one.close()


def tried(make: Make, attacks: dict[str, str]) -> dict[str, str]:
    """What became of statements that a pickle runs on load: `done`, or the error."""
    lines = ["import json, os, socket, ctypes", "libc, said = ctypes.CDLL(None, use_errno=True), {}"]
    lines += ["def call(*given):", "    if libc.syscall(*given) < 0: raise OSError(ctypes.get_errno(), 'refused')"]
    for name, statement in attacks.items():
        lines += ["try:", textwrap.indent(statement, "    "), f"    said[{name!r}] = 'done'"]
        lines += ["except BaseException as error:", f"    said[{name!r}] = type(error).__name__"]
    lines.append("raise RuntimeError('<' + json.dumps(said) + '>')")
    with pytest.raises(Invalid) as refused:
        make(f"exec({chr(10).join(lines)!r}, {{}})")
    text = str(refused.value)
    found: dict[str, str] = json.loads(text[text.index("<") + 1 : text.rindex(">")])
    return found


def test_r59_a_model_reads_writes_and_signals_nothing_beyond_itself(made: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTINATO_TOKEN", "ostp_secret")
    key = tmp_path / "ledger-key"
    key.write_text("the store's key")
    library = Path(json.__file__)
    before = library.stat()
    attacks = {
        "read a key": f"open({str(key)!r}).read()",
        "read passwords": "open('/etc/passwd').read()",
        "look around": "os.listdir('/')",
        "read the parent's environment": "open(f'/proc/{os.getppid()}/environ').read()",
        "read the parent's memory": "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
        "write outside": f"open({str(tmp_path / 'owned')!r}, 'w').write('x')",
        "write where it stands": "open('owned', 'w').write('x')",
        "write to shared memory": "open('/dev/shm/owned', 'w').write('x')",
        "truncate what it may read": f"os.open({str(library)!r}, os.O_RDONLY | os.O_TRUNC)",
        "change rights": f"os.chmod({str(library)!r}, 0o777)",
        "change times": f"os.utime({str(library)!r})",
        "delete": f"os.unlink({str(key)!r})",
        "rename": f"os.rename({str(key)!r}, {str(tmp_path / 'moved')!r})",
        "link": f"os.link({str(key)!r}, {str(tmp_path / 'link')!r})",
        "make a folder": f"os.mkdir({str(tmp_path / 'folder')!r})",
        "kill the parent": "os.kill(os.getppid(), 15)",
        "kill everything": "os.kill(-1, 15)",
        "signal by a file": "import fcntl; fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())",
        "trace the parent": "call(101, 16, os.getppid(), 0, 0)",
        "read another's memory": "call(310, os.getppid(), 0, 0, 0, 0, 0)",
        "open a process": "call(434, os.getppid(), 0)",
        "raise a limit": "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
        "raise the parent's": "import resource; resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0))",
        "pin the parent": "os.sched_setaffinity(os.getppid(), {0})",
        "drop the filter": "call(317, 1, 0, 0)",
    }
    found = tried(made, attacks)
    assert [name for name, outcome in found.items() if outcome == "done"] == []
    assert set(found) == set(attacks)
    assert (library.stat().st_size, library.stat().st_mode, library.stat().st_mtime_ns) == (
        before.st_size,
        before.st_mode,
        before.st_mtime_ns,
    )
    assert key.read_text() == "the store's key"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ledger-key", "model"]


def test_r59_a_model_starts_nothing_and_calls_nobody(made: Make, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "door"))
        local.listen()
        listener.settimeout(0.2)
        here, door = listener.getsockname(), str(tmp_path / "door")
        attacks = {
            "call out": f"socket.create_connection({here!r}, 1)",
            "call out by UDP": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
            "call a neighbour": f"socket.socket(socket.AF_UNIX).connect({door!r})",
            "ask the kernel's own": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
            "use a ring instead": "call(425, 8, ctypes.create_string_buffer(120))",
            "fork": "os.fork() or os._exit(0)",
            "fork by vfork": "call(58)",
            "fork by clone3": "call(435, ctypes.create_string_buffer(88), 88)",
            "fork bomb": "[os.fork() for _ in range(100)]",
            "spawn": "os.posix_spawn('/bin/true', ['true'], {})",
            "run a shell": "import subprocess; subprocess.run(['/bin/sh', '-c', 'true'], check=True)",
            "become another program": "os.execv('/bin/true', ['true'])",
            "get a namespace of its own": "call(272, 0x10000000)",
            "load a kernel program": "call(321, 0, ctypes.create_string_buffer(64), 64)",
            "keep memory beyond itself": "call(319, b'x', 0)",
        }
        found = tried(made, attacks)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert [name for name, outcome in found.items() if outcome == "done"] == []
    assert set(found) == set(attacks)


def test_what_the_guards_stop_works_without_them(tmp_path: Path) -> None:
    """That the attacks above fail is the guards' doing, not the attacks'."""
    (tmp_path / "key").write_text("secret")
    path = "__import__('pathlib').Path"
    stolen = f"{path}({str(tmp_path / 'owned')!r}).write_text({path}({str(tmp_path / 'key')!r}).read_text())"
    (tmp_path / "model").write_bytes(pickle.dumps(Code(stolen)))
    with pytest.raises(Invalid, match="no model"):
        loaded("pickle", tmp_path / "model", SIGNATURE)
    assert (tmp_path / "owned").read_text() == "secret"


def test_a_model_knows_nothing_of_its_surroundings(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OSTINATO_TOKEN", "OSTINATO_DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "HOME"):
        monkeypatch.setenv(name, "secret")
    with pytest.raises(Invalid) as refused:
        made("exec('import os; raise RuntimeError([sorted(os.environ), os.getcwd()])')")
    assert "secret" not in str(refused.value)
    assert "TOKEN" not in str(refused.value)
    assert "'/'" in str(refused.value)
    seen = "found = []\\nfor n in range(4, 256):\\n try: os.fstat(n); found.append(n)\\n except OSError: pass\\n"
    with pytest.raises(Invalid, match=r"<\[\]>"):  # beyond its three doors, one of them twice, no file is open
        made(f"exec('import os\\n{seen}raise RuntimeError(f\"<{{found}}>\")')")


def test_a_model_gets_so_much_memory_and_time_and_no_more(made: Make) -> None:
    with pytest.raises(Invalid, match="MemoryError"):
        made("bytearray(2 << 30)", Limits(memory_mb=1500))
    began = time.monotonic()
    with pytest.raises(SandboxGone, match="CPU time"):
        made("exec('while True: pass')", Limits(cpu_s=2))
    slow = made("lambda x: __import__('time').sleep(60) if x[0, 0] > 5 else x[:, 0]", deadline_s=0.5)
    with pytest.raises(SandboxGone, match=r"more than 0\.5 s"):
        slow.predict({"x": np.array([9.0])})
    assert time.monotonic() - began < 45


def test_a_dead_process_is_said_so_and_comes_back(made: Make) -> None:
    model = made("lambda x: __import__('os').abort() if x[0, 0] > 5 else x[:, 0]")
    assert model.predict(FINE).tolist() == [1.0, 2.0]
    with pytest.raises(SandboxGone, match="aborted"):
        model.predict({"x": np.array([9.0])})
    until = time.monotonic() + 30
    while True:
        try:
            assert model.predict(FINE).tolist() == [1.0, 2.0]
            break
        except SandboxGone:
            assert time.monotonic() < until
            time.sleep(0.05)
    raised = made("lambda x: 1 / 0")
    with pytest.raises(Invalid, match="ZeroDivisionError"):
        raised.predict(FINE)
    assert raised._process.poll() is None, "a model that raises lives on"


@pytest.mark.parametrize("content", ["b'\\xff\\xff\\xff\\x7f'", "b'\\x04\\0\\0\\0junk'", "b'\\x01\\0\\0\\0\\x80\\x01\\0\\0\\0\\x80'"])
def test_a_model_that_writes_its_own_frames_harms_nobody(made: Make, content: str) -> None:
    model = made(f"lambda x: __import__('os').write(3, {content}) * x[:, 0]")
    with pytest.raises((SandboxGone, Invalid)):
        checked_scores(model.predict(FINE), 2)  # as whoever asks looks at what comes


def test_where_a_guard_does_not_stand_nothing_is_loaded(made: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match="files"):  # the store lies where Python's packages are
        made("abs", Limits(away=str(Path(np.__file__).parent)))
    assert made("lambda x: x[:, 0]", Limits(away=str(Path(np.__file__).parent), without=("files",))).predict(FINE).tolist() == [1.0, 2.0]
    monkeypatch.setattr(guards, "read_only", lambda _: False)
    monkeypatch.setattr(guards, "allow_only_scoring", lambda: False)
    monkeypatch.setattr(guards, "_limited", lambda _: True)
    monkeypatch.setattr(guards, "_without_capabilities", lambda _: True)
    child = os.fork()  # what lock_down gives up, a process does not get back
    if child == 0:
        try:
            guards.lock_down(Limits(without=("limits",)), tmp_path)
            os._exit(1)
        except Unavailable as error:
            os._exit(0 if "files, calls" in str(error) and "OSTINATO_SANDBOX_WITHOUT" in error.hint else 2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert LOOSE.without == GUARDS


def test_the_process_ends_with_what_asked_it(made: Make) -> None:
    model = made("lambda x: x[:, 0]")
    pid = model._process.pid
    os.kill(pid, signal.SIGSTOP)
    model.close()
    assert model._process.poll() == -signal.SIGKILL
    assert not Path(f"/proc/{pid}").exists()
