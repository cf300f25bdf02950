"""Shown: registered versions as MLflow's clients see them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from ostinato.gateways.mlflow import places, wire
from ostinato.kernel.errors import Invalid
from ostinato.registry.service import Models
from ostinato.registry.types import Labels, Model, ModelVersion

STAGES = ("None", "Staging", "Production", "Archived")
IN_USE = ("Staging", "Production")
"""Stages of versions that are approved, and of no others."""


def stage_of(text: str) -> str:
    """A stage, whatever its case.

    Raises:
        Invalid: there is no such stage.
    """
    found = next((stage for stage in STAGES if stage.lower() == text.lower()), None)
    if found is None:
        raise Invalid(f"Invalid Model Version stage: {text[:100]}. Value must be one of {', '.join(STAGES)}.", field="stage")
    return found


def shown_version(models: Models, model: Model, version: ModelVersion | int, labels: Labels | None = None) -> dict[str, Any]:
    """A version as a message of MLflow."""
    found = models.get(f"{model.name}@{version}") if isinstance(version, int) else version
    said = labels or models.labels(str(found.ref))
    texts = {"description": said.description, "run_id": said.origin.get("run_id") or (found.run.name if found.run else "")}
    return texts | wire.filled(
        name=unquote(model.name),
        version=str(found.version),
        creation_timestamp=wire.millis(found.registered_at),
        last_updated_timestamp=wire.millis(said.changed_at),
        user_id=found.author,
        current_stage="Archived" if said.stage in IN_USE and found.state != "approved" else said.stage or "None",
        source=said.origin.get("source") or places.of_version(model.name, found.version),
        run_link=said.origin.get("run_link"),
        model_id=said.origin.get("model_id"),
        status="READY",
        tags=wire.pairs(said.tags),
        aliases=sorted(alias for alias, number in model.aliases.items() if number == found.version),
    )
