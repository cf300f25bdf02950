"""The catalogue of pipelines that may be started by name, with their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import entry_points
from typing import Any

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import NotFound
from ostinato.kernel.frozen import frozen
from ostinato.kernel.ids import new_id
from ostinato.pipelines import spans, store
from ostinato.pipelines.serialization import Packer, conform
from ostinato.pipelines.source_inspection import Outline, outline
from ostinato.storage.rows.rows import Rows

ATTEMPTS = 5
"""How many workers may die of an execution before it has failed."""

_GROUP = "ostinato.pipelines"


@frozen
class StartRequest:
    """A resolved pipeline with checked parameters."""

    name: str
    target: str
    parameters: dict[str, Any]
    outline: Outline

    def row(self, actor: str, project: str, now: datetime) -> dict[str, Any]:
        """A row of a waiting execution of it, not yet inserted."""
        named = {"id": new_id(), "pipeline": self.name, "target": self.target, "parameters": self.parameters, "attempts": ATTEMPTS}
        queued = {"queue": self.outline.queue, "priority": self.outline.priority, "tags": list(self.outline.tags)}
        return named | queued | {"actor": actor, "project": project, "created_at": now, "trace": spans.current_traceparent()}


class Catalogue:
    """Looks pipelines up by a registered name, by that of an entry point, or by `module:function` of an allowed module."""

    def __init__(self, rows: Rows, packer: Packer, modules: str) -> None:
        self._rows = rows
        self._packer = packer
        self._modules = tuple(name.strip() for name in modules.split(",") if name.strip())

    def wanted(self, pipeline: str, parameters: Mapping[str, Any], *, own: bool = False) -> StartRequest:
        """Resolve a request to start a pipeline; one of the platform's `own` only by the verb whose permission it needs.

        Raises:
            NotFound: no such pipeline, or its module is not allowed.
            Invalid: a parameter is missing, unknown or of another type.
        """
        target = self._target(pipeline)
        found = outline(target) if own else self.outline(target)
        checked = {name: conform(value, found.hints.get(name), name) for name, value in parameters.items()}
        packed = {name: self._packer.pack(value, name) for name, value in found.bind(checked).items()}
        return StartRequest(name=pipeline if ":" not in pipeline else found.name, target=target, parameters=packed, outline=found)

    def accepts(self, pipeline: str, parameters: Mapping[str, Any]) -> None:
        """Check that a pipeline is there and takes parameters of these names, whatever their values will be.

        Raises:
            NotFound: no such pipeline, or its module is not allowed.
            Invalid: a parameter is missing or unknown.
        """
        self.outline(self._target(pipeline)).bind(parameters)

    def outline(self, target: str) -> Outline:
        """The pipeline at a target.

        Raises:
            NotFound: there is none, or its module is not one of those from which pipelines may be started by name.
        """
        module = target.partition(":")[0]
        outside = {e.value.partition(":")[0] for e in entry_points(group=_GROUP)}
        if not any(module == allowed or module.startswith(f"{allowed}.") for allowed in (*self._modules, *outside)):
            raise NotFound(
                f"no pipeline {target!r}", hint="its module must be named in OSTINATO_PIPELINES or by an entry point of ostinato.pipelines"
            )
        return outline(target)

    def named(self) -> dict[str, str]:
        """The targets of the pipelines that entry points name."""
        return {e.name: e.value for e in entry_points(group=_GROUP)}

    def _target(self, pipeline: str) -> str:
        if ":" in pipeline:
            return pipeline
        project = caller().project
        known = self._rows.read(lambda tx: store.all_definitions(tx, project))
        targets = self.named() | {d.name: d.target for d in known}
        if pipeline not in targets:
            raise NotFound.named("pipeline", pipeline, targets)
        return targets[pipeline]
