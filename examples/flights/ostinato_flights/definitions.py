"""What is declared once: contracts of the data, features, the price of an error, the rules of promotion."""

from __future__ import annotations

from typing import Any

import ostinato as ost

MODEL = "late"
ENDPOINT = "late"
HOLDOUT_DAYS = 21
SPACE: list[dict[str, Any]] = [{"learning_rate": rate, "max_leaf_nodes": leaves} for rate in (0.05, 0.1) for leaves in (15, 31)]
"""The settings that a training tries."""

UNLISTED_AIRPORTS = ["BQN", "PSE", "SJU", "STT"]
"""Destinations in Puerto Rico and the Virgin Islands, which the list of airports lacks."""

CONTRACTS = {
    "airports": ost.Contract(key=["faa"], checks=[ost.CheckSpec(check="matches", column="faa", parameters={"pattern": "[A-Z0-9]{3}"})]),
    "airlines": ost.Contract(key=["carrier"], checks=[ost.CheckSpec(check="not_null", column="name")]),
    "weather": ost.Contract(
        key=["observation_id"],
        time="observed_at",
        checks=[
            ost.CheckSpec(check="in_set", column="origin", parameters={"values": ["EWR", "JFK", "LGA"]}),
            ost.CheckSpec(check="in_range", column="temp", parameters={"minimum": -30.0, "maximum": 130.0}),
            ost.CheckSpec(check="in_range", column="visib", parameters={"minimum": 0.0, "maximum": 10.0}),
            ost.CheckSpec(check="in_range", column="wind_speed", parameters={"minimum": 0.0, "maximum": 150.0}, tolerance=0.001),
            ost.CheckSpec(check="row_count", parameters={"minimum": 1500, "maximum": 2500}),
        ],
    ),
    "flights": ost.Contract(
        key=["flight_id"],
        time="scheduled_at",
        checks=[
            ost.CheckSpec(check="not_null", column="scheduled_at"),
            ost.CheckSpec(check="in_range", column="distance", parameters={"minimum": 1, "maximum": 6000}),
            ost.CheckSpec(check="in_range", column="arr_delay", parameters={"minimum": -180, "maximum": 2880}),
            ost.CheckSpec(check="matches", column="tailnum", parameters={"pattern": "[ND][0-9A-Z]{2,5}"}),
            ost.CheckSpec(check="in_set", column="origin", parameters={"values": ["EWR", "JFK", "LGA"]}),
            ost.CheckSpec(check="foreign_key", column="dest", parameters={"to": "airports.faa", "also": UNLISTED_AIRPORTS}),
            ost.CheckSpec(check="foreign_key", column="carrier", parameters={"to": "airlines.carrier"}),
            ost.CheckSpec(check="fresh", column="scheduled_at", parameters={"max_age_hours": 72.0}),
            ost.CheckSpec(check="row_count", parameters={"minimum": 20000, "maximum": 40000}),
        ],
    ),
}

VIEWS = [
    ost.FeatureView(
        name="weather",
        dataset="weather",
        entity=["origin"],
        timestamp="observed_at",
        features=[
            ost.Feature(name=column, kind="last", column=column)
            for column in ("temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib")
        ],
    ),
    ost.FeatureView(
        name="carrier",
        dataset="flights",
        entity=["carrier"],
        timestamp="landed_at",
        features=[
            ost.Feature(name="late_1d", kind="mean", column="late", window_hours=24),
            ost.Feature(name="late_7d", kind="mean", column="late", window_hours=168),
            ost.Feature(name="delay_1d", kind="mean", column="arr_delay", window_hours=24),
        ],
    ),
    ost.FeatureView(
        name="route",
        dataset="flights",
        entity=["origin", "dest"],
        timestamp="landed_at",
        features=[
            ost.Feature(name="late_7d", kind="mean", column="late", window_hours=168),
            ost.Feature(name="late_30d", kind="mean", column="late", window_hours=720),
            ost.Feature(name="delay_7d", kind="mean", column="arr_delay", window_hours=168),
            ost.Feature(name="flights_7d", kind="count", column="late", window_hours=168),
        ],
    ),
    ost.FeatureView(
        name="airport",
        dataset="flights",
        entity=["origin"],
        timestamp="landed_at",
        features=[
            ost.Feature(name="late_3h", kind="mean", column="late", window_hours=3),
            ost.Feature(name="late_1d", kind="mean", column="late", window_hours=24),
        ],
    ),
]
VIEW_NAMES = [view.name for view in VIEWS]

KEYS = {"flights": "flight_id", "weather": "observation_id"}
"""The column that tells the rows of a dataset apart."""

CATEGORIES = ["carrier", "origin", "dest"]
KNOWN_AHEAD = ["distance", "departure_hour", "weekday"]
"""What the schedule says about a flight, beside its categories."""

COST = ost.CostMatrix(tp=40.0, fp=15.0, fn=100.0, tn=0.0)
"""Dollars that a flight costs: an unforeseen delay 100; a warning 15, which limits the damage of a true delay to 25 more."""

THRESHOLD = 15 / (15 + 60)
"""From this probability on a warning pays: it costs 15 in vain and spares 60 in earnest (Elkan 2001)."""

GATES = [
    ost.GateSpec(gate="metric_floor", parameters={"metric": "auc", "value": 0.65}),
    ost.GateSpec(gate="beats_baseline", parameters={"metric": "auc", "margin": 0.0}),
    ost.GateSpec(gate="calibration", parameters={"max_ece": 0.10}),
    ost.GateSpec(gate="group_gap", parameters={"metric": "auc", "max_gap": 0.25, "by": "carrier"}),
    ost.GateSpec(gate="fresh_data", parameters={"max_age_days": 35.0}),
    ost.GateSpec(gate="no_worse_than_champion", parameters={"metric": "auc", "margin": 0.005}),
]

ROLLOUT = ost.RolloutPlan(strategy="canary", weights=[0.1, 0.5], min_requests=50, max_requests=2000, alpha=0.01, margin=0.02)
