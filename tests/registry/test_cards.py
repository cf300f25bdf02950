"""Cards and comparison: what leaves as a document says what is recorded, and nothing in it runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.registry.conftest import SIGNATURE, Works, as_

from ostinato.kernel.errors import Conflict, Invalid
from ostinato.registry.export import lower_headings


def test_r51_each_edit_is_a_version_and_nobody_overwrites_unseen(works: Works) -> None:
    works.models.create("late")
    works.version()
    first = works.models.card_note("late", "Limitations", "no snow", after=0)
    with as_("rita"):
        second = works.models.card_note("late", "Limitations", "no snow, no fog", after=1)
        with pytest.raises(Conflict, match="person:rita wrote 'Limitations'"), as_("ben"):
            works.models.card_note("late", "Limitations", "none", after=1)
    assert (first.number, second.number) == (1, 2)
    assert [(n.number, n.by) for n in works.models.notes("late")] == [(1, "person:ana"), (2, "person:rita")]
    with pytest.raises(Invalid):
        works.models.card_note("late", " ", "x")


def test_what_people_write_cannot_pass_for_a_record(works: Works) -> None:
    works.models.create("late")
    works.version()
    works.models.card_note(
        "late", "Limitations", "none\n\n## Gates\n\nall passed\n\nDecisions\n---\napproved by everybody\n\n```\n# code\n```"
    )
    card = works.models.card("late@1")
    assert card.count("\n## Gates\n") == card.count("\n## Decisions\n") == 1
    assert "#### Gates" in card
    assert "#### Decisions" in card
    assert "\n> # code\n" in card
    assert lower_headings("plain") == "plain"


FORGED = (
    "old\n\t # Gates\n\n## Gates\n\nall passed\r\r## Decisions\r\r- # Gates\n\n1. # Gates\n\n> Decisions\n> ---\n> ===\n\n"
    "| a |\\\n|---|\n\n<!--\n\n"
    "- 2013-01-01 approved by **person:rita** [x](https://example.com)\n\n```\n# code"
)


def test_nothing_that_people_write_anywhere_opens_or_hides_a_section(works: Works) -> None:
    works.models.create("late", FORGED, owners=[f"person:ana{FORGED[:20]}"], gates=[])
    works.version(note=FORGED)
    works.models.check("late@1")
    with as_("rita"):
        works.models.approve("late@1", FORGED)
    works.models.deprecate("late@1", FORGED)
    works.models.deprecate("late", FORGED)
    for section in ("Limitations", "Of our own"):
        works.models.card_note("late", section, FORGED)
    recorded = ["Details", "Training", "Inputs", "Evaluation", "Gates", "Decisions"]
    written = ["Intended use", "Out of scope", "Ethical considerations", "Limitations", "Recommendations", "Of our own"]
    card, page = works.models.card("late@1"), works.models.card("late@1", form="html")
    assert re.findall(r"^ *#{1,3} *(.*)", card, re.M) == ["Model card: late version 1", *recorded, *written]
    assert re.findall(r"<h[123]>(.*?)</h", page) == ["Model card: late version 1", *recorded, *written]
    decisions = card.split("## Decisions\n\n")[1].split("\n\n## ")[0]
    assert re.fullmatch(r"- 2013-01-01 00:00 UTC approved by person:rita \(person:rita\): old .*", decisions)
    assert len(re.findall(r"^> \*\*Deprecated\*\* .*", card, re.M)) == 2
    assert page.count("<strong>person:rita</strong>") == page.count('href="https://example.com"') == 3, "only where prose stands"


@pytest.mark.parametrize("name", ["Gates", "decisions", "**Gates**", "Gates #", "&#71;ates", "a\n\n## Gates"])
def test_no_section_is_called_like_a_recorded_one(works: Works, name: str) -> None:
    works.models.create("late")
    with pytest.raises(Invalid):
        works.models.card_note("late", name, "all passed")


def test_r51_html_stands_alone_and_runs_nothing(works: Works) -> None:
    works.models.create("late", "<script>alert(1)</script>")
    works.version()
    works.models.card_note(
        "late",
        "Limitations",
        "<img src=x onerror=alert(2)> ![pixel](https://example.com/p.png) [a](javascript:alert(3)) [b](https://example.com) "
        '<iframe src="https://example.com"></iframe>',
    )
    page = works.models.card("late@1", form="html")
    assert page.startswith("<!doctype html>")
    assert not re.search(r"<(script|img|iframe)|<[a-z][^>]*\b(src|on\w+)=|href=.javascript", page)
    assert "default-src 'none'" in page
    assert '<a href="https://example.com">b</a>' in page
    assert "<td>auc</td>" in page


def test_r51_the_hub_reads_its_metadata(works: Works, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="needs huggingface_hub: make frameworks")
    works.models.create("late", "delays: of flights")
    works.version(datasets=[works.delivered()])
    works.models.tag("late", {"license": "apache-2.0", "team": "ops"})
    text = works.models.card("late@1", form="huggingface")
    (tmp_path / "README.md").write_text(text)
    card = hub.ModelCard.load(tmp_path / "README.md")
    data = card.data
    assert (data.license, data.datasets, data.pipeline_tag) == ("apache-2.0", ["flights"], "tabular-classification")
    assert "team:ops" in data.tags
    results = {r.metric_type: r.metric_value for r in data.eval_results}
    evaluation = works.evaluations.get(works.models.get("late@1").evaluation or "")
    assert results["auc"] == evaluation.report.value("auc")
    assert (data.model_name, data.eval_results[0].dataset_name) == ("late", "flights")
    assert text.endswith(works.models.card("late@1"))


def test_r50_versions_are_compared_in_every_respect(works: Works) -> None:
    works.models.create("late")
    flights = works.delivered()
    works.version(weight=1.0, datasets=[flights], features=["weather"])
    works.version(weight=2.0, quality=0.5)
    found = works.models.compare(["late@2", "late@1"])
    assert [c.line.version for c in found.versions] == [2, 1]
    assert found.same_rows
    auc = next(m for m in found.metrics if m.metric == "auc")
    assert auc.higher_is_better
    assert auc.values[0] is not None
    assert auc.values[1] is not None
    assert (auc.values[0].value or 0) < (auc.values[1].value or 0)
    assert auc.values[0].low is not None
    told = {(a.part, a.name): (a.values, a.same) for a in found.aspects}
    assert told["parameters", "weight"] == (["2.0", "1.0"], False)
    assert told["datasets", "flights"] == ([None, "dataset:flights@1"], False)
    assert told["features", "weather"] == ([None, "used"], False)
    assert told["signature", SIGNATURE.names[0]] == (["float64, nullable"] * 2, True)
    assert told["artifact", "flavor"] == (["linear", "linear"], True)
    assert not told["artifact", "digest"][1]
    for refs in (["late@1"], ["late@1", "late@1"]):
        with pytest.raises(Invalid, match="to compare"):
            works.models.compare(refs)
