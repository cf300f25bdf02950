"""`@frozen` is `@dataclass(frozen=True, slots=True, kw_only=True)` in all that somebody can see."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, ClassVar

import msgspec
import pytest

from ostinato.kernel.frozen import frozen


@frozen
class Ours:
    """A point with what may be left out."""

    kind: ClassVar[str] = "point"
    x: float
    tags: list[str] = field(default_factory=list)
    secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError(self.x)


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """A point with what may be left out."""

    kind: ClassVar[str] = "point"
    x: float
    tags: list[str] = field(default_factory=list)
    secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError(self.x)


@frozen
class Named(Ours):
    """A point with a name."""

    name: str = "a"

    def __repr__(self) -> str:
        return self.name


@frozen
class Empty:
    """Nothing."""


@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_it_is_made_compared_shown_and_changed_alike(kind: Any) -> None:
    made = kind(x=1.0, secret="s")
    assert repr(made) == f"{kind.__name__}(x=1.0, tags=[])"
    assert made == kind(x=1.0, secret="s") != kind(x=1.0)
    assert made != (1.0, [], "s")
    assert made.tags is not kind(x=1.0).tags
    assert replace(made, x=2.0).x == 2.0
    assert asdict(made) == {"x": 1.0, "tags": [], "secret": "s"}
    assert is_dataclass(kind)
    assert [f.name for f in fields(kind)] == ["x", "tags", "secret"]
    assert list(inspect.signature(kind).parameters) == ["x", "tags", "secret"]
    assert not hasattr(made, "__dict__")
    for again in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
        assert again == made
    with pytest.raises(TypeError, match="unhashable"):
        hash(made)
    for wrong in (lambda: kind(1.0), lambda: kind(), lambda: kind(x=1.0, y=1.0)):
        with pytest.raises(TypeError, match=rf"{kind.__name__}.__init__\(\) "):
            wrong()
    with pytest.raises(ValueError):
        kind(x=-1.0)


@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_nothing_of_it_changes(kind: Any) -> None:
    made = kind(x=1.0)
    with pytest.raises(FrozenInstanceError):
        made.x = 2.0
    with pytest.raises(FrozenInstanceError):
        del made.x
    with pytest.raises((FrozenInstanceError, TypeError)):  # the standard one means a class that its slots have replaced
        made.other = 1
    assert made == kind(x=1.0)


@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_it_travels(kind: Any) -> None:
    sent = msgspec.json.encode(kind(x=1.0, tags=["a"]))
    assert sent == b'{"x":1.0,"tags":["a"],"secret":""}'
    assert msgspec.json.decode(sent, type=kind) == kind(x=1.0, tags=["a"])
    assert msgspec.convert({"x": 1}, kind) == kind(x=1.0)
    for wrong in (b'{"x": -1.0}', b'{"x": "1"}', b"{}"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=kind)


def test_a_class_inherits_and_keeps_what_it_says_itself() -> None:
    assert repr(Named(x=1.0, name="b")) == "b"
    assert Named(x=1.0) != Ours(x=1.0)
    assert asdict(Named(x=1.0)) == {"x": 1.0, "tags": [], "secret": "", "name": "a"}
    assert pickle.loads(pickle.dumps(Named(x=1.0, name="b"))) == Named(x=1.0, name="b")
    with pytest.raises(FrozenInstanceError):
        Named(x=1.0).name = "c"  # type: ignore[misc]


def test_what_holds_nothing_is_equal_and_has_a_hash() -> None:
    assert {Empty(), Empty()} == {Empty()}
    assert repr(Empty()) == "Empty()"
