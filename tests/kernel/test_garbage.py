"""What a process looks through for garbage."""

from __future__ import annotations

import subprocess
import sys

_PROCESS = """
import gc
from ostinato.kernel.garbage import settled, spare
spare()
assert gc.isenabled() and gc.get_threshold()[0] >= 10_000, gc.get_threshold()
lasting = [[] for _ in range(1000)]
settled()
assert gc.get_freeze_count() >= 1000
one = []
one.append(one)
del one
assert gc.collect() >= 1, "what comes later is looked through"
"""


def test_what_was_there_at_the_start_is_left_out_and_what_comes_later_is_not() -> None:
    done = subprocess.run([sys.executable, "-c", _PROCESS], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
