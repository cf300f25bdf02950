"""Table of the reference predictions of versions."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text, bindparam, insert, select

from ostinato.kernel.caller import caller
from ostinato.registry.proof import Proof
from ostinato.storage.rows.rows import Json, Tx, metadata

proof = Table(
    "registry_proof",
    metadata,
    Column("project", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("example", Json, nullable=False),
    Column("scores", Json, nullable=False),
)
_one = select(proof).where(
    proof.c.project == bindparam("project"), proof.c.model == bindparam("model"), proof.c.version == bindparam("version")
)


def add_proof(tx: Tx, model: str, version: int, made: Proof) -> None:
    """Insert the reference predictions of a version."""
    tx.execute(
        insert(proof), [{"project": caller().project, "model": model, "version": version, "example": made.example, "scores": made.scores}]
    )


def proof_of(tx: Tx, model: str, version: int) -> Proof | None:
    """The reference predictions of a version, if it has any."""
    row = tx.first(_one, {"project": caller().project, "model": model, "version": version})
    return None if row is None else Proof(example=row.example, scores=row.scores)
