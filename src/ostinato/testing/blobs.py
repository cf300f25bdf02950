"""The contract of `Blobs`, as tests that every member passes, and a member that keeps all in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from ostinato.kernel.errors import Corrupt, Invalid, NotFound
from ostinato.storage.blobs.blobs import Blob, Blobs, blob_of, pieces, valid

_LARGE = bytes(range(256)) * 10_000


class Memory:
    """Blobs in a dictionary: for tests, and to see that nothing depends on files."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, content: bytes | Iterable[bytes]) -> Blob:
        whole = b"".join(pieces(content))
        blob = blob_of(whole)
        self.kept[blob.digest] = whole
        return blob

    def open(self, digest: str, start: int = 0, size: int | None = None) -> bytes:
        return b"".join(self.stream(digest))[start : None if size is None else start + size]

    def stream(self, digest: str) -> Iterator[bytes]:
        if valid(digest) not in self.kept:
            raise NotFound(f"no blob {digest}")
        yield from pieces(self.kept[digest])
        if blob_of(self.kept[digest]).digest != digest:
            raise Corrupt(f"blob {digest} is damaged")

    def exists(self, digest: str) -> bool:
        return valid(digest) in self.kept

    def delete(self, digest: str) -> None:
        self.kept.pop(valid(digest), None)


class BlobsContract:
    """Subclass it as `Test…`, and override the fixture `blobs` and `damage`.

    `damage(blobs, digest)` changes the stored bytes of a blob behind the back of the store.
    """

    @pytest.fixture
    def blobs(self) -> Blobs:
        raise NotImplementedError

    def damage(self, blobs: Blobs, digest: str) -> None:
        raise NotImplementedError

    def name_of(self, blobs: Blobs, content: bytes) -> Blob:  # noqa: ARG002 — a store may have a key
        """The name that `content` must have in this store."""
        return blob_of(content)

    def test_what_was_put_is_read_back_under_the_digest_of_its_content(self, blobs: Blobs) -> None:
        for content in (b"", b"x", _LARGE):
            blob = blobs.put(content)
            assert blob == self.name_of(blobs, content)
            assert blobs.exists(blob.digest)
            assert blobs.open(blob.digest) == content

    def test_pieces_and_the_whole_are_the_same_blob(self, blobs: Blobs) -> None:
        whole = blobs.put(_LARGE)
        assert blobs.put(_LARGE[i : i + 777] for i in range(0, len(_LARGE), 777)) == whole
        assert blobs.put([]) == blobs.put(b"")

    def test_a_stream_comes_in_bounded_pieces(self, blobs: Blobs) -> None:
        parts = list(blobs.stream(blobs.put(_LARGE).digest))
        assert max(map(len, parts)) <= 1 << 20
        assert b"".join(parts) == _LARGE

    def test_a_part_is_read_without_the_whole(self, blobs: Blobs) -> None:
        size, digest = len(_LARGE), blobs.put(_LARGE).digest
        spans = [(0, 1), (5, 10), (65_530, 20), (65_536, 65_536), (size - 1, 1), (size - 5, 100), (1_000_000, 1_500_000), (3, 0)]
        for start, count in spans:
            assert blobs.open(digest, start, count) == _LARGE[start : start + count]
        assert blobs.open(digest, 70_000) == _LARGE[70_000:]

    def test_a_source_that_fails_leaves_nothing(self, blobs: Blobs) -> None:
        def source() -> Iterator[bytes]:
            yield b"half"
            raise ValueError("the source broke")

        with pytest.raises(ValueError, match="the source broke"):
            blobs.put(source())
        assert not blobs.exists(self.name_of(blobs, b"half").digest)

    def test_what_is_absent_is_not_found(self, blobs: Blobs) -> None:
        absent = blob_of(b"never stored").digest
        assert not blobs.exists(absent)
        with pytest.raises(NotFound):
            blobs.open(absent)
        blobs.delete(absent)

    def test_deleted_is_gone_and_can_come_back(self, blobs: Blobs) -> None:
        blob = blobs.put(b"now and then")
        blobs.delete(blob.digest)
        assert not blobs.exists(blob.digest)
        with pytest.raises(NotFound):
            blobs.open(blob.digest)
        assert blobs.open(blobs.put(b"now and then").digest) == b"now and then"

    def test_damage_is_found_and_mended_by_storing_again(self, blobs: Blobs) -> None:
        blob = blobs.put(_LARGE)
        self.damage(blobs, blob.digest)
        with pytest.raises(Corrupt):
            blobs.open(blob.digest)
        blobs.put(_LARGE)
        assert blobs.open(blob.digest) == _LARGE

    @pytest.mark.parametrize("name", ["", "ab", "../../etc/passwd", "A" * 64, "0" * 63 + "/"])
    def test_what_is_no_digest_names_nothing(self, blobs: Blobs, name: str) -> None:
        for act in (blobs.open, blobs.exists, blobs.delete):
            with pytest.raises(Invalid):
                act(name)
