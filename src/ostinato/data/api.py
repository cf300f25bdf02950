"""The public operations on data."""

from __future__ import annotations

from ostinato.data.service import Datasets
from ostinato.kernel.operation import Op

NAME = "datasets"
SERVICE = Datasets
IN_PROCESS = {"table": "dataset:read"}
"""What the verbs need that are called in process alone."""
OPS: list[Op] = [
    Op("POST", "/datasets", Datasets.create, "dataset:write"),
    Op("GET", "/datasets", Datasets.all, "dataset:read"),
    Op("GET", "/dataset-states", Datasets.states, "dataset:read"),
    Op("GET", "/datasets/{name}", Datasets.get, "dataset:read"),
    Op("PUT", "/datasets/{name}/tags", Datasets.tag, "dataset:write"),
    Op("GET", "/datasets/{name}/story", Datasets.story, "dataset:read"),
    Op("GET", "/datasets/{name}/difference", Datasets.difference, "dataset:read"),
    Op("POST", "/datasets/{name}/deliveries", Datasets.deliver, "dataset:write"),
    Op("GET", "/datasets/{name}/deliveries/{key}", Datasets.delivery, "dataset:read"),
    Op("PUT", "/datasets/{name}/deliveries/{key}", Datasets.upload, "dataset:write"),
    Op("PUT", "/dataset-uploads/{upload}/{start:int}", Datasets.send_part, "dataset:write"),
    Op("GET", "/dataset-uploads/{upload}", Datasets.received, "dataset:write"),
    Op("POST", "/datasets/{name}/sent-deliveries", Datasets.upload_sent, "dataset:write"),
    Op("GET", "/datasets/{name}/deliveries", Datasets.deliveries, "dataset:read"),
    Op("GET", "/datasets/{name}/quarantine", Datasets.quarantined, "dataset:read"),
    Op("GET", "/datasets/{name}/versions", Datasets.versions, "dataset:read"),
    Op("GET", "/dataset-versions/{ref}", Datasets.version, "dataset:read"),
    Op("GET", "/dataset-versions/{ref}/profile", Datasets.profile, "dataset:read"),
    Op("POST", "/dataset-versions/{ref}/rows", Datasets.rows, "dataset:read"),
    Op("GET", "/dataset-versions/{ref}/content", Datasets.content, "dataset:read"),
]
