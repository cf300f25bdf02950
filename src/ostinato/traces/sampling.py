"""The verbs of Traces that sample the new traces of an experiment, and count what was sampled out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Column, Float, Row, Table, Text, bindparam, delete, insert, select, update

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Instant, Rows, Tx, metadata
from ostinato.traces import types
from ostinato.tracking.verbs.experiments import find_experiment

sampling_table = Table(
    "traces_sampling",
    metadata,
    Column("project", Text, primary_key=True),
    Column("experiment", Text, primary_key=True),
    Column("share", Float, nullable=False),
    Column("keep_errors", Boolean, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("kept", BigInteger, nullable=False),
    Column("declared_by", Text, nullable=False),
    Column("declared_at", Instant, nullable=False),
)
"""Without an experiment, for every one that has no share of its own."""
_c = sampling_table.c
_rules = Prepared(select(_c.experiment, _c.share, _c.keep_errors).where(_c.project == bindparam("project")))


@dataclass(frozen=True, slots=True)
class Rule:
    """Which share is kept, and for what it is: an experiment, or `""` for the others."""

    experiment: str
    share: float
    keep_errors: bool

    def keeps(self, trace: str, failed: bool) -> bool:
        """Whether a new trace is kept: by its id, so that all of its spans meet the same fate, wherever and whenever they come."""
        drawn = int.from_bytes(hashlib.blake2b(trace.encode(), digest_size=8).digest()) / 2**64
        return drawn < self.share or (failed and self.keep_errors)


class Sampling:
    """A mixin of Traces, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def sample(self, share: float, experiment: str | None = None, keep_errors: bool = True) -> types.Sampling:
        """Keep from now on a share of the new traces of an experiment, or of all experiments that have no share of their own; 1 ends that.

        Which traces are kept follows from their ids. What is known is kept on: a trace of which spans or the whole were told. Counting
        begins anew. Clients of MLflow tell of whole traces, and sample by themselves (`MLFLOW_TRACE_SAMPLING_RATIO`).

        Raises:
            Invalid: the share is not between 0 and 1.
            NotFound: there is no such experiment.
        """
        if not 0 <= share <= 1:
            raise Invalid(f"a share of {share:g}", hint="0 to 1, such as 0.1 for a tenth", field="share")
        who = caller()

        def change(tx: Tx) -> types.Sampling:
            of = "" if experiment is None else find_experiment(tx, experiment).id
            row = {
                "experiment": of, "share": share, "keep_errors": keep_errors, "seen": 0, "kept": 0, "declared_by": who.actor,
                "declared_at": self._clock.now(),
            }  # fmt: skip
            tx.execute(delete(sampling_table).where(_c.project == who.project, _c.experiment == of))
            if share < 1 or of:  # an experiment may keep all where the others do not
                tx.execute(insert(sampling_table), {"project": who.project, **row})
            ref = Ref("experiment", of) if of else Ref("project", who.project)
            self._ledger.append(tx, "trace_sampling.declared", ref, data={"share": share, "keep_errors": keep_errors})
            return types.Sampling(**row | {"experiment": of or None})  # type: ignore[arg-type]

        return self._rows.write(change)

    def sampling(self) -> list[types.Sampling]:
        """The shares that are kept, and what they came to; those of one experiment last."""
        asked = select(sampling_table).where(_c.project == caller().project).order_by(_c.experiment)
        return [_read(row) for row in self._rows.read(lambda tx: tx.all(asked))]


def rule_of(tx: Tx, experiment: str) -> Rule | None:
    """The rule for new traces of an experiment, by its id."""
    rules = {row[0]: Rule(row[0], row[1], bool(row[2])) for row in tx.fetch(_rules, {"project": caller().project})}
    return rules.get(experiment, rules.get(""))


def count(tx: Tx, rule: Rule, seen: int, kept: int) -> None:
    """Note how many spans of new traces a rule has seen, and how many of these it kept."""
    whose = update(sampling_table).where(_c.project == caller().project, _c.experiment == rule.experiment)
    tx.execute(whose.values(seen=_c.seen + seen, kept=_c.kept + kept))


def _read(row: Row[tuple[object, ...]]) -> types.Sampling:
    return types.Sampling(
        experiment=row.experiment or None, share=row.share, keep_errors=bool(row.keep_errors), seen=row.seen, kept=row.kept,
        declared_by=row.declared_by, declared_at=row.declared_at,
    )  # fmt: skip
