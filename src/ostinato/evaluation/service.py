"""Evaluations: reports that are kept, bound to what was evaluated and on which rows."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

import msgspec

from ostinato.evaluation import store
from ostinato.evaluation.figures import figures
from ostinato.evaluation.types import Evaluation, Figures, Report
from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.rows import Rows, Tx


class Evaluations:
    """The evaluations of a project."""

    def __init__(self, *, rows: Rows, ledger: Ledger, clock: Clock) -> None:
        self._rows = rows
        self._ledger = ledger
        self._clock = clock
        self.recorded: Callable[[Tx, Evaluation], object] = lambda *_: None
        """Told of each new evaluation within its transaction; the registry, which stands above, listens."""

    def record(self, subject: Ref, data: str, report: Report, datasets: list[Ref] | None = None) -> Evaluation:
        """Record `report` about `subject`, a run or a model version, on the rows with the digest `data`.

        The id follows from the content, so recording the same twice gives the first one again. `datasets` are the dataset
        versions from which the rows came: the lineage.

        Raises:
            Invalid: `data` is empty.
        """
        if not data:
            raise Invalid("the rows have no digest", hint="pass the digest of the table that was scored", field="data")
        who, drawn = caller(), list(datasets or [])
        content = {"subject": str(subject), "data": data, "datasets": [str(d) for d in drawn], "report": msgspec.to_builtins(report)}
        made = Evaluation(
            id=digest_of(content)[:32],
            subject=subject,
            data=data,
            datasets=drawn,
            report=report,
            recorded_at=self._clock.now(),
            recorded_by=who.actor,
        )

        def change(tx: Tx) -> Evaluation:
            known = store.one(tx, who.project, made.id)
            if known is not None:
                return known
            store.add(tx, who.project, made)
            measured = {name: estimate.value for name, estimate in report.metrics.items()}
            out = (Ref("evaluation", made.id),)
            self._ledger.append(
                tx, "evaluation.recorded", subject, inputs=(subject, *drawn), outputs=out, data={"data": data, "metrics": measured}
            )
            self.recorded(tx, made)
            return made

        return self._rows.write(change)

    def get(self, evaluation: str) -> Evaluation:
        """The evaluation with this id.

        Raises:
            NotFound: there is none.
        """
        found = self._rows.read(lambda tx: store.one(tx, caller().project, evaluation))
        if found is None:
            raise NotFound(f"no evaluation {evaluation!r}", hint="evaluations.of(subject) lists those of a run or model version")
        return found

    def figures(self, evaluation: str) -> Figures:
        """The evaluation with this id, with the directions of its metrics and the intervals of its calibration.

        Raises:
            NotFound: there is none.
        """
        return figures(self.get(evaluation))

    def many(self, evaluations: Collection[str]) -> dict[str, Evaluation]:
        """Those of these evaluations that there are, by id. In process only."""
        return self._rows.read(lambda tx: store.many(tx, caller().project, evaluations))

    def of(self, subject: Ref, data: str | None = None, until: datetime | None = None) -> list[Evaluation]:
        """The evaluations of a run or model version, newest first; with `data`, only those on the rows with that digest, with `until`
        only those that were recorded by then."""
        return self._rows.read(lambda tx: store.of(tx, caller().project, subject, data, until))
