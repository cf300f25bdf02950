"""Runs: experiments there with their runs and logged models, taken over under their own ids.

A run ends here when all of it has been taken: one that has ended is here whole, and is not read again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from ostinato.app import Ostinato
from ostinato.gateways.mlflow import wire
from ostinato.gateways.mlflow.experiments import NOTE
from ostinato.gateways.mlflow.runs import CONTEXT, NAME, PARENT, STATES, USER
from ostinato.gateways.mlflow_import.files import Files, Holder
from ostinato.gateways.mlflow_import.points import NONE, PART, About, Point, history, keep, kept
from ostinato.gateways.mlflow_import.source import A2, Failed, Source
from ostinato.gateways.mlflow_import.taken import Taken
from ostinato.kernel.caller import caller, calling
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.tracking.types import CandidateState, Code, Use
from ostinato.tracking.types import Source as Data

FROM = "importedFrom"
"""The tag of an experiment here that says from where it was taken."""
_THREADS = 4
_PAGE = 100
_PARENTS_MAX = 100
_READY: dict[str, CandidateState] = {"LOGGED_MODEL_READY": "ready", "LOGGED_MODEL_UPLOAD_FAILED": "failed"}
Measured = dict[str, dict[Point, About]]
"""What runs measured of logged models, by run."""


class Experiments:
    """Takes experiments over."""

    def __init__(self, source: Source, app: Ostinato, taken: Taken) -> None:
        self._source = source
        self._runs = app.runs
        self._taken = taken
        self._files = Files(source, app.blobs, taken)
        self._homes: dict[str, str] = {}
        self._begun: dict[str, bool | None] = {}

    def prepare(self, said: dict[str, Any]) -> None:
        """Make an experiment here, or go on with the one of its name."""
        tags = pairs(said.get("tags"))
        note, tags = tags.pop(NOTE, ""), tags | {FROM: self._source.url}
        here = {one.name: one for one in self._runs.experiments("all")}
        try:
            if (known := here.get(said["name"])) is None:
                free = all(one.id != said["experiment_id"] for one in here.values())
                known = self._runs.create_experiment(said["name"], id=said["experiment_id"] if free else None, tags=tags, note=note)
            else:
                known = self._runs.change_experiment(known.id, tags=dict(tags), note=known.note or note)
        except (Conflict, Invalid) as error:
            self._taken.leave(f"experiment {said['name']!r}: {error.message}")
            return
        self._homes[said["experiment_id"]] = known.id
        self._taken.add(experiments=1)

    def take(self, said: dict[str, Any]) -> None:
        """Take the runs and the logged models of an experiment that was prepared."""
        there = said["experiment_id"]
        if there not in self._homes:
            return
        measured = self._logged_models(there)
        asked = {"experiment_ids": [there], "max_results": _PAGE, "order_by": ["attribute.start_time ASC"]}
        for page in self._source.pages("POST", f"{A2}/runs/search", "runs", **asked):
            for run in page:
                self._begin(run)
            each(lambda run: self._fill(run, measured), page)
        self._say_of_traces(said)

    # ---- runs

    def _begin(self, said: dict[str, Any]) -> None:
        """Start a run here, its parents before it. `_begun` tells whether it is here whole, and None if it cannot be here."""
        chain: list[tuple[dict[str, Any], str | None]] = []
        run: dict[str, Any] | None = said
        while run is not None and run["info"]["run_id"] not in self._begun and len(chain) < _PARENTS_MAX:
            self._begun[run["info"]["run_id"]] = None
            parent = pairs(run["data"].get("tags")).get(PARENT)
            chain.append((run, parent))
            run = self._there(parent) if parent and parent not in self._begun else None
        for one, parent in reversed(chain):
            self._begun[one["info"]["run_id"]] = self._started(one, parent)

    def _there(self, run: str) -> dict[str, Any] | None:
        """A run of the experiments that are taken."""
        try:
            found: dict[str, Any] = self._source.get(f"{A2}/runs/get", run_id=run)["run"]
        except (NotFound, Failed, Invalid):
            return None
        active = found["info"].get("lifecycle_stage", "active") == "active"
        return found if active and found["info"]["experiment_id"] in self._homes else None

    def _started(self, said: dict[str, Any], parent: str | None) -> bool | None:
        info, tags = said["info"], pairs(said["data"].get("tags"))
        name = info.get("run_name") or tags.get(NAME, "")
        if info.get("user_id") not in (None, "", "unknown"):
            tags.setdefault(USER, info["user_id"])
        scheduled = info.get("status") == "SCHEDULED"
        if parent and self._begun.get(parent) is None:
            self._taken.leave(f"parent {parent} of run {info['run_id']}: it is not among what is taken")
            parent = None
        try:
            run = self._runs.start(
                self._homes[info["experiment_id"]], name, id=info["run_id"], parent=parent, note=tags.pop(NOTE, ""), amendable=True,
                tags={key: value for key, value in tags.items() if key != NAME}, state="scheduled" if scheduled else "running",
                code=Code(commit=tags.get("mlflow.source.git.commit"), entry=tags.get("mlflow.source.name", "")),
                started_at=wire.instant(int(info["start_time"]), "start_time") if info.get("start_time") else None,
            )  # fmt: skip
        except (Conflict, Invalid) as error:
            self._taken.leave(f"run {info['run_id']}: {error.message}")
            return None
        return run.ended_at is not None

    def _fill(self, said: dict[str, Any], measured: Measured) -> None:
        """Take what a run holds, and end it here as it ended there."""
        run = said["info"]["run_id"]
        if self._begun[run] is not False:
            self._taken.add(known=int(bool(self._begun[run])))
            return
        try:
            tags = {key: value for key, value in pairs(said["data"].get("tags")).items() if key not in (NAME, NOTE)}
            self._runs.change(run, params=dict(pairs(said["data"].get("params"))), tags=dict(tags))
            self._points(run, [found["key"] for found in said["data"].get("metrics", [])], measured.get(run, {}))
            self._links(run, said)
            of = Holder("run", run, said["info"].get("artifact_uri", ""))
            self._files.take(of, self._runs.artifacts(run), lambda path, blob: self._runs.keep_artifact(run, path, blob))
            self._end(run, said["info"])
        except (Conflict, Invalid, NotFound) as error:
            self._taken.leave(f"run {run}: {error.message}")
        else:
            self._taken.add(runs=1)

    def _points(self, run: str, keys: Sequence[str], of_models: dict[Point, About]) -> None:
        here, given = kept(self._runs, run, keys), (point for key in keys for point in history(self._source, run, key))
        while part := list(islice(given, PART)):
            groups: dict[About, list[Point]] = defaultdict(list)
            for point in part:
                if point not in here:
                    groups[of_models.get(point) or of_models.get(point.without_nan) or NONE].append(point)
            for about, points in groups.items():
                keep(self._runs, run, about, points)
                self._taken.add(points=len(points))

    def _links(self, run: str, said: dict[str, Any]) -> None:
        if data := [_use(given) for given in said.get("inputs", {}).get("dataset_inputs", [])]:
            self._runs.use(run, data)
        used = [found["model_id"] for found in said.get("inputs", {}).get("model_inputs", [])]
        made = {found["model_id"]: int(found.get("step", 0)) for found in said.get("outputs", {}).get("model_outputs", [])}
        if used or made:
            self._runs.link(run, [Ref("candidate", model) for model in used], [Ref("candidate", model) for model in made])
        for model, step in made.items():
            try:
                self._runs.change_candidate(model, step=step)
            except (NotFound, Conflict) as error:
                self._taken.leave(f"logged model {model} of run {run}: {error.message}")

    def _end(self, run: str, info: dict[str, Any]) -> None:
        state = STATES.get(info.get("status", ""), "finished")
        if state not in ("running", "scheduled"):
            ended = int(info.get("end_time") or 0) or int(info.get("start_time") or 0)
            self._runs.finish(run, state, ended_at=wire.instant(ended, "end_time"))

    # ---- logged models

    def _logged_models(self, there: str) -> Measured:
        measured: Measured = defaultdict(dict)
        pages = self._source.pages("POST", f"{A2}/logged-models/search", "models", experiment_ids=[there], max_results=50)
        try:
            for page in pages:
                for said in page:
                    for point in said.get("data", {}).get("metrics", []):
                        about = About(said["info"]["model_id"], point.get("dataset_name", ""), point.get("dataset_digest", ""))
                        measured[point.get("run_id", "")][Point.of(point)] = about
                    self._begin_run_of(said["info"].get("source_run_id", ""))
                each(self._logged_model, page)
        except NotFound:  # MLflow 2 has none
            return {}
        return measured

    def _logged_model(self, said: dict[str, Any]) -> None:
        info = said["info"]
        model, run = info["model_id"], info.get("source_run_id", "")
        run = run if self._begun.get(run) is not None else None
        try:
            made = self._runs.add_candidate(
                info.get("name") or model, run=run, experiment=None if run else self._homes[info["experiment_id"]], id=model,
                type=info.get("model_type", ""), tags=pairs(info.get("tags")),
                params=dict(pairs(said.get("data", {}).get("params"))),
            )  # fmt: skip
            if made.state != "pending":
                self._taken.add(known=1)
                return
            of, here = Holder("logged model", model, info.get("artifact_uri", "")), self._runs.candidate_artifacts(model)
            self._files.take(of, here, lambda path, blob: self._runs.keep_candidate_artifact(model, path, blob))
            if info.get("status") in _READY:
                self._runs.change_candidate(model, state=_READY[info["status"]], message=info.get("status_message", ""))
        except (Conflict, Invalid, NotFound) as error:
            self._taken.leave(f"logged model {model}: {error.message}")
        else:
            self._taken.add(logged_models=1)

    def _begin_run_of(self, run: str) -> None:
        """Start the run that made a logged model, if it is one of those that come here."""
        if run and run not in self._begun and (said := self._there(run)) is not None:
            self._begin(said)

    def _say_of_traces(self, said: dict[str, Any]) -> None:
        where = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": said["experiment_id"]}}]
        try:
            found = self._source.post("/api/3.0/mlflow/traces/search", locations=where, max_results=1)
        except (NotFound, Invalid):
            return
        if found.get("traces"):
            self._taken.leave(f"traces of experiment {said['name']!r}: they are not taken")


def each(act: Callable[[dict[str, Any]], None], given: Iterable[dict[str, Any]]) -> None:
    """Do something with each, a few at a time, as the present caller."""
    who = caller()

    def called(one: dict[str, Any]) -> None:
        with calling(who):
            act(one)

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for _ in pool.map(called, given):
                pass
        finally:
            pool.shutdown(cancel_futures=True)


def pairs(given: Iterable[dict[str, str]] | None) -> dict[str, str]:
    """Tags or parameters as a mapping."""
    return {pair["key"]: pair.get("value", "") for pair in given or ()}


def _use(given: dict[str, Any]) -> Use:
    said, tags = given["dataset"], pairs(given.get("tags"))
    data = Data(
        name=said["name"], digest=said.get("digest", ""), type=said.get("source_type", ""), source=said.get("source", ""),
        schema=said.get("schema", ""), profile=said.get("profile", ""),
    )  # fmt: skip
    return Use(source=data, context=tags.pop(CONTEXT, ""), tags=tags)
