"""Probe: which guards work on this machine. They are tried in a process of their own, because they cannot be undone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ostinato.registry.sandbox.guards import GUARDS, Limits, activate_guards

_START_S = 30.0
WANTS = {
    "limits": "rlimits, and no hard limit below them",
    "files": "Linux 5.13 or later with Landlock among its security modules, and a store that lies beside Python's folders",
    "calls": "seccomp of Linux, on x86_64 or aarch64",
}
"""What it takes that a guard stands."""


def active_guards(away: Path) -> dict[str, bool]:
    """Whether each guard of the sandbox works on this machine, for a model of the store in `away`."""
    command = [sys.executable, "-P", "-m", "ostinato.registry.sandbox.probe", Limits(away=str(away)).text()]
    path = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    try:
        told = subprocess.run(command, capture_output=True, timeout=_START_S, check=True, cwd="/", env=path).stdout
        found = set(json.loads(told))
    except (OSError, subprocess.SubprocessError, ValueError):  # there is no such thing as a guard here
        found = set(GUARDS)
    return {guard: guard not in found for guard in GUARDS}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(activate_guards(Limits(away=json.loads(sys.argv[1])["away"]), Path("/dev/null"))))
