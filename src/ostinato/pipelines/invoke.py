"""One attempt of a step in this process, with its resource usage."""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import time
import traceback
from typing import Any

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import OstinatoError
from ostinato.kernel.frozen import frozen
from ostinato.pipelines.definition import Step
from ostinato.pipelines.serialization import Packer, revive


@frozen
class Outcome:
    """The outcome of one attempt: the serialized result, or the last line and the whole of a traceback; and its cost."""

    tree: Any = None
    error: str = ""
    traceback: str = ""
    cpu_s: float
    wall_s: float
    peak_rss_mb: float


class Meter:
    """Measures the resources of this process from now on: CPU time of its threads and awaited child processes, and memory.

    Where two steps run at a time in one process, each is charged for both.
    """

    def __init__(self) -> None:
        _forget_peak()
        self._cpu_s, self._wall_s = _cpu_s(), time.perf_counter()

    def spent(self) -> dict[str, Any]:
        """Seconds of CPU, seconds, and the most MiB held at a time."""
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"cpu_s": _cpu_s() - self._cpu_s, "wall_s": time.perf_counter() - self._wall_s, "peak_rss_mb": peak_mb}


def invoke(step: Step[..., Any], arguments: dict[str, Any], packer: Packer) -> Outcome:
    """Run one attempt of a step with serialized arguments in this process."""
    meter = Meter()
    try:
        values = {name: revive(packer.unpack(tree), step.hints.get(name)) for name, tree in arguments.items()}
        return Outcome(tree=packer.pack(step.call(values), "result"), **meter.spent())
    except Exception as error:
        return Outcome(error=error_line(error), traceback=traceback.format_exc(), **meter.spent())


def invoke_for(who: Caller, step: Step[..., Any], arguments: dict[str, Any], packer: Packer) -> Outcome:
    """Run one attempt of a step in a child process, on behalf of the execution's caller."""
    with calling(who):
        return invoke(step, arguments, packer)


def failed_call(error: BaseException, wall_s: float) -> Outcome:
    """The outcome of an attempt whose process failed or was stopped; its CPU time is unknown."""
    return Outcome(error=error_line(error), traceback=error_line(error), cpu_s=0.0, wall_s=wall_s, peak_rss_mb=0.0)


def error_line(error: BaseException) -> str:
    """The error in one line: its kind, what it says and, of our own, what to do."""
    if isinstance(error, OstinatoError):
        return f"{error.message}: {error.hint}" if error.hint else error.message
    said = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _forget_peak() -> None:
    """Reset the kernel's peak memory counter; where that fails, the peak is that of the process since its start."""
    with contextlib.suppress(OSError):
        os.pwrite(_peaks(os.getpid()), b"5", 0)


@functools.cache
def _peaks(pid: int) -> int:
    return os.open(f"/proc/{pid}/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
