"""The process of one model: `python -P -m ostinato.registry.sandbox LIMITS MODEL`. First the guards, and only then anything else."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

from ostinato.kernel.garbage import spare
from ostinato.registry.sandbox.guards import Limits, lock_down


def main() -> None:
    """Lock down, then hand over to the worker: what it imports, such as numpy, may start threads, which are guarded as well."""
    spare()
    said = json.loads(sys.argv[1])
    problem = None
    try:
        lock_down(Limits(**said | {"without": tuple(said["without"])}), Path(sys.argv[2]))
    except Exception as error:
        problem = error
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a model prints must not end up between the frames
    importlib.import_module("ostinato.registry.sandbox.worker").work(sys.stdin.buffer, replies, problem)


if __name__ == "__main__":
    main()
