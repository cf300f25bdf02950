"""Stewardship: models have owners, change hands, and say when something else should be used; every door passes that on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.registry.conftest import Works

from ostinato.app import Ostinato
from ostinato.cli.main import main
from ostinato.client.remote import connect
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.notice import Notice, collect_notices
from ostinato.registry.flavors.linear import Linear, Logistic
from ostinato.registry.types import Signature
from ostinato.testing.doors import served


def test_a_model_has_owners_and_changes_hands(works: Works) -> None:
    made = works.models.create("late", owners=["person:ana", "team:ops"])
    assert (made.owner, made.owners) == ("person:ana", ["person:ana", "team:ops"])
    assert works.models.create("late", owners=["person:ana", "team:ops"]) == made
    done = works.models.hand_over("late", ["person:ben"], "ana leaves")
    assert (done.owner, works.models.hand_over("late", ["person:ben"])) == ("person:ben", done)
    told = works.ledger.events(verb="model.handed_over").items
    assert [e.data for e in told] == [{"from": ["person:ana", "team:ops"], "to": ["person:ben"], "reason": "ana leaves"}]
    for wrong in ([], ["person:ben", "person:ben"], [" "]):
        with pytest.raises(Invalid):
            works.models.hand_over("late", wrong)


def test_what_is_deprecated_says_so_wherever_it_is_resolved(works: Works) -> None:
    works.models.create("late")
    works.models.create("later")
    works.approved()
    works.models.promote("late@1")
    works.version(weight=2.0)
    sunset = datetime(2013, 6, 1, tzinfo=UTC)
    said = works.models.deprecate("late@1", "it misses snow", successor="late@2", sunset_at=sunset)
    assert works.models.deprecate("late@1", "it misses snow", successor="late@2", sunset_at=sunset) == said
    with pytest.warns(Notice, match=r"model:late@1 is deprecated: it misses snow; use model:late@2; it may be gone from 2013-06-01 on"):
        works.models.resolve("late@champion")
    assert works.models.get("late@1").deprecated == said
    assert "> **Deprecated**" in works.models.card("late@1")
    then = works.later(hours=1)
    works.later(hours=1)
    works.models.reinstate("late@1", "it learned")
    assert works.models.get("late@1").deprecated is None
    assert works.models.story("late", at=then).versions[-1].deprecated == said
    with pytest.raises(Conflict, match="not deprecated"):
        works.models.reinstate("late@1", "again")
    works.models.deprecate("late", "superseded", successor="later")
    with collect_notices() as told:
        works.models.resolve("late@2")
    assert told == ["model:late is deprecated: superseded; use model:later"]
    with pytest.raises(Invalid, match="cannot succeed itself"):
        works.models.deprecate("late", "loop", successor="late")
    with pytest.raises(NotFound):
        works.models.deprecate("late", "nowhere", successor="gone")


def test_every_door_passes_notices_on(app: Ostinato, capsys: pytest.CaptureFixture[str]) -> None:
    app.models.create("late")
    artifact = app.models.upload(Linear().dump(Logistic(intercept=1.0, terms=[])))
    app.models.register("late", artifact, "linear", Signature(inputs=[]))
    app.models.deprecate("late@1", "old, and slow")
    token = (app.settings.data / "admin-token").read_text().strip()
    with served(app) as url:
        with connect(url, token) as remote, pytest.warns(Notice, match="old, and slow"):
            remote.models.resolve("late@1")
        with pytest.raises(SystemExit):
            main(["--url", url, "--token-file", str(app.settings.data / "admin-token"), "models", "resolve", "late@1"])
    said = capsys.readouterr()
    assert said.out.strip() == "model:late@1", said.err
    assert "note: model:late@1 is deprecated: old, and slow" in said.err
