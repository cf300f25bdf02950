"""The wheel: what people install holds all that a checkout holds, the pages included."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ostinato.server.pages import STATIC

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this checkout, built without asking a registry."""
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", place], cwd=ROOT, check=True, capture_output=True)
    (built,) = place.glob("*.whl")
    return zipfile.ZipFile(built)


def test_every_file_of_the_package_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    listed = subprocess.run(["git", "ls-files", "src/ostinato"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {name.removeprefix("src/") for name in listed if (ROOT / name).exists()} <= set(wheel.namelist())


def test_type_checkers_are_told_of_the_types(wheel: zipfile.ZipFile) -> None:
    assert "ostinato/py.typed" in wheel.namelist()


@pytest.mark.skipif(not (STATIC / "index.html").is_file(), reason="the UI is not built: make web")
def test_the_pages_ship_with_the_wheel(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    script = "from ostinato.server.pages import Pages, STATIC; Pages(); print(STATIC); print(*sorted(p.name for p in STATIC.rglob('*')))"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    shown = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    place, names = shown.stdout.splitlines()
    assert Path(place).is_relative_to(tmp_path)
    assert names.split() == sorted(path.name for path in STATIC.rglob("*"))
