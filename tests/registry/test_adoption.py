"""Adoption: what another store registered is taken in, and who had made it there is no second person here."""

from __future__ import annotations

import pytest
from tests.registry.conftest import SIGNATURE, Works, as_

from ostinato.kernel.errors import Denied, Invalid
from ostinato.registry.types import ModelVersion, Note

ARCHIVE = "a" * 64


def made(works: Works) -> None:
    """A version by person:ana."""
    works.models.create("late")
    works.models.register("late", works.artifact(), "linear", SIGNATURE)


def carry(works: Works, project: str, by: str, to: str) -> ModelVersion:
    """The version late@1 of a project, imported into another one by a person."""
    with as_("ana", project):
        model, version, labels = works.models.model("late"), works.models.get("late@1"), works.models.labels("late@1")
    with as_(by, to):
        works.models.adopt_model(model, ARCHIVE)
        return works.models.adopt_version(version, ARCHIVE, version.artifact, labels=labels)


def test_neither_importer_nor_author_there_approves_here(works: Works) -> None:
    made(works)
    carry(works, "default", "ivo", "second")
    assert carry(works, "second", "ida", "third").author == "person:ida"
    with as_("rita", "third"):
        works.models.check("late@1")
        may = {permit.verb: permit.allowed for permit in works.models.review("late@1").may}
        assert may["approve"]
    for name in ("ana", "ivo", "ida"):
        with as_(name, "third"):
            may = {permit.verb: permit.allowed for permit in works.models.review("late@1").may}
            assert not may["approve"]
            with pytest.raises(Denied, match=f"person:{name} registered"):
                works.models.approve("late@1", "I know it well")
    with as_("rita", "third"):
        assert works.models.approve("late@1", "a second look").state == "approved"


def test_a_policy_names_all_who_made_what_it_approves(works: Works) -> None:
    made(works)
    carry(works, "default", "service:mover", "second")
    with as_("ana", "second"):
        works.models.declare_policy("late", ["service:mover"], "what is moved here is mine")
        with pytest.raises(Denied, match="does not name person:ana"):
            works.models.approve_by_policy("late@1")
    with as_("rita", "second"):
        works.models.declare_policy("late", ["service:mover", "person:ana"], "I trust both")
        assert works.models.approve_by_policy("late@1").state == "approved"


def test_a_note_says_that_only_an_archive_tells_who_wrote_it(works: Works) -> None:
    made(works)
    model = works.models.model("late")
    with as_("ivo", "second"):
        given = Note(section="Limitations", text="none at all", by="person:rita", at=works.clock.now())
        with pytest.raises(Invalid):
            works.models.adopt_model(model, ARCHIVE, notes=[Note(section="Gates", text="ok", by="person:rita", at=given.at)])
        works.models.adopt_model(model, ARCHIVE, notes=[given])
        assert [note.by for note in works.models.notes("late")] == ["imported:person:rita"]
    carry(works, "default", "ivo", "second")
    with as_("rita", "second"):
        assert "— person:rita, so says the archive it came with, 2013-01-01" in works.models.card("late@1")
        works.models.card_note("late", "Limitations", "no snow")
        assert "— person:rita, 2013-01-01" in works.models.card("late@1")
