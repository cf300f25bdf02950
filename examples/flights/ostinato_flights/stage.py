"""Stage: what is declared before the year begins; declaring it again changes nothing."""

from __future__ import annotations

from typing import Literal

import ostinato as ost
from ostinato_flights.cast import Cast
from ostinato_flights.definitions import CONTRACTS, GATES, MODEL
from ostinato_flights.source import Feed

DESCRIPTIONS = {
    "airports": "Airports of the United States, by their FAA code.",
    "airlines": "Airlines, by their carrier code.",
    "weather": "Hourly weather at the three airports of New York.",
    "flights": "Flights that left New York: the schedule, what became of it, and whether they were late.",
}


def set_up(cast: Cast, feed: Feed) -> None:
    """Datasets with their contracts, the reference data, the model with its gates and its policy."""
    for name, contract in CONTRACTS.items():
        mode: Literal["append", "replace"] = "append" if contract.time else "replace"
        cast.loop.datasets.create(
            name, contract=contract, description=DESCRIPTIONS[name], owner="person:ana", mode=mode, licence="CC0-1.0",
            purpose="predict delays of flights",
        )  # fmt: skip
        if mode == "replace":
            cast.loop.datasets.deliver(name, ost.SourceSpec(kind="csv", parameters={"path": feed.reference(name)}), key="2013")
    description = "Will a flight from New York arrive more than 15 minutes late? Asked two hours before its scheduled departure."
    cast.ana.models.create(MODEL, description=description, owner="person:ana", risk="medium", gates=GATES)
    cast.ben.models.declare_policy(
        MODEL,
        authors=["service:loop"],
        reason="retrainings of the loop that pass every gate, no worse than the champion on the same flights",
    )
