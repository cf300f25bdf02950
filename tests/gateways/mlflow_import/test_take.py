"""What an MLflow server holds reads the same here, through the same client, once it was taken."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, LoggedModelStatus, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from tests.gateways.mlflow.conftest import environment

from ostinato.app import Ostinato
from ostinato.gateways.mlflow_import.service import take
from ostinato.gateways.mlflow_import.source import Source
from ostinato.kernel.errors import NotFound, Unavailable
from ostinato.registry.types import Signature
from ostinato.testing.doors import served

PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"


@pytest.fixture(scope="package")
def told(theirs: MlflowClient) -> dict[str, str]:
    """A story in which everything occurs that is taken; the ids by name."""
    c, ids = theirs, {}
    home = c.create_experiment("late & early", tags={"team": "red", "mlflow.note.content": "**why**"})
    parent = ids["parent"] = c.create_run(home, start_time=1_700_000_000_000, run_name="parent", tags={"a": "1"}).info.run_id
    points = [Metric("loss", 1 / (i + 1), 1_700_000_000_000 + i % 7, i // 2) for i in range(400)]
    c.log_batch(parent, metrics=[*points, Metric("bad", math.nan, 5, -3)], params=[Param("depth", "3"), Param("none", "")])
    c.log_batch(parent, tags=[RunTag("mlflow.note.content", "a *note*")])
    data = Dataset(name="flights", digest="d1", source_type="local", source="{}", schema="{}", profile="{}")
    c.log_inputs(parent, [DatasetInput(data, [InputTag("mlflow.data.context", "training"), InputTag("k", "v")])])
    c.log_text(parent, "hello", "deep/er/ä b.txt")
    model = c.create_logged_model(home, "line", source_run_id=parent, params={"p": "1"}, tags={"t": "2"}, model_type="linear")
    c.log_metric(parent, "mse", 0.25, timestamp=9, step=1, dataset_name="flights", dataset_digest="d1", model_id=model.model_id)
    c.log_metric(parent, "mse", math.nan, timestamp=9, step=2, dataset_name="flights", dataset_digest="d1", model_id=model.model_id)
    _files(c, model.model_id)
    c.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    c.log_outputs(parent, [LoggedModelOutput(model.model_id, 4)])
    c.set_terminated(parent, "FAILED", 1_700_000_001_000)
    child = ids["child"] = c.create_run(home, start_time=1_600_000_000_000, tags={"mlflow.parentRunId": parent}).info.run_id
    c.set_terminated(child, "KILLED", 1_600_000_000_001)
    ids["going"] = c.create_run(home, run_name="going").info.run_id
    c.log_metric(ids["going"], "m", 1.0, 5, 0)
    c.delete_run(c.create_run(home, run_name="gone").info.run_id)
    c.create_registered_model("the line", {"x": "y"}, "in words")
    c.create_model_version("the line", model.model_uri, parent, model_id=model.model_id, tags={"v": "w"}, description="first")
    c.create_model_version("the line", f"runs:/{parent}/deep", parent)
    c.create_model_version("the line", f"runs:/{parent}/deep", parent)
    c.delete_model_version("the line", "2")
    c.set_registered_model_alias("the line", "champion", "1")
    with pytest.warns(FutureWarning, match="deprecated"):
        c.transition_model_version_stage("the line", "3", "Staging")
    c.create_registered_model("far away")
    c.create_model_version("far away", "s3://bucket/model")
    c.register_prompt("hi", "Hello {{name}}", tags={"mood": "good"})
    return ids | {"model": model.model_id}


def _files(client: MlflowClient, model: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "MLmodel").write_text('signature:\n  inputs: \'[{"name": "x", "type": "double"}]\'\n')
        Path(folder, "weights").mkdir()
        Path(folder, "weights/one.bin").write_bytes(os.urandom(3_000_000))
        client.log_model_artifacts(model, folder)


@pytest.fixture
def source(mlflow_server: str, told: dict[str, str]) -> Iterator[Source]:
    """Where it is told."""
    with closing(Source(mlflow_server)) as opened:
        yield opened


def seen(client: MlflowClient) -> dict[Any, Any]:
    """All that a client sees on a server, but for where files lie, and ids of experiments, which may be taken here already."""
    found: dict[Any, Any] = {}
    for experiment in client.search_experiments():
        tags = {key: value for key, value in experiment.tags.items() if key != "importedFrom"}
        found["experiment", experiment.name] = tags
        for run in client.search_runs([experiment.experiment_id]):
            told = run.to_dictionary()
            told["info"] = {key: value for key, value in told["info"].items() if key not in ("artifact_uri", "experiment_id")}
            told["data"]["metrics"] = {key: str(value) for key, value in run.data.metrics.items()}
            told["points"] = {
                key: sorted((p.step, p.timestamp, str(p.value)) for p in client.get_metric_history(run.info.run_id, key))
                for key in run.data.metrics
            }
            told["files"] = dict(_content(client, run.info.run_id))
            found["run", run.info.run_id] = told
        for model in client.search_logged_models([experiment.experiment_id]):
            measures = sorted((m.key, m.step, m.run_id, m.dataset_name, m.dataset_digest) for m in model.metrics or [])
            found["logged", model.model_id] = (model.name, model.params, model.tags, model.model_type, str(model.status), measures)
    for registered in [*client.search_registered_models(), *client.search_registered_models(PROMPTS)]:
        found["model", registered.name] = (registered.description or "", registered.tags, registered.aliases)
        newest = max(int(version.version) for version in registered.latest_versions)
        for number in range(1, newest + 1):
            found["version", registered.name, number] = _version(client, registered.name, number)
    hello = client.get_prompt_version("hi", "1")
    found["prompt"] = hello and (hello.template, hello.tags, hello.creation_timestamp)
    return found


def _version(client: MlflowClient, name: str, number: int) -> dict[str, Any] | None:
    try:
        version = client.get_model_version(name, str(number))
    except MlflowException:
        return None
    names = ("description", "source", "run_id", "model_id", "tags", "aliases", "current_stage", "creation_timestamp", "status")
    return {key: getattr(version, key) for key in names}


def _content(client: MlflowClient, run: str, folder: str | None = None) -> Iterator[tuple[str, bytes]]:
    for found in client.list_artifacts(run, folder):
        if found.is_dir:
            yield from _content(client, run, found.path)
        else:
            yield found.path, Path(client.download_artifacts(run, found.path)).read_bytes()


def here(store: Ostinato, patch: pytest.MonkeyPatch) -> dict[Any, Any]:
    """The same of a store of ours, through its door."""
    with served(store) as address:
        for name, value in environment(store, address).items():
            patch.setenv(name, value)
        return seen(MlflowClient(address))


def test_a_client_sees_here_what_it_saw_there(
    store: Ostinato, source: Source, theirs: MlflowClient, told: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = take(store, source)
    there = seen(theirs)
    assert here(store, monkeypatch) == there
    assert taken.left == ["files of version 1 of model 'far away': they lie at s3://bucket/model, where only its clients read"]
    assert (taken.experiments, taken.points, taken.versions, taken.aliases) == (2, 404, 4, 1)
    assert [taken.runs, taken.logged_models] == [sum(what == kind for what, *_ in there) for kind in ("run", "logged")]
    parent = store.runs.get(told["parent"])
    assert (parent.note, parent.params, [ref.name for ref in parent.outputs]) == ("a *note*", {"depth": "3", "none": ""}, [told["model"]])
    assert store.runs.get(told["child"]).parent == told["parent"]
    assert store.runs.candidate(told["model"]).step == 4
    whole = store.models.files("the%20line@1")
    assert {f.path: f.digest for f in whole} == {f.path: f.digest for f in store.runs.candidate_artifacts(told["model"])}
    assert [f.path for f in store.models.files("the%20line@3")] == ["er/ä b.txt"]


def test_taken_again_only_what_has_come_since_is_new(
    store: Ostinato, source: Source, theirs: MlflowClient, told: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    take(store, source)
    before, events = here(store, monkeypatch), store.ledger.seal_state().events
    again = take(store, source)
    assert (again.points, again.files, again.versions, again.aliases, again.models) == (0, 0, 0, 0, 0)
    assert (here(store, monkeypatch), store.ledger.seal_state().events) == (before, events)
    theirs.log_metric(told["going"], "m", 2.0, 3, -1)  # before the point that is here
    assert take(store, source).points == 1
    assert here(store, monkeypatch) == seen(theirs)


class Breaking(Source):
    """A server that is gone after so many requests."""

    left = 0

    def _answered(self, method: str, path: str, body: bytes | None) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Unavailable("gone")
        return super()._answered(method, path, body)


def test_broken_off_anywhere_it_goes_on(store: Ostinato, source: Source, theirs: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = 0
    with closing(Breaking(source.url)) as breaking:
        for patience in range(3, 100, 5):
            breaking.left = patience
            try:
                take(store, breaking)
            except Unavailable:
                broken += 1
            else:
                break
    assert broken > 3
    assert here(store, monkeypatch) == seen(theirs)


def test_only_what_is_named(store: Ostinato, source: Source) -> None:
    taken = take(store, source, models=["the line"])
    assert (taken.experiments, taken.runs, taken.models, taken.versions, taken.left) == (0, 0, 1, 2, [])
    assert [f.path for f in store.models.files("the%20line@3")] == ["er/ä b.txt"]
    with pytest.raises(NotFound, match="404"):
        take(store, source, experiments=["nobody"])


def test_what_people_decided_here_stays(store: Ostinato, source: Source) -> None:
    take(store, source, models=["the line"])
    store.models.promote("the%20line@3", "champion", "better")
    taken = take(store, source, models=["the line"])
    assert taken.left == ["alias 'champion' of model 'the line': it was moved here"]
    assert store.models.get("the%20line@champion").version == 3


def test_a_version_that_is_another_here_is_left_and_so_are_its_aliases(store: Ostinato, source: Source) -> None:
    store.models.create_open("the%20line")
    store.models.register_folder("the%20line", [], "mlflow", Signature(inputs=[], outputs=[]), origin={"source": "s3://ours/x"})
    taken = take(store, source, models=["the line"])
    assert taken.left == [
        "version 1 of model 'the line': there is another of that number here",
        "alias 'champion' of model 'the line': the version that it names was left",
    ]
    assert (store.models.model("the%20line").aliases, taken.versions) == ({}, 1)


def test_a_version_that_is_refused_here_is_told_once_and_its_alias_is_not_tried(
    store: Ostinato, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.models.create_open("the%20line")
    store.models.register_folder("the%20line", [], "mlflow", Signature(inputs=[], outputs=[]), origin={"source": "s3://ours/x"})
    store.models.remove("the%20line@1")  # its number is given to no other
    tried: list[str] = []
    monkeypatch.setattr(store.models, "promote", lambda ref, *rest: tried.append(ref))
    taken = take(store, source, models=["the line"])
    refused, alias = taken.left
    assert refused.startswith("version 1 of model 'the line': ")
    assert (alias, tried) == ("alias 'champion' of model 'the line': the version that it names was left", [])
    assert taken.versions == 1
