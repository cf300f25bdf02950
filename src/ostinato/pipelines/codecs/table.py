"""Table: Arrow tables as Parquet."""

from __future__ import annotations

import pyarrow as pa

from ostinato.storage.blobs.blobs import Blobs
from ostinato.storage.tables.tables import Tables


class Table:
    """Arrow tables as Parquet; the digest can be given to `app.tables` for reading by columns and SQL."""

    def accepts(self, value: object) -> bool:
        return isinstance(value, pa.Table)

    def keep(self, value: pa.Table, blobs: Blobs, tables: Tables) -> str:  # noqa: ARG002
        return tables.write(value).digest

    def fetch(self, digest: str, blobs: Blobs, tables: Tables) -> pa.Table:  # noqa: ARG002
        return tables.read(digest)
