"""The guards of the sandbox. Each reports whether it is active, so that no model is loaded behind one that is not."""

from __future__ import annotations

import ctypes
import json
from dataclasses import asdict
from pathlib import Path

from ostinato.kernel.errors import Unavailable
from ostinato.kernel.frozen import frozen
from ostinato.registry.sandbox.landlock import code_places, read_only
from ostinato.registry.sandbox.seccomp import allow_only_scoring

GUARDS = ("limits", "files", "calls")
_SET_PDEATHSIG, _SIGKILL, _SET_NO_NEW_PRIVS = 1, 9, 38


@frozen
class Limits:
    """Resource limits of a sandbox: address space in MiB, and CPU time of its process in seconds.

    `without` are the guards that may be lacking, of `limits`, `files` (Landlock: it reads Python, its packages and its own files, and
    writes nothing) and `calls` (seccomp: no network, no process, no signal to others). `away` is a folder of which nothing may be read;
    `with_parent`: to end with the thread that started it.
    """

    memory_mb: int = 4096
    cpu_s: int = 3600
    without: tuple[str, ...] = ()
    away: str = ""
    with_parent: bool = False

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))


LOOSE = Limits(memory_mb=1 << 24, cpu_s=1 << 30, without=GUARDS)
"""For what is data: every guard that there is, and nothing refused where there is none."""


def lock_down(limits: Limits, model: Path) -> None:
    """Activate all guards, so that this process can only compute and read `model`. Call it before other threads are started.

    Raises:
        Unavailable: a guard does not stand, and `limits` does not say that it may be lacking.
    """
    if limits.with_parent:
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    missing = [guard for guard in activate_guards(limits, model) if guard not in limits.without]
    if missing:
        raise Unavailable(
            f"no sandbox here: the guards {', '.join(missing)} do not stand",
            hint="it takes Linux 5.13 with Landlock and seccomp, and a store that lies beside Python's folders; "
            "OSTINATO_SANDBOX_WITHOUT names guards that may be lacking",
        )


def activate_guards(limits: Limits, model: Path) -> list[str]:
    """Activate every guard that this machine supports, permanently, and name those that failed."""
    libc = ctypes.CDLL(None)
    libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    readable = [*code_places(), model]
    kept = Path(limits.away).resolve() if limits.away else None
    among = any(kept.is_relative_to(place.resolve()) for place in readable if kept and place != model)
    stands = {
        "limits": _limited(limits),
        "files": not among and read_only(readable),
        "calls": _without_capabilities(libc) and allow_only_scoring(),
    }
    return [guard for guard in GUARDS if not stands[guard]]


def _limited(limits: Limits) -> bool:
    import resource  # Windows has none, and no sandbox

    wanted = {
        resource.RLIMIT_AS: limits.memory_mb << 20, resource.RLIMIT_CPU: limits.cpu_s, resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0,
    }  # fmt: skip
    try:
        for kind, most in wanted.items():
            hard = resource.getrlimit(kind)[1]
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            grace = int(kind == resource.RLIMIT_CPU and least != hard)  # so that it ends by a signal that says why
            resource.setrlimit(kind, (least, least + grace))
    except (OSError, ValueError):
        return False
    return True


def _without_capabilities(libc: ctypes.CDLL) -> bool:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    return bool(libc.capset(header, (ctypes.c_uint32 * 6)()) == 0)
