"""The rules of the house that no linter knows: sizes, late imports, names, the public face."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ostinato

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "examples").rglob("*.py")])
FORBIDDEN_NAMES = {"utils", "common", "helpers", "base", "core", "misc", "manager"}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def own_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_sizes_names_and_imports(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= 600, "a file above 600 lines holds more than one idea"
    for node in functions(tree):
        assert own_length(node) <= 80, f"{node.name} is longer than 80 lines"
        for inner in ast.walk(node):
            names = [a.name for a in inner.names] if isinstance(inner, ast.Import) else []
            names += [inner.module or ""] if isinstance(inner, ast.ImportFrom) else []
            assert not any(n.split(".")[0] == "ostinato" for n in names), f"{node.name} imports our own module late"
    assert path.stem not in FORBIDDEN_NAMES, "a name that says nothing"


def test_the_face_is_complete_sorted_and_small() -> None:
    assert ostinato.__all__ == sorted(ostinato.__all__)
    assert len(ostinato.__all__) <= 25
    for name in ostinato.__all__:
        assert getattr(ostinato, name) is not None


def test_import_ostinato_brings_only_the_standard_library() -> None:
    script = "import sys; before = set(sys.modules); import ostinato; print(*sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    brought = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert set(brought) <= set(sys.stdlib_module_names) | {"ostinato"}


def test_the_repository_speaks_of_the_project_alone() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, listed):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".json", ".yml", ".sh"} and path.exists() and path != Path(__file__):
            text = path.read_text()
            for word in ("/work/", "pypi.org", "files.pythonhosted", "registry.npmjs"):
                assert word not in text, f"{name} mentions {word}"


def test_what_the_frameworks_are_needed_for_is_run_with_them() -> None:
    """CI lets tests be skipped whose reason is `make frameworks`: `make test-frameworks` makes up for each."""
    framed = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("FRAMED :=")).split()[2:]
    listed = subprocess.run(["git", "ls-files", "tests"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    tests = [Path(name) for name in listed if name.endswith(".py") and (ROOT / name).exists() and ROOT / name != Path(__file__)]
    needing = {str(name.relative_to("tests")) for name in tests if 'make frameworks")' in (ROOT / name).read_text()}
    assert needing
    assert [path for path in sorted(needing) if not path.startswith(tuple(framed))] == []
