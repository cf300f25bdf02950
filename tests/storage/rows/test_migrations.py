"""Migrations: a store of any released revision becomes the present one, while others write; nothing in them may block."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, select, text

import ostinato.app  # noqa: F401 — brings the tables of all slices
from ostinato.kernel.errors import Conflict
from ostinato.storage.rows import migrations, schema
from ostinato.storage.rows.rows import Rows, Tx, metadata
from ostinato.storage.rows.schema import latest
from ostinato.testing.processes import until
from ostinato.testing.rows import add, note, opened, spawn, tables, writers
from ostinato.testing.schema import statements

RELEASED = Path(__file__).parent / "released"

LATER = '''
"""Colours of notes, and labels."""
import sqlalchemy as sa

def upgrade(op):
    op.add_column("note", sa.Column("colour", sa.Text(), nullable=True))
    op.create_table("label", sa.Column("note", sa.Integer(), primary_key=True), sa.Column("word", sa.Text(), primary_key=True))
    op.create_index("label_word", "label", ["word"])
'''


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "rows.db") if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def rows(place: str) -> Iterator[Rows]:
    rows = opened(place)
    yield rows
    rows.close()


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A revision that comes after all that there are; its number."""
    number = latest() + 1
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / f"r{number:04}_colours_of_notes.py").write_text(LATER)
    monkeypatch.setattr(migrations, "__path__", [*migrations.__path__, str(tmp_path / "later")])
    return number


def revision(rows: Rows) -> int:
    return rows.read(lambda tx: int(tx.execute(text("SELECT max(revision) FROM store_revision")).scalar_one()))


@pytest.mark.parametrize("released", sorted({int(path.name.split(".")[0]) for path in RELEASED.glob("*.sql")}))
def test_a_store_of_any_released_revision_becomes_what_a_new_one_is(rows: Rows, released: int, place: str) -> None:
    kind = "postgresql" if place.startswith("postgresql") else "sqlite"

    def make(connection: Connection) -> None:
        for statement in (RELEASED / f"{released}.{kind}.sql").read_text().split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql("CREATE TABLE store_revision (revision INTEGER NOT NULL)")
        connection.exec_driver_sql(f"INSERT INTO store_revision VALUES ({released})")

    rows.write(lambda tx: make(tx._connection))
    rows.create(metadata)
    assert revision(rows) == latest()
    assert rows.read(lambda tx: difference(tx._connection)) == []


def test_a_new_store_is_what_the_tables_say(rows: Rows) -> None:
    rows.create(metadata)
    assert rows.read(lambda tx: difference(tx._connection)) == []


def difference(connection: Connection) -> list[object]:
    """What Alembic would change to make the database what the tables say."""
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "include_name": lambda name, kind, parents: name != "store_revision"}
    )
    return list(compare_metadata(context, metadata))


def test_what_the_present_revision_is_stands_in_the_repository(place: str) -> None:
    kind = "postgresql" if place.startswith("postgresql") else "sqlite"
    kept = (RELEASED / f"{latest()}.{kind}.sql").read_text()
    assert statements(kind) == kept, "make schema"


def test_others_write_while_a_store_is_migrated(rows: Rows, place: str, tmp_path: Path, later: int) -> None:
    before, out = opened(place), tmp_path / "out"
    process = spawn(place, "w", out)  # it knows nothing of the later revision
    try:
        until(lambda: out.read_bytes().count(b"\n") > 50)
        seen = before.read(lambda tx: len(tx.all(select(note.c.id))))
        assert revision(rows) == later - 1
        rows.create(tables)
        assert revision(rows) == later
        written = out.read_bytes().count(b"\n")
        until(lambda: out.read_bytes().count(b"\n") > written + 50)
        assert process.poll() is None
        assert before.read(lambda tx: len(tx.all(select(note.c.id)))) >= seen
        assert before.write(add("old", 1)) > 0
    finally:
        process.kill()
        process.wait(10)
        before.close()
    acknowledged = [line for line in out.read_text().split("\n")[:-1] if line]
    stored = {f"{row.writer} {row.seq}" for row in rows.read(lambda tx: tx.all(select(note.c.writer, note.c.seq)))}
    assert set(acknowledged) <= stored
    rows.write(lambda tx: tx.execute(text("UPDATE note SET colour = 'red'")))
    rows.write(lambda tx: tx.execute(text("INSERT INTO label VALUES (1, 'a')")))


def test_a_reader_who_takes_his_time_delays_a_migration_and_nobody_else(
    place: str, rows: Rows, later: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "_PATIENCE", "100ms")
    with monkeypatch.context() as before:
        before.setattr(migrations, "__path__", migrations.__path__[:1])
        old = opened(place)
        old.create(tables)
    old.write(add("a"))

    def read(tx: Tx) -> list[int]:
        held = tx.all(select(note.c.id))
        migrating = pool.submit(rows.create, tables)
        written = [old.write(add("b")) for _ in range(20)]
        until(lambda: place.startswith("postgresql") or migrating.done())  # a reader of PostgreSQL keeps the table as it is
        assert len(tx.all(select(note.c.id))) == len(held)
        return written

    with ThreadPoolExecutor(1) as pool:
        assert len(old.read(read)) == 20
    assert revision(rows) == later
    assert writers(old) == ["a"] + 20 * ["b"]
    old.close()


def test_a_migration_that_fails_leaves_the_store_as_it_was(place: str, rows: Rows, later: int) -> None:
    rows.create(tables)
    path = next(Path(migrations.__path__[-1]).glob("*.py"))
    (path.parent / f"r{later + 1:04}_wrong.py").write_text(
        "def upgrade(op):\n    op.execute('CREATE TABLE half (id INT)')\n    op.execute('nonsense')\n"
    )
    again = opened(place)
    with pytest.raises(Exception, match="nonsense"):
        again.create(tables)
    assert revision(again) == later
    with pytest.raises(Exception, match="half"):
        again.read(lambda tx: tx.first(text("SELECT 1 FROM half")))
    again.close()


def test_an_older_program_refuses_what_a_newer_one_migrated(place: str, rows: Rows, later: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows.create(tables)
    monkeypatch.undo()
    older = opened(place)
    with pytest.raises(Conflict, match=f"revision {later}, this Ostinato knows revisions up to {later - 1}") as caught:
        older.create(tables)
    assert "upgrade Ostinato" in caught.value.hint
    older.close()


ALLOWED = {"create_table", "add_column", "create_index"}


def blocking(source: str) -> list[str]:
    """What in a revision could block those who write meanwhile, or break what an older program writes."""
    wrong, made = [], set()
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        if not (isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "op"):
            continue
        name, told = call.func.attr, ast.unparse(call)
        first = ast.literal_eval(call.args[0]) if call.args and isinstance(call.args[0], ast.Constant) else None
        if name not in ALLOWED:
            wrong.append(f"op.{name} is none of {', '.join(sorted(ALLOWED))}")
        elif name == "create_table":
            made.add(first)
        elif name == "create_index" and ast.literal_eval(call.args[1]) not in made:
            wrong.append(f"an index on a table that is there holds up its writers: {told}")
        elif name == "add_column" and "nullable=True" not in told and "server_default=" not in told:
            wrong.append(f"a column that must have a value, and an older program gives none: {told}")
    return wrong


@pytest.mark.parametrize("path", sorted(Path(migrations.__path__[0]).glob("r*.py")) or [None], ids=str)
def test_no_revision_blocks(path: Path | None) -> None:
    if path is not None:
        assert blocking(path.read_text()) == []


def test_the_guard_sees_what_would_block() -> None:
    assert blocking(LATER) == []
    wrong = """
op.drop_table('note')
op.drop_column('note', 'key')
op.alter_column('note', 'key', nullable=False)
op.execute('UPDATE note SET x = 1')
op.add_column('note', sa.Column('x', sa.Text(), nullable=False))
op.create_index('i', 'note', ['key'])
op.rename_table('a', 'b')
"""
    for line in wrong.strip().splitlines():
        assert len(blocking(line)) == 1, line
