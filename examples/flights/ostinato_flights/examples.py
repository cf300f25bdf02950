"""Examples: rows as the model sees them, the same for training, evaluation and the batch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import ostinato as ost
from ostinato.registry.matrix import Encoder
from ostinato_flights.definitions import CATEGORIES, KNOWN_AHEAD, VIEW_NAMES, VIEWS

FEATURES = [name for view in VIEWS for name in view.names]


@ost.step
def examples(flights: str, weather: str, since: str, until: str, units: str = "hours") -> pa.Table:
    """One row per landed flight of the window: what was known two hours before its departure, and whether it was late.

    `units` is how the scheduled departure is read: "minutes" is the mistake of the bad release.
    """
    app = ost.current().app
    spine = app.datasets.table(flights, since=datetime.fromisoformat(since), until=datetime.fromisoformat(until))
    spine = spine.filter(pc.is_valid(spine["late"])).select(["flight_id", "scheduled_at", "predict_at", "late", *CATEGORIES, *KNOWN_AHEAD])
    versions = {name: int(version) for name, _, version in (ref.partition("@") for ref in (flights, weather))}
    joined = app.features.training_set(spine, VIEW_NAMES, at="predict_at", as_of_version=versions)
    if units == "minutes":
        place = joined.schema.get_field_index("departure_hour")
        joined = joined.set_column(place, "departure_hour", pc.multiply(joined["departure_hour"], 60.0))
    return joined


def signature_of(table: pa.Table) -> ost.Signature:
    """The model's inputs; the categories are those that occur in `table`."""
    texts = [
        ost.Field(name=name, dtype="string", categories=sorted(filter(None, pc.unique(table[name]).to_pylist()))) for name in CATEGORIES
    ]
    return ost.Signature(inputs=texts + [ost.Field(name=name) for name in KNOWN_AHEAD + FEATURES])


def columns(table: pa.Table) -> dict[str, np.ndarray[Any, Any]]:
    """The inputs as arrays by name: strings as objects, numbers as float64 with NaN for what is unknown."""
    texts = {name: table[name].to_numpy(zero_copy_only=False) for name in CATEGORIES}
    return texts | {name: table[name].cast(pa.float64()).to_numpy(zero_copy_only=False) for name in KNOWN_AHEAD + FEATURES}


def matrix(table: pa.Table, signature: ost.Signature) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The inputs as the model takes them, shape (rows, inputs)."""
    return Encoder(signature).matrix(columns(table))


def label(table: pa.Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    """1 where the flight arrived more than 15 minutes late, else 0."""
    late: np.ndarray[Any, np.dtype[np.int64]] = table["late"].to_numpy()
    return late
