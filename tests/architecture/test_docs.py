"""Nothing undocumented lands: operations, families, settings and commands against docs/."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from ostinato.app import SLICES
from ostinato.kernel.family import Family
from ostinato.kernel.settings import Settings
from ostinato.server import openapi
from ostinato.server.system import family_packages

ROOT = Path(__file__).parents[2]
DOCS = {p.stem: p.read_text() for p in (ROOT / "docs").glob("*.md")}


@pytest.mark.parametrize("api", SLICES, ids=lambda m: m.NAME)
def test_every_operation_is_documented(api: object) -> None:
    page = DOCS[api.__name__.split(".")[1]]  # type: ignore[attr-defined]
    for op in api.OPS:  # type: ignore[attr-defined]
        assert f"{op.method} {op.path}" in page, f"{op.method} {op.path} is not on its page"
        assert f"app.{api.NAME}.{op.name}" in page, f"app.{api.NAME}.{op.name} is not on its page"  # type: ignore[attr-defined]
        assert op.verb.__doc__, f"{op.name} has no docstring"


@pytest.mark.parametrize("package", family_packages())
def test_every_family_member_is_documented(package: str) -> None:
    page = DOCS[package.split(".")[1]]
    for member in Family[object](package).describe():
        assert f"`{member.name}`" in page, f"{package}.{member.name} is not documented"
        assert member.summary, f"{package}.{member.name} has no docstring"


def test_every_setting_is_documented() -> None:
    for field in fields(Settings):
        assert f"OSTINATO_{field.name.upper()}" in DOCS["settings"]


def test_openapi_is_regenerated_without_a_difference() -> None:
    assert json.loads((ROOT / "docs" / "openapi.json").read_text()) == json.loads(openapi.render(SLICES))
