"""R54: tampering with a row of the audit log is detected. All of it is done by the owner of the database, behind our back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Corrupt
from ostinato.kernel.ref import Ref
from ostinato.ledger.body import pack, read
from ostinato.ledger.merkle import Tree
from ostinato.ledger.signing_key import SigningKey
from ostinato.ledger.store import REFS_MAX
from ostinato.testing.postgres import PostgresServer

if TYPE_CHECKING:
    from tests.ledger.conftest import Store


def _of(seq: int, role: str = "") -> str:
    """The rows of references of an event, in SQL."""
    return f"place >= {seq * REFS_MAX} AND place < {(seq + 1) * REFS_MAX}" + (f" AND role = '{role}'" if role else "")


@pytest.fixture
def kept(store: Store) -> str:
    """Twenty events under two heads and three beyond; the note of the first head, kept elsewhere."""
    for number in range(10):
        store.act(
            "model.approved",
            f"model:late@{number + 1}",
            ["dataset:flights@1"],
            [f"model:late@{number + 1}"],
            {"reason": f"reason{number:04d}"},
        )
    head = store.ledger.seal()
    for number in range(10):
        store.act("model.promoted", f"model:late@{number + 1}", ["dataset:flights@1"])
    store.ledger.seal()
    store.act("run.started", "run:r1")
    store.act("run.started", "run:r2")
    store.ledger.comment(Ref("run", "r2"), "odd")
    assert head is not None
    assert store.ledger.verify(head.note).problems == []
    found = store.ledger.verify(head.note)
    assert (found.ok, found.events, found.sealed) == (True, 23, 20)
    return head.note


_LATER = "seq >= 18"
_REFS = f"place >= 18 * {REFS_MAX}"

TAMPERINGS = {
    "a byte of a body": (
        "UPDATE ledger_event SET body = CAST(replace(CAST(body AS TEXT), 'reason0004', 'reason0005') AS BLOB) WHERE seq = 4",
        "0 to 9",
    ),
    "a byte of a body, told by its tile": (
        "UPDATE ledger_event SET body = CAST(replace(CAST(body AS TEXT), 'reason0004', 'reason0005') AS BLOB) WHERE seq = 4",
        "the tile 0 of level 0 does not fit",
    ),
    "the actor": ("UPDATE ledger_event SET actor = 'person:eve' WHERE seq = 4", "event 4: edited in the columns actor"),
    "the time": ("UPDATE ledger_event SET at_us = at_us + 1 WHERE seq = 4", "event 4: edited in the columns at_us"),
    "the verb": ("UPDATE ledger_event SET verb = 'model.rejected' WHERE seq = 14", "event 14: edited in the columns verb"),
    "the project": ("UPDATE ledger_event SET project = 'hidden' WHERE seq = 21", "event 21: edited in the columns project"),
    "the id": ("UPDATE ledger_event SET id = 'x' WHERE seq = 4", "event 4: edited in the columns id"),
    "a reference": (f"UPDATE ledger_ref SET ref = 'dataset:flights@2' WHERE {_of(4, 'i')}", "event 4: its references"),
    "the role of a reference": (f"UPDATE ledger_ref SET role = 'o' WHERE {_of(4, 'i')}", "event 4: its references"),
    "the project of a reference": (f"UPDATE ledger_ref SET project = 'hidden' WHERE {_of(4, 'i')}", "event 4: its references"),
    "a reference removed": (f"DELETE FROM ledger_ref WHERE {_of(4, 'o')}", "event 4: its references"),
    "a reference added": (
        f"INSERT INTO ledger_ref VALUES (4 * {REFS_MAX} + 9, 'default', 'dataset:x@1', 'i')",
        "event 4: its references",
    ),
    "a reference from nowhere": (f"INSERT INTO ledger_ref VALUES (99 * {REFS_MAX}, 'default', 'dataset:x@1', 'i')", "belongs to no event"),
    "a reference from before all": (
        f"INSERT INTO ledger_ref VALUES (-99 * {REFS_MAX}, 'default', 'dataset:x@1', 'i')",
        "belongs to no event",
    ),
    "a row deleted": ("DELETE FROM ledger_event WHERE seq = 4", "event 4: missing"),
    "a row deleted and the gap closed": (
        "DELETE FROM ledger_event WHERE seq = 4; UPDATE ledger_event SET seq = seq - 1 WHERE seq > 4;"
        f"DELETE FROM ledger_ref WHERE {_of(4)}; UPDATE ledger_ref SET place = place - {REFS_MAX} WHERE place >= 5 * {REFS_MAX}",
        "events 0 to 9",
    ),
    "a row inserted": (
        "INSERT INTO ledger_event SELECT 23, 'x', at_us, project, actor, verb, body FROM ledger_event WHERE seq = 4",
        "event 23: edited in the columns id",
    ),
    "a row before all": (
        "INSERT INTO ledger_event SELECT -1, 'x', at_us, project, actor, verb, body FROM ledger_event WHERE seq = 4",
        "event 0: missing, the next one is -1",
    ),
    "a row at the end of numbers": (f"UPDATE ledger_event SET seq = {2**62} WHERE seq = 21", "event 21: missing"),
    "a row inserted among the others": (
        "UPDATE ledger_event SET seq = -seq WHERE seq > 15; UPDATE ledger_event SET seq = 1 - seq WHERE seq < 0;"
        "INSERT INTO ledger_event SELECT 16, 'x', at_us, project, actor, verb, body FROM ledger_event WHERE seq = 4",
        "events 10 to 19",
    ),
    "two rows in other order": (
        ";".join(f"UPDATE ledger_event SET seq = {new} WHERE seq = {old}" for old, new in ((4, -1), (5, 4), (-1, 5))),
        "events 0 to 9",
    ),
    "the tail cut": (f"DELETE FROM ledger_event WHERE {_LATER}; DELETE FROM ledger_ref WHERE {_REFS}", "the tail was cut"),
    "everything cut": ("DELETE FROM ledger_event; DELETE FROM ledger_ref", "the tail was cut"),
    "the tail and its head cut": (
        "DELETE FROM ledger_event WHERE seq >= 8; DELETE FROM ledger_ref; DELETE FROM ledger_head; DELETE FROM ledger_tile",
        "exported head counts 10",
    ),
    "a body that is none": ("UPDATE ledger_event SET body = x'00' WHERE seq = 4", "event 4: its body"),
    "a body that is text": ("UPDATE ledger_event SET body = 'x' WHERE seq = 4", "event 4: its body"),
    "a body of another form": (
        "UPDATE ledger_event SET body = CAST(x'9b02' || substr(body, 3) AS BLOB) WHERE seq = 4",
        "event 4: its body",
    ),
    "a column of another type": ("UPDATE ledger_event SET at_us = 'yesterday' WHERE seq = 4", "event 4: edited"),
    "the root of a head": ("UPDATE ledger_head SET root = 'ff' WHERE size = 10", "its columns differ"),
    "the note of a head": ("UPDATE ledger_head SET note = replace(note, '10', '11') WHERE size = 10", "not signed by this ledger's key"),
    "a tile damaged": ("UPDATE ledger_tile SET hashes = zeroblob(640)", "the tile 0 of level 0 does not fit"),
    "a tile too short": ("UPDATE ledger_tile SET hashes = substr(hashes, 1, 608)", "the tile 0 of level 0 does not fit"),
    "a tile deleted": ("DELETE FROM ledger_tile", "the tile 0 of level 0 does not fit"),
    "a tile too many": ("INSERT INTO ledger_tile SELECT 7, 7, hashes FROM ledger_tile", "there are 2 tiles, 1 belong"),
    "a personal value": ("UPDATE ledger_private SET value = CAST('\"fine\"' AS BLOB)", "event 22: its personal value text is not what"),
    "the person of a value": ("UPDATE ledger_private SET person = 'person:eve'", "event 22: its personal value text is not what"),
    "a personal value deleted": ("DELETE FROM ledger_private", "event 22: its personal values are gone, and no event says"),
    "a personal value added": (
        "INSERT INTO ledger_private SELECT 3, field, project, person, salt, value, NULL FROM ledger_private",
        "event 3: a personal value text belongs to no event",
    ),
    "a personal value beyond the end": (
        "INSERT INTO ledger_private SELECT 99, field, project, person, salt, value, NULL FROM ledger_private",
        "event 99: a personal value text belongs to no event",
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found(store: Store, kept: str, name: str) -> None:
    edit, expected = TAMPERINGS[name]
    store.edit(*edit.split(";"))
    found = store.ledger.verify(kept)
    assert not found.ok
    assert any(expected in problem for problem in found.problems), found.problems


@pytest.mark.parametrize("value", [f"x'{text.hex()}'" for text in (b"?", b'"cut')])
def test_a_damaged_personal_value_is_named_where_it_is_read(store: Store, kept: str, value: str) -> None:
    store.edit(f"UPDATE ledger_private SET value = {value}")
    with pytest.raises(Corrupt, match="personal value of event 22 is damaged") as caught:
        store.ledger.events()
    assert "ledger verify" in caught.value.hint
    assert not store.ledger.verify(kept).ok


def test_a_flipped_byte_in_the_file_itself_is_found(store: Store, kept: str, request: pytest.FixtureRequest) -> None:
    store.rows.close()
    if store.place.startswith("postgresql:"):
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.stopped(store.place, "ledger_event") as file:
            _flip(file)
        expected = "what follows cannot be read"  # by the checksum of its page
    else:
        store.sql("PRAGMA wal_checkpoint(TRUNCATE)")
        _flip(Path(store.place))
        expected = "events 0 to 9"
    reopened = type(store).open(store.path)
    found = reopened.ledger.verify()
    reopened.rows.close()
    assert any(expected in problem for problem in found.problems), found.problems


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[content.index(b"reason0007") + 9] ^= 1
    file.write_bytes(content)


def _rewrite(store: Store, seal: SigningKey) -> None:
    """Tell another story: change one event and seal everything anew, as only the owner of the key can."""
    ((body,),) = store.sql("SELECT body FROM ledger_event WHERE seq = 4")
    event = msgspec.structs.replace(read(body), actor="person:eve")
    store.sql("UPDATE ledger_event SET actor = 'person:eve', body = ? WHERE seq = 4", pack(event))
    tree = Tree()
    heads = [size for (size,) in store.sql("SELECT size FROM ledger_head")]
    for size, (content,) in enumerate(store.sql("SELECT body FROM ledger_event ORDER BY seq"), 1):
        tree.add(content)
        if size in heads:
            store.sql("UPDATE ledger_head SET root = ?, note = ? WHERE size = ?", tree.root().hex(), seal.sign(size, tree.root()), size)
            for tile in tree.edge():
                store.sql("UPDATE ledger_tile SET hashes = ? WHERE level = ?", tile.hashes, tile.level)


def test_a_full_rewrite_by_the_owner_of_the_key_is_found_by_an_exported_head_alone(store: Store, kept: str) -> None:
    _rewrite(store, SigningKey.at(store.path / "ledger-key"))
    assert store.ledger.verify().ok, "within itself the new story is consistent"
    found = store.ledger.verify(kept)
    assert any("rewritten" in problem for problem in found.problems)
    store.act("run.started", "run:r3")
    store.ledger.seal()
    assert not store.ledger.verify(kept).ok, "and stays found, however the ledger grows"


def test_a_rewrite_under_another_key_is_found(store: Store, kept: str) -> None:
    _rewrite(store, SigningKey.at(store.path / "another-key"))
    assert any("not signed by this ledger's key" in problem for problem in store.ledger.verify().problems)


def test_a_long_list_of_problems_is_cut(store: Store, kept: str) -> None:
    with calling(Caller(actor="person:ana")):
        store.rows.write(lambda tx: [store.ledger.append(tx, "run.started", Ref("run", f"x{n}")) for n in range(150)])
    store.edit("UPDATE ledger_event SET verb = 'run.stopped' WHERE seq > 22")
    problems = store.ledger.verify().problems
    assert len(problems) == 101
    assert problems[-1] == "and 50 more"
