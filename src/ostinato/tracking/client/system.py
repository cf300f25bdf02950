"""System metrics during a run, from Linux's /proc and NVIDIA's GPUs."""

from __future__ import annotations

import csv
import importlib
import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_PROC = Path("/proc")
_GPU_QUERY = "utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw"
_GPU_NAMES = ("gpu_{}/percent", "gpu_{}/memory_mb", "gpu_{}/memory_total_mb", "gpu_{}/celsius", "gpu_{}/watts")
_GPU_S = 5.0
_MB = 1 << 20


class Sampler:
    """Measures the machine and this process; rates are of the time since the last sample."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._last_s = 0.0
        self._gpus = _gpus()

    def sample(self) -> dict[str, float]:
        """The current values by name, in percent, MiB or MiB/s; the first sample has no rates."""
        now_s = time.monotonic()
        found = _memory() | _disk()
        counted = _cpu() | _traffic()
        if self._last:
            found |= self._rates(counted, now_s - self._last_s)
        self._last, self._last_s = counted, now_s
        with suppress(Exception):  # a driver may go away; the training does not depend on it
            found |= self._gpus()
        return {f"system/{name}": value for name, value in found.items()}

    def _rates(self, counted: dict[str, float], past_s: float) -> dict[str, float]:
        change = {name: value - self._last.get(name, value) for name, value in counted.items()}
        rates = {f"{name}_mb_s": change[name] / past_s / _MB for name in change if not name.startswith("cpu")}
        if change.get("cpu_all", 0) > 0:
            rates["cpu/percent"] = 100 * (1 - change["cpu_idle"] / change["cpu_all"])
        if "cpu_own_s" in change:
            rates["process/cpu_percent"] = 100 * change["cpu_own_s"] / past_s
        return rates


def _memory() -> dict[str, float]:
    told = {}
    for line in _lines("meminfo"):
        name, _, rest = line.partition(":")
        told[name] = float(rest.split()[0]) / 1024
    found = {}
    if "MemAvailable" in told:
        found["memory/used_mb"] = told["MemTotal"] - told["MemAvailable"]
        found["memory/percent"] = 100 * found["memory/used_mb"] / told["MemTotal"]
    if own := _lines("self/statm"):
        found["process/memory_mb"] = float(own[0].split()[1]) * os.sysconf("SC_PAGE_SIZE") / _MB
    return found


def _disk() -> dict[str, float]:
    with suppress(OSError):
        used = shutil.disk_usage(".")
        return {"disk/free_mb": used.free / _MB, "disk/percent": 100 * used.used / max(used.total, 1)}
    return {}


def _cpu() -> dict[str, float]:
    found = {"cpu_own_s": time.process_time()}
    if lines := _lines("stat"):
        ticks = [float(word) for word in lines[0].split()[1:9]]
        found |= {"cpu_all": sum(ticks), "cpu_idle": ticks[3] + ticks[4]}
    return found


def _traffic() -> dict[str, float]:
    """Bytes read and written: of whole disks, and of networks beyond the loopback."""
    found: dict[str, float] = {}
    for line in _lines("diskstats"):
        words = line.split()
        if (Path("/sys/block") / words[2]).exists() and not words[2].startswith(("loop", "ram", "dm-")):
            found["disk/read"] = found.get("disk/read", 0.0) + 512 * float(words[5])
            found["disk/written"] = found.get("disk/written", 0.0) + 512 * float(words[9])
    for line in _lines("net/dev")[2:]:
        name, _, rest = line.partition(":")
        if name.strip() != "lo":
            words = rest.split()
            found["network/received"] = found.get("network/received", 0.0) + float(words[0])
            found["network/sent"] = found.get("network/sent", 0.0) + float(words[8])
    return found


def _lines(name: str) -> list[str]:
    with suppress(OSError):
        return (_PROC / name).read_text().splitlines()
    return []


def _gpus() -> Callable[[], dict[str, float]]:
    """A reader of GPU metrics: by the driver's library, by its program, or none."""
    if importlib.util.find_spec("pynvml") is not None:
        with suppress(Exception):
            nvml = importlib.import_module("pynvml")
            nvml.nvmlInit()
            return lambda: _by_library(nvml)
    return _by_program if shutil.which("nvidia-smi") else dict


def _by_library(nvml: Any) -> dict[str, float]:
    found = {}
    for number in range(nvml.nvmlDeviceGetCount()):
        gpu = nvml.nvmlDeviceGetHandleByIndex(number)
        memory = nvml.nvmlDeviceGetMemoryInfo(gpu)
        found[f"gpu_{number}/percent"] = float(nvml.nvmlDeviceGetUtilizationRates(gpu).gpu)
        found[f"gpu_{number}/memory_mb"] = memory.used / _MB
        found[f"gpu_{number}/memory_total_mb"] = memory.total / _MB
        with suppress(Exception):  # not every board has these
            found[f"gpu_{number}/celsius"] = float(nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU))
            found[f"gpu_{number}/watts"] = nvml.nvmlDeviceGetPowerUsage(gpu) / 1000
    return found


def _by_program() -> dict[str, float]:
    command = ["nvidia-smi", f"--query-gpu=index,{_GPU_QUERY}", "--format=csv,noheader,nounits"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=_GPU_S, check=True).stdout
    return gpu_rows(told)


def gpu_rows(told: str) -> dict[str, float]:
    """Parse the output of `nvidia-smi`; what a board does not report is left out.

    >>> gpu_rows("0, 93, 1024, 143771, 41, [N/A]")
    {'gpu_0/percent': 93.0, 'gpu_0/memory_mb': 1024.0, 'gpu_0/memory_total_mb': 143771.0, 'gpu_0/celsius': 41.0}
    """
    found = {}
    for row in csv.reader(told.splitlines(), skipinitialspace=True):
        for name, text in zip(_GPU_NAMES, row[1:], strict=False):
            with suppress(ValueError):
                found[name.format(row[0])] = float(text)
    return found
