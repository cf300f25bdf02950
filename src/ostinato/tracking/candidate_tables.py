"""Tables of candidates and their metrics."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Table, Text

from ostinato.storage.rows.rows import Instant, Json, metadata

candidate_table = Table(
    "tracking_candidate",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("experiment_id", Text, nullable=False),
    Column("run", Text),
    Column("step", BigInteger),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("params", Json, nullable=False),
    Column("tags", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    Index("tracking_candidate_experiment", "project", "experiment_id", "created_at", "id"),
    Index("tracking_candidate_created", "project", "created_at", "id"),
    Index("tracking_candidate_run", "project", "run"),
)
measure_table = Table(
    "tracking_measure",
    metadata,
    Column("project", Text, primary_key=True),
    Column("candidate", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("dataset_name", Text, primary_key=True),
    Column("dataset_digest", Text, primary_key=True),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("run", Text, primary_key=True),
    Column("value", Float),
    Index("tracking_measure_run", "project", "run"),
    sqlite_with_rowid=False,
)
"""What runs measured of candidates; `at` in µs after 1970, and NULL stands for NaN."""
