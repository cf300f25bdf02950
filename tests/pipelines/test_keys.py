"""What a step's key sees, and what `why` says about it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ostinato.pipelines.keys import source_of

CODE = '''
"""A module with everything that a step may reach."""
import functools
import json
from dataclasses import dataclass

import numpy as np
import pkg_x.tools
from pkg_x import other

LIMIT = {"a": 1, "b": {2.5, 3.5}}

class Shape:
    SIDES = 4
    def area(self):
        return deep(self.SIDES)

def deep(x):
    """Docs."""
    return x + 1

def decorate(f):
    @functools.wraps(f)
    def inner(*args):
        return f(*args)
    return inner

@decorate
def wrapped(x):
    return x - 1

def make(k):
    def closed(x):
        return x * k
    return closed

times = make(5)

def step(x, y=2):
    # a comment
    import pkg_x.late
    if x in {"p", "q", "r"}:
        return json.dumps(LIMIT["a"])
    return np.sum([Shape().area(), wrapped(x), times(x), other.helper(x), pkg_x.tools.tool(x), pkg_x.late.last(x), (lambda z: z + 7)(x), y])
'''
FILES = {
    "__init__.py": "",
    "main.py": CODE,
    "other.py": "def helper(x):\n    return inner(x)\n\ndef inner(x):\n    return x\n\ndef unused(x):\n    return 1\n",
    "tools.py": "RATE = 0.5\n\ndef tool(x):\n    return x * RATE\n",
    "late.py": "def last(x):\n    return x\n",
}
CHANGES = [
    ("main.py", "y=2", "y=3", "pkg_x.main.step"),
    ("main.py", '"b": {2.5, 3.5}', '"b": {2.5, 4.5}', "pkg_x.main.LIMIT"),
    ("main.py", "SIDES = 4", "SIDES = 5", "pkg_x.main.Shape"),
    ("main.py", "x + 1", "x + 2", "pkg_x.main.deep"),
    ("main.py", "x - 1", "x - 2", "pkg_x.main.wrapped"),
    ("main.py", "make(5)", "make(6)", "pkg_x.main.make.<locals>.closed"),
    ("main.py", "x * k", "x * k * k", "pkg_x.main.make.<locals>.closed"),
    ("main.py", "z + 7", "z + 8", "pkg_x.main.step"),
    ("other.py", "return x\n", "return x + 1\n", "pkg_x.other.inner"),
    ("tools.py", "0.5", "0.25", "pkg_x.tools.RATE"),
    ("late.py", "return x", "return -x", "pkg_x.late.last"),
]
SAME = [
    ("main.py", "# a comment", "# another\n    # comment"),
    ("main.py", '"""Docs."""', '"""Other docs, longer."""'),
    ("other.py", "return 1", "return 2"),
]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "pkg_x"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def source(package: Path, seed: str = "0") -> Any:
    """The source of the step as a fresh process sees it."""
    script = "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1]); import pkg_x.main; "
    script += (
        "from ostinato.pipelines.keys import source_of; s = source_of(pkg_x.main.step); print(repr((s.code, s.environment, s.digest)))"
    )
    env = {**os.environ, "PYTHONHASHSEED": seed}
    answer = subprocess.run([sys.executable, "-c", script, package.parent], capture_output=True, text=True, check=True, env=env)
    return eval(answer.stdout)


def test_equal_in_every_process_and_place(package: Path, tmp_path: Path) -> None:
    here = source(package)
    moved = tmp_path / "elsewhere" / "pkg_x"
    moved.parent.mkdir()
    package.rename(moved)
    assert source(moved, seed="1") == here
    assert set(here[1]) == {"python", "numpy"}
    assert "pkg_x.other.unused" not in here[0]


def test_every_reached_part_counts_and_is_named(package: Path) -> None:
    before = source(package)
    for name, old, new, part in CHANGES:
        text = FILES[name]
        assert old in text
        (package / name).write_text(text.replace(old, new))
        after = source(package)
        (package / name).write_text(text)
        assert after[2] != before[2], f"{new!r} went unseen"
        assert {n for n in after[0] if after[0][n] != before[0].get(n)} == {part}


def test_what_does_not_matter_does_not_count(package: Path) -> None:
    before = source(package)
    for name, old, new in SAME:
        assert old in FILES[name]
        (package / name).write_text(FILES[name].replace(old, new))
    assert source(package) == before


def test_recursion_and_cycles_end() -> None:
    def odd(n: int) -> bool:
        return n != 0 and even(n - 1)

    def even(n: int) -> bool:
        return n == 0 or odd(n - 1)

    assert source_of(odd).digest == source_of(odd).digest
    assert source_of(odd).digest != source_of(even).digest


def test_why_names_the_helper_the_constant_and_the_argument(app: SimpleNamespace, project: Any, flows: ModuleType) -> None:
    first = app.pipelines.run(flows.train, n=4)
    reason = app.pipelines.why(first.id, "total")
    assert (reason.compared_with, reason.changes) == (None, [])
    edited = project.edit("return x * FACTOR", "return x * FACTOR + 1")
    second = app.pipelines.run(edited.train, n=4)
    assert [s.cached for s in app.pipelines.steps(second.id)] == [True, False, False]
    reason = app.pipelines.why(second.id, "total")
    assert [(c.part, c.name) for c in reason.changes] == [("code", "flows.scale")]
    assert reason.compared_with == first.id
    assert "flows.scale" in reason.reason
    assert [(c.part, c.name, c.before, c.after) for c in app.pipelines.why(second.id, "fit").changes] == [("argument", "total", "18", "19")]
    assert app.pipelines.why(second.id, "load").cached
    edited = project.edit("FACTOR = 3", "FACTOR = 4")
    third = app.pipelines.run(edited.train, n=4)
    assert [(c.part, c.name) for c in app.pipelines.why(third.id, "total").changes] == [("code", "flows.FACTOR")]


def test_why_names_the_environment(app: SimpleNamespace, flows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    app.pipelines.run(flows.train, n=4)
    monkeypatch.setattr(platform, "python_version", lambda: "9.9.9")
    second = app.pipelines.run(flows.train, n=4)
    changes = app.pipelines.why(second.id, "load").changes
    assert [(c.part, c.name, c.after) for c in changes] == [("environment", "python", "9.9.9")]
