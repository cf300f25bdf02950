"""The tree, its tiles and its proofs against the text of RFC 9162, followed word by word."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.ledger.merkle import Tile, Tree, consistency, fold, inclusion, is_consistent, leaf, root_of_inclusion, subtree

SIZES = st.one_of(st.integers(1, 70), st.sampled_from([255, 256, 257, 511, 512, 600]))


def mth(entries: list[bytes]) -> bytes:
    """§2.1.1: the Merkle tree hash."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1 << ((len(entries) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """§2.1.3.1: the inclusion proof."""
    n = len(entries)
    if n == 1:
        return []
    k = 1 << ((n - 1).bit_length() - 1)
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
    """§2.1.4.1: the consistency proof."""
    n = len(entries)
    if m == n:
        return [] if whole else [mth(entries)]
    k = 1 << ((n - 1).bit_length() - 1)
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


ENTRIES = [str(n).encode() for n in range(700)]


class Leaves:
    """Complete subtrees straight from the entries."""

    def complete(self, level: int, index: int) -> bytes:
        return mth(ENTRIES[index << level : (index + 1) << level])


def _grown(size: int) -> Tree:
    tree = Tree()
    tree.extend(ENTRIES[:size])
    return tree


def test_the_root_of_rfc_6962s_reference_vectors() -> None:
    tree = Tree()
    roots = [tree.root().hex()]
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"):
        tree.add(bytes.fromhex(text))
        roots.append(tree.root().hex())
    assert roots == [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]


@given(sizes=st.lists(st.integers(0, 300), min_size=1, max_size=5))
def test_however_it_grows_the_root_is_that_of_the_rfc(sizes: list[int]) -> None:
    tree, size = Tree(), 0
    for more in sizes:
        more = min(more, len(ENTRIES) - size)
        tree = Tree.grown(size, tree.edge())  # as a process that has the tiles alone
        tree.extend(ENTRIES[size : size + more])
        size += more
        assert (tree.size, tree.root()) == (size, mth(ENTRIES[:size]))


@given(size=SIZES)
def test_tiles_hold_the_hashes_of_each_eighth_level(size: int) -> None:
    tree = _grown(size)
    tiles = {(t.level, t.index): t.hashes for t in [*tree.full, *tree.edge()]}
    level, count = 0, size
    while count:
        hashes = b"".join(hashes for (at, _), hashes in sorted(tiles.items()) if at == level)
        width = 256**level
        assert hashes == b"".join(mth(ENTRIES[i * width : (i + 1) * width]) for i in range(count))
        assert all(len(h) == 8192 for (at, i), h in tiles.items() if at == level and i < count // 256)
        level, count = level + 1, count // 256
    assert all(at < level for at, _ in tiles)


@pytest.mark.parametrize("wrong", [[], [Tile(0, 0, b"x" * 96)], [Tile(0, 1, b"x" * 160)], [Tile(0, 0, b"x" * 159)]])
def test_an_edge_that_is_none_is_refused(wrong: list[Tile]) -> None:
    with pytest.raises(ValueError, match="should hold 5"):
        Tree.grown(5, wrong)


@given(size=SIZES, data=st.data())
def test_inclusion_proofs_are_those_of_the_rfc_and_prove_only_what_is(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root, proof = mth(ENTRIES[:size]), inclusion(Leaves(), index, size)
    assert proof == path(index, ENTRIES[:size])
    assert root_of_inclusion(leaf(ENTRIES[index]), index, size, proof) == root
    other = data.draw(st.integers(-1, size + 1))
    if other != index:
        assert root_of_inclusion(leaf(ENTRIES[index]), other, size, proof) != root
    assert root_of_inclusion(leaf(b"another"), index, size, proof) != root
    assert root_of_inclusion(leaf(ENTRIES[index]), index, size, [*proof, root]) is None
    if proof:
        assert root_of_inclusion(leaf(ENTRIES[index]), index, size, proof[:-1]) != root
        bad = list(proof)
        bad[data.draw(st.integers(0, len(proof) - 1))] = b"\x00" * 32
        assert root_of_inclusion(leaf(ENTRIES[index]), index, size, bad) != root


@given(size=SIZES, data=st.data())
def test_consistency_proofs_are_those_of_the_rfc_and_prove_only_what_is(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    before, after = mth(ENTRIES[:old]), mth(ENTRIES[:size])
    proof = consistency(Leaves(), old, size)
    assert proof == subproof(old, ENTRIES[:size], True)
    assert subtree(Leaves(), 0, old) == before
    assert is_consistent(old, size, before, after, proof)
    assert not is_consistent(old, size, b"\x00" * 32, after, proof)
    assert not is_consistent(old, size, before, b"\x00" * 32, proof)
    assert not is_consistent(old, size, before, after, [*proof, before])
    assert not is_consistent(0, size, before, after, proof)
    if proof:
        assert not is_consistent(old, size, before, after, proof[:-1])
        bad = list(proof)
        bad[data.draw(st.integers(0, len(proof) - 1))] = b"\x00" * 32
        assert not is_consistent(old, size, before, after, bad)


@given(index=st.integers(0, 9), size=st.integers(0, 9), proof=st.lists(st.binary(min_size=32, max_size=32), max_size=6))
def test_no_path_at_random_proves_anything(index: int, size: int, proof: list[bytes]) -> None:
    root = mth(ENTRIES[:size])
    if root_of_inclusion(leaf(b"not there"), index, size, proof) == root:
        raise AssertionError
    assert not is_consistent(index, size, mth([b"another story"]), root, proof) or index == size == 0


def test_a_fold_of_one_is_itself() -> None:
    assert fold([b"x"]) == b"x"
