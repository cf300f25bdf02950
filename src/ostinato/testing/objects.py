"""The contract of `Objects`, as tests that every member passes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.storage.objects.objects import Objects

_LARGE = bytes(range(256)) * 40_000


class ObjectsContract:
    """Subclass it as `Test…`, and override the fixture `objects`."""

    @pytest.fixture
    def objects(self) -> Objects:
        raise NotImplementedError

    def test_what_was_put_is_got_back_in_bounded_pieces(self, objects: Objects) -> None:
        for name, content in {"empty": b"", "a/b/c.json": b"x", "large": _LARGE}.items():
            objects.put(name, [content[:7], content[7:]])
            pieces = list(objects.get(name))
            assert b"".join(pieces) == content
            assert max(map(len, pieces), default=0) <= 1 << 20
        assert {found.name: found.size for found in objects.all()} == {"empty": 0, "a/b/c.json": 1, "large": len(_LARGE)}
        assert [found.name for found in objects.all("a")] == ["a/b/c.json"]
        assert list(objects.all("a/nothing")) == []

    def test_the_later_replaces_the_earlier(self, objects: Objects) -> None:
        objects.put("a/x", [b"first"])
        objects.put("a/x", [b"second"])
        assert b"".join(objects.get("a/x")) == b"second"

    def test_a_source_that_fails_leaves_what_was_there(self, objects: Objects) -> None:
        def source() -> Iterator[bytes]:
            yield b"half"
            raise ValueError("the source broke")

        objects.put("a/x", [b"whole"])
        for name in ("a/x", "a/new"):
            with pytest.raises(ValueError, match="the source broke"):
                objects.put(name, source())
        assert [found.name for found in objects.all()] == ["a/x"]
        assert b"".join(objects.get("a/x")) == b"whole"

    def test_what_is_absent_is_not_found_and_deleting_it_is_no_error(self, objects: Objects) -> None:
        objects.put("a/x", [b"x"])
        for _ in range(2):
            objects.delete("a/x")
            with pytest.raises(NotFound):
                list(objects.get("a/x"))
        assert list(objects.all()) == []

    @pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../x", "a//x", ".hidden", "a/.hidden", "a\x00", "a b", "a/"])
    def test_what_is_no_name_names_nothing(self, objects: Objects, name: str) -> None:
        for act in (lambda: objects.put(name, [b"x"]), lambda: list(objects.get(name)), lambda: objects.delete(name)):
            with pytest.raises(Invalid):
                act()

    def test_many_may_add_and_one_alone_may_delete(self, objects: Objects) -> None:
        with objects.held(alone=False), objects.held(alone=False), pytest.raises(Conflict), objects.held(alone=True):
            pass
        with objects.held(alone=True):
            for alone in (True, False):
                with pytest.raises(Conflict), objects.held(alone=alone):
                    pass
        with objects.held(alone=True):
            assert list(objects.all()) == [], "what holds it is no object"
