"""Ref: what it takes, what it refuses, and that text and value are the same thing."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.kernel.errors import Invalid
from ostinato.kernel.ref import Ref

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,40}", fullmatch=True)
VERSIONS = st.none() | st.integers(0, 10**6).map(str) | st.sampled_from(["champion", "v1.2"])


@given(st.sampled_from(["model", "dataset", "run", "feature_view"]), NAMES, VERSIONS)
def test_text_and_value_are_the_same_thing(kind: str, name: str, version: str | None) -> None:
    ref = Ref(kind, name, version)
    assert Ref.parse(str(ref)) == ref


@given(st.text(alphabet=string.printable + "é\u202e\x00", max_size=60))
def test_any_text_is_read_or_refused_with_a_hint(text: str) -> None:
    try:
        read = Ref.parse(text)
    except Invalid as error:
        hint = error.hint
    else:
        hint = "kind:name" if str(read) == text else ""
    assert "kind:name" in hint


@pytest.mark.parametrize(
    "text", ["", "late", "model:", ":late", "model:late@", "model:a b", "Model:late", "model:../x", "model:x\n", "model:late@1@2"]
)
def test_malformed_references_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Ref.parse(text)


def test_a_bare_name_is_read_when_the_kind_is_known() -> None:
    assert Ref.parse("late@7", kind="model") == Ref("model", "late", "7")
    with pytest.raises(Invalid, match="expected a model"):
        Ref.parse("dataset:late", kind="model")


def test_a_path_cannot_hide_in_a_name() -> None:
    with pytest.raises(Invalid):
        Ref("model", "/etc/passwd")
