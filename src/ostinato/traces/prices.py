"""The verbs of Traces on the prices of models, and the cost that follows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Column, Float, Row, Table, Text, bindparam, delete, insert, select

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.rows.prepared import Prepared
from ostinato.storage.rows.rows import Instant, Rows, Tx, metadata
from ostinato.traces.types import Price, Usage

price_table = Table(
    "traces_price",
    metadata,
    Column("project", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("input_per_million", Float, nullable=False),
    Column("output_per_million", Float, nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("set_by", Text, nullable=False),
)
_p = price_table.c
_rates = Prepared(select(_p.model, _p.input_per_million, _p.output_per_million).where(_p.project == bindparam("project")))
_MODEL_MAX, _PRICES_MAX = 200, 1_000


class Rate(NamedTuple):
    """A price: a model, or how models begin and `*`; dollars per million tokens in and out."""

    model: str
    input_per_million: float
    output_per_million: float


class Prices:
    """A mixin of Traces, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def prices(self) -> list[Price]:
        """What models cost here, by their names."""
        query = select(price_table).where(_p.project == caller().project).order_by(_p.model)
        return self._rows.read(lambda tx: [_read(row) for row in tx.all(query)])

    def set_price(self, model: str, input_per_million: float, output_per_million: float) -> Price:
        """Say what a model costs, in US dollars per million tokens in and out; `gpt-*` stands for all models that begin so.

        It counts for spans that arrive from now on, and do not say themselves what they cost. Nothing has a price that nobody set.

        Raises:
            Invalid: a price is negative or no number, or there are more than 1,000.
        """
        if not 1 <= len(model) <= _MODEL_MAX or not model.isprintable() or "*" in model[:-1]:
            raise Invalid(
                f"not a model: {model[:100]!r}", hint=f"1 to {_MODEL_MAX} printable signs, perhaps with a * at the end", field="model"
            )
        for field, value in (("input_per_million", input_per_million), ("output_per_million", output_per_million)):
            if not (math.isfinite(value) and value >= 0):
                raise Invalid(f"{field} is {value}", hint="US dollars per million tokens, 0 or more", field=field)
        set_at, project = self._clock.now(), caller().project
        price = Price(
            model=model, input_per_million=input_per_million, output_per_million=output_per_million, set_at=set_at, set_by=caller().actor
        )

        def change(tx: Tx) -> Price:
            known = [row for row in rates(tx) if row.model == model]
            if not known and len(rates(tx)) >= _PRICES_MAX:
                raise Invalid(f"there are {_PRICES_MAX} prices", hint="name several models by what they begin with and *")
            tx.execute(delete(price_table).where(_p.project == project, _p.model == model))
            row = {
                "input_per_million": input_per_million,
                "output_per_million": output_per_million,
                "set_at": set_at,
                "set_by": price.set_by,
            }
            tx.execute(insert(price_table).values(project=project, model=model, **row))
            before = {"before": [known[0].input_per_million, known[0].output_per_million]} if known else {}
            data = {"model": model, "input_per_million": input_per_million, "output_per_million": output_per_million, **before}
            self._ledger.append(tx, "price.set", Ref("project", project), data=data)
            return price

        return self._rows.write(change)

    def drop_price(self, model: str) -> None:
        """Delete what a model costs; costs that were noted stay.

        Raises:
            NotFound: it has no price.
        """
        project = caller().project

        def change(tx: Tx) -> None:
            if not tx.execute(delete(price_table).where(_p.project == project, _p.model == model)).rowcount:
                raise NotFound.named("price", model, [rate.model for rate in rates(tx)])
            self._ledger.append(tx, "price.dropped", Ref("project", project), data={"model": model})

        self._rows.write(change)


def rates(tx: Tx) -> list[Rate]:
    """The prices of the caller's project."""
    return [Rate(*row) for row in tx.fetch(_rates, {"project": caller().project})]


def cost_of(model: str, usage: Usage, prices: Sequence[Rate]) -> float | None:
    """What tokens of a model cost; the price of its very name counts before one of how it begins, and of those the longest.

    >>> cost_of("gpt-9-mini", Usage(input_tokens=500_000), [Rate("gpt-*", 4.0, 8.0), Rate("gpt-9*", 2.0, 8.0)])
    1.0
    """
    if not model or (usage.input_tokens is None and usage.output_tokens is None):
        return None
    fits = [rate for rate in prices if rate.model == model or (rate.model.endswith("*") and model.startswith(rate.model[:-1]))]
    if not fits:
        return None
    rate = max(fits, key=lambda rate: (rate.model == model, len(rate.model)))
    return ((usage.input_tokens or 0) * rate.input_per_million + (usage.output_tokens or 0) * rate.output_per_million) / 1e6


def _read(row: Row[tuple[object, ...]]) -> Price:
    return Price(
        model=row.model, input_per_million=row.input_per_million, output_per_million=row.output_per_million, set_at=row.set_at,
        set_by=row.set_by,
    )  # fmt: skip
