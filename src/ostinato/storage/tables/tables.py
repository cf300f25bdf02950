"""Tables: immutable columnar tables as Parquet blobs, and SQL over them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ostinato.kernel.errors import Invalid, TooLarge
from ostinato.kernel.frozen import frozen
from ostinato.storage.blobs.blobs import Blobs, OnDisk, Secret
from ostinato.storage.tables.sql import literal
from ostinato.storage.tables.sql import name as quoted

if TYPE_CHECKING:
    import duckdb

_PIECE = 1 << 20
_MEMORY_MB = 512
_SPILL_MB = 16 << 10
_THREADS = 2
_TIME_MAX_S = 600.0
_ROW_GROUP = 131_072


@frozen
class TableBlob:
    """The digest and size in bytes of a Parquet blob, and its number of rows."""

    digest: str
    size: int
    rows: int


@frozen
class Outline:
    """The names of the columns of a stored table, and its number of rows."""

    columns: list[str]
    rows: int


class Tables:
    """Parquet blobs, written once and read whole, by columns, or through SQL.

    A query is one SELECT. It runs in a DuckDB of its own that sees the tables it was given and nothing else: no files, no
    network, no extensions, no variables. It uses at most 512 MB, two threads and `time_max_s` seconds, and spills at most
    16 GB to `cache`, where copies of blobs that lie elsewhere are kept as well. Of encrypted blobs nothing lies there in plain
    text: they are decrypted into memory while they are read, and what spills is encrypted.
    """

    def __init__(self, blobs: Blobs, cache: str | os.PathLike[str], *, time_max_s: float = _TIME_MAX_S) -> None:
        self._blobs = blobs
        self._time_max_s = time_max_s
        self._cache = Path(cache)
        self._cache.mkdir(parents=True, exist_ok=True)

    def write(self, table: pa.Table) -> TableBlob:
        """Store a table; equal tables have equal digests."""
        with self._blobs.scratch() if isinstance(self._blobs, Secret) else tempfile.TemporaryFile(dir=self._cache) as file:
            pq.write_table(
                table.combine_chunks().replace_schema_metadata(None),
                file,
                compression="zstd",
                row_group_size=_ROW_GROUP,
                use_content_defined_chunking=True,
                write_page_checksum=True,
            )
            file.seek(0)
            blob = self._blobs.put(_pieces(file))
        return TableBlob(digest=blob.digest, size=blob.size, rows=table.num_rows)

    def read(self, digest: str, columns: Sequence[str] | None = None) -> pa.Table:
        """A stored table, or only some of its columns, in the order asked.

        Raises:
            NotFound: there is no such blob.
            Invalid: the blob is not Parquet, or lacks a column.
        """
        try:
            with ExitStack() as held, pq.ParquetFile(self._file(digest, held)) as file:
                _check_columns(columns, file.schema_arrow.names)
                table = file.read(columns=None if columns is None else list(columns))
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            raise Invalid(f"blob {digest} is not a table: {error}") from error
        return table if columns is None else table.select(list(columns))

    def outline(self, digest: str) -> Outline:
        """The columns of a stored table and how many rows it has; no row is read.

        Raises:
            NotFound: there is no such blob.
            Invalid: the blob is not Parquet.
        """
        try:
            with ExitStack() as held, pq.ParquetFile(self._file(digest, held)) as file:
                return Outline(columns=file.schema_arrow.names, rows=file.metadata.num_rows)
        except pa.ArrowInvalid as error:
            raise Invalid(f"blob {digest} is not a table: {error}") from error

    def read_all(self, digests: Sequence[str], columns: Sequence[str] | None = None) -> pa.Table:
        """Several stored tables under one another; a column that one of them lacks is null there.

        Raises:
            Invalid: no digest was given, or the types of a column cannot be reconciled.
        """
        if not digests:
            raise Invalid("no table was named", field="digests")
        try:
            return pa.concat_tables([self.read(d, columns) for d in digests], promote_options="permissive")
        except pa.ArrowTypeError as error:
            raise Invalid(f"the tables do not fit under one another: {error}") from error

    def query(
        self,
        sql: str,
        /,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        **tables: str | Sequence[str] | pa.Table,
    ) -> pa.Table:
        """The answer to one SELECT over `tables`, each a digest, several digests under one another, or an Arrow table.

        `parameters` fill `?` and `$1` by order, or `$name` by name. Times are UTC.

        Raises:
            Invalid: the SQL is wrong, or reaches for something that it was not given.
            TooLarge: the query needs more memory and disk than it may have.
            NotFound: a digest names no blob.
        """
        import duckdb  # 20 MB and 0.1 s that a process does without until it is asked

        with ExitStack() as held:
            bound = {name: table if isinstance(table, pa.Table) else self._files(table, held) for name, table in tables.items()}
            spill = held.enter_context(tempfile.TemporaryDirectory(dir=self._cache))
            database = held.enter_context(duckdb.connect(":memory:", config=_config(spill, secret=isinstance(self._blobs, Secret))))
            try:
                select = _select(database, sql)
                for name, source in bound.items():
                    _bind(database, name, source)
                _close_doors(database, [path for source in bound.values() if isinstance(source, list) for path in source], self._time_max_s)
                return database.sql(select, params=parameters or None).to_arrow_table()
            except duckdb.InterruptException as error:
                hint = "read fewer columns or rows, or a recursion that ends"
                raise TooLarge(f"the query took more than {self._time_max_s:g} s", hint=hint) from error
            except duckdb.OutOfMemoryException as error:
                raise TooLarge(_first_line(error), hint=f"a query may use {_MEMORY_MB} MB; read fewer columns or rows") from error
            except duckdb.Error as error:
                raise Invalid(_first_line(error), field="sql") from error

    def _files(self, digests: str | Sequence[str], held: ExitStack) -> list[str]:
        named = [digests] if isinstance(digests, str) else list(digests)
        if not named:
            raise Invalid("no table was named", hint="give at least one digest", field="tables")
        return [str(self._file(digest, held)) for digest in named]

    def _file(self, digest: str, held: ExitStack) -> Path:
        """A file with the blob, good for as long as `held` is open."""
        if isinstance(self._blobs, OnDisk):
            return self._blobs.path(digest)
        if isinstance(self._blobs, Secret):
            memory = held.enter_context(self._blobs.scratch())
            memory.writelines(self._blobs.stream(digest))
            memory.flush()
            return Path(f"/proc/self/fd/{memory.fileno()}")
        place = self._cache / digest
        if not place.exists():
            with tempfile.NamedTemporaryFile(dir=self._cache, delete=False) as file:
                for piece in self._blobs.stream(digest):
                    file.write(piece)
            os.rename(file.name, place)
        return place


def _config(spill: str, *, secret: bool) -> dict[str, str | int | bool]:
    return {
        "memory_limit": f"{_MEMORY_MB}MB",
        "threads": _THREADS,
        "temp_directory": spill,  # one for each database: they give their files the same names
        "max_temp_directory_size": f"{_SPILL_MB}MB",
        "temp_file_encryption": secret,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
        "python_enable_replacements": False,
    }


def _select(database: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    from duckdb import StatementType

    statements = database.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != StatementType.SELECT:
        raise Invalid("not one SELECT", hint="a query reads: write one SELECT or FROM", field="sql")
    return statements[0]


def _bind(database: duckdb.DuckDBPyConnection, name: str, source: pa.Table | list[str]) -> None:
    if isinstance(source, pa.Table):
        database.register(name, source)
    else:
        paths = ", ".join(map(literal, source))
        database.execute(f"CREATE VIEW {quoted(name)} AS SELECT * FROM read_parquet([{paths}], union_by_name = true)")  # noqa: S608


def _close_doors(database: duckdb.DuckDBPyConnection, paths: list[str], time_max_s: float) -> None:
    database.execute(f"SET allowed_paths = [{', '.join(map(literal, paths))}]")
    database.execute("SET TimeZone = 'UTC'")
    database.execute(f"SET max_execution_time = {max(1, round(time_max_s * 1000))}")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


def _check_columns(asked: Sequence[str] | None, known: Sequence[str]) -> None:
    if missing := sorted(set(asked or ()) - set(known)):
        raise Invalid(f"no column {', '.join(missing)}", hint=f"columns: {', '.join(known)}", field="columns")


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0]


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
