"""The README as a new user meets it: its Python runs as written, its commands exist."""

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
CHECKED = {
    "make demo": "tests/journeys/test_demo.py plays it",
    "make test": "this is it",
    "pip install ostinato": "the environment of this test",
}


def test_r101_the_python_of_the_readme_runs_as_written(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the second example needs the extra ml")
    script = tmp_path / "readme.py"
    script.write_text("\n".join(code for language, code in BLOCKS if language == "python") + "\napp.close()\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OSTINATO_")}
    ran = subprocess.run([sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("finished\nhttp://127.0.0.1:")


def asked(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ostinato.cli.main", *words, "--help"], capture_output=True, text=True, timeout=60)


def test_every_command_of_the_readme_exists() -> None:
    commands = [line for language, code in BLOCKS if language == "sh" for line in code.strip().splitlines()]
    commands += re.findall(r"`(ostinato [a-z][^`]*)`", README)
    for command in commands:
        if command in CHECKED or "<" in command:
            continue
        words = [word for word in command.split()[1:] if not word.startswith("-")]
        known = asked(*words[:2]) if asked(*words[:2]).returncode == 0 else asked(words[0])
        assert known.returncode == 0, command
        for option in re.findall(r"--[a-z-]+", command):
            assert option in known.stdout, f"{command}: no {option}"


def test_the_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
