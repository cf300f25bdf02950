"""From a file to a vector, in process and over HTTP, with equal answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ostinato.app import Ostinato
from ostinato.data.types import CheckSpec, Contract, SourceSpec
from ostinato.features.types import Feature, FeatureView
from ostinato.testing.fixtures import both  # noqa: F401

START = datetime(2013, 1, 1, tzinfo=UTC)


def test_r27_data_and_features_through_both_doors(app: Ostinato, both: Ostinato) -> None:  # noqa: F811
    (app.settings.inbox / "late.csv").write_text("id,at,carrier,late\n1,2013-01-01T01:00:00Z,UA,5\n2,2013-01-01T02:00:00Z,UA,NA\n")
    source = SourceSpec(kind="csv", parameters={"path": "late.csv"})
    contract = Contract(checks=[CheckSpec(check="not_null", column="late")], key=["id"], time="at")
    both.datasets.create("late", contract)
    refused = both.datasets.deliver("late", source, "1")
    assert refused.state == "quarantined"
    assert refused.report.failures[0].sample[0]["id"] == 2
    assert both.datasets.quarantined("late") == [refused]
    (app.settings.inbox / "late.csv").write_text("id,at,carrier,late\n1,2013-01-01T01:00:00Z,UA,5\n2,2013-01-01T02:00:00Z,UA,6\n")
    delivered = both.datasets.deliver("late", source, "1")
    assert (delivered.version, delivered.attempt) == (1, 2)
    assert both.datasets.version("late@1").rows == both.datasets.profile("late").rows == 2
    assert both.datasets.rows("late", where={"late": 6})[0]["at"] == "2013-01-01T02:00:00+00:00"
    content = both.datasets.content("late@1")
    assert both.datasets.upload("late", "2", content).report.failures[0].check == "unique"

    features = [Feature(name="mean", kind="mean", column="late", window_hours=24), Feature(name="last", kind="last", column="late")]
    view = both.features.define(FeatureView(name="by_carrier", dataset="late", entity=["carrier"], timestamp="at", features=features))
    assert both.features.materialize("by_carrier").new == 2
    pushed = {"id": [3], "at": [(START + timedelta(hours=3)).isoformat()], "carrier": ["UA"], "late": [10]}
    assert both.features.push("by_carrier", pushed).new == 1
    at = START + timedelta(hours=3)
    assert both.features.online(["by_carrier"], {"carrier": "UA"}, at) == {"by_carrier__mean": 7.0, "by_carrier__last": 10.0}
    many = both.features.online_many(["by_carrier"], {"carrier": ["UA", "ZZ"]}, [at - timedelta(hours=1), at])
    assert many == {"by_carrier__mean": [5.5, None], "by_carrier__last": [6.0, None]}
    assert both.features.get("by_carrier") == view
    assert both.features.freshness("by_carrier").newest == at
