"""The story of a run: its parts, what it ran on, and how to do it again."""

from __future__ import annotations

import pytest

from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import NotFound
from ostinato.kernel.ref import Ref
from ostinato.tracking.service import Runs
from ostinato.tracking.types import Code, Environment

WORLD = Environment(python="CPython 3.13.5", platform="Linux x86_64", packages={"numpy": "2.3.1"})
CODE = Code(commit="2fb8452", entry="train.py", arguments=["--name", "night run"], host="gpu")


def test_a_run_that_was_recorded_whole_lacks_nothing(runs: Runs) -> None:
    run = runs.start("e", code=CODE, environment=WORLD, inputs=[Ref("dataset", "flights", "4")])
    story = runs.story(run.id)
    assert story.environment == WORLD
    assert story.repeat.commands == ["git checkout 2fb8452", "python train.py --name 'night run'"]
    assert (story.repeat.lacks, story.repeat.execution) == ([], None)


def test_what_was_not_recorded_is_named(runs: Runs) -> None:
    code = Code(commit="2fb8452", dirty=True, entry="train.py", arguments=["--token", "***"])
    run = runs.start("e", code=code, inputs=[Ref("dataset", "flights")])
    lacks = " ".join(runs.story(run.id).repeat.lacks)
    for word in ("patch was not kept", "packages", "secrets", "dataset:flights"):
        assert word in lacks
    runs.put_artifact(run.id, "code.patch", b"+x")
    assert "patch" not in " ".join(runs.story(run.id).repeat.lacks)
    assert "git apply code.patch" in runs.story(run.id).repeat.commands
    bare = runs.story(runs.start("e").id).repeat
    assert bare.commands == []
    assert "no program was recorded" in bare.lacks


def test_parts_are_counted_by_state_and_know_the_whole(runs: Runs) -> None:
    whole = runs.start("e", "whole")
    for state in ("finished", "finished", "failed"):
        part = runs.start("e", "part", parent=whole.id)
        runs.finish(part.id, state)
    assert runs.story(whole.id).parts == {"finished": 2, "failed": 1}
    assert runs.story(part.id).parent == whole


def test_a_run_of_a_pipeline_names_the_execution(runs: Runs) -> None:
    with calling(Caller(actor="person:ana", within="X1")):
        run = runs.start("e")
    assert runs.story(run.id).repeat.execution == Ref("execution", "X1")


def test_a_run_that_is_not_there_has_no_story(runs: Runs) -> None:
    with pytest.raises(NotFound):
        runs.story("nothing")
