"""Events as OpenLineage run events, for catalogs of data that read them (openlineage.io, specification 2-0-2)."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from ostinato.kernel.event import Event
from ostinato.kernel.instant import instant_of, micros_of
from ostinato.kernel.ref import Ref
from ostinato.ledger.post import Receiver
from ostinato.ledger.types import Parcel, Surroundings

_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_VERSION_FACET = "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
_ERROR_FACET = "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"
_PRODUCER = "urn:ostinato"
_RUNS = ("execution", "run")
_TYPES = {"started": "START", "finished": "COMPLETE", "failed": "FAIL", "cancelled": "ABORT", "killed": "ABORT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Openlineage(Receiver):
    """Posts a RunEvent to `url` (`https://…/api/v1/lineage`) for each start and end of an execution or run, and for each event with
    inputs or outputs; other events are passed over. `namespace`, by default `ostinato:<project>`, is that of the jobs and datasets.
    """

    namespace: str = ""

    def send(self, parcel: Parcel, around: Surroundings) -> None:
        """Post one run event, if the event is one."""
        told = run_event(parcel.event, self.namespace or f"ostinato:{parcel.event.project}")
        if told is not None:
            self.post(json.dumps(told).encode(), {"Idempotency-Key": parcel.key}, around)


def run_event(event: Event, namespace: str) -> dict[str, Any] | None:
    """The RunEvent for an event; None if it says nothing about runs or lineage."""
    of_run = event.subject.kind in _RUNS
    kind = _TYPES.get(event.verb.partition(".")[2]) if of_run else "COMPLETE"
    inputs, outputs = _datasets(event.inputs, namespace), _datasets(event.outputs, namespace)
    if kind is None or not (of_run or inputs or outputs):
        return None
    run: dict[str, Any] = {"runId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{namespace}/{event.subject if of_run else event.id}"))}
    if kind == "FAIL" and event.data.get("error"):
        error = {"message": str(event.data["error"]), "programmingLanguage": "python"}
        run["facets"] = {"errorMessage": {"_producer": _PRODUCER, "_schemaURL": _ERROR_FACET, **error}}
    job = str(event.data.get("pipeline") or event.subject.kind) if of_run else f"{event.verb}/{event.subject.name}"
    return {
        "eventType": kind,
        "eventTime": instant_of(micros_of(event.at)).isoformat().replace("+00:00", "Z"),
        "run": run,
        "job": {"namespace": namespace, "name": job},
        "inputs": inputs,
        "outputs": outputs,
        "producer": _PRODUCER,
        "schemaURL": _SCHEMA,
    }


def _datasets(refs: tuple[Ref, ...], namespace: str) -> list[dict[str, Any]]:
    """Everything that is made or used, but runs, which OpenLineage tells as runs."""
    found = []
    for ref in dict.fromkeys(refs):
        if ref.kind not in _RUNS:
            dataset: dict[str, Any] = {"namespace": namespace, "name": f"{ref.kind}:{ref.name}"}
            if ref.version is not None:
                version = {"_producer": _PRODUCER, "_schemaURL": _VERSION_FACET, "datasetVersion": ref.version}
                dataset["facets"] = {"version": version}
            found.append(dataset)
    return found
