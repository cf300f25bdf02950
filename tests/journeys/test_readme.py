"""The README as a new user meets it: its Python runs as written and says what it promises; the rest is checked by `test_docs_run`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)


def test_r101_the_python_of_the_readme_runs_as_written(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the second example needs the extra ml")
    script = tmp_path / "readme.py"
    script.write_text("\n".join(code for language, code in BLOCKS if language == "python") + "\napp.close()\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OSTINATO_")}
    ran = subprocess.run([sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("finished\nhttp://127.0.0.1:")
