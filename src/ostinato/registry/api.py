"""The operations on models."""

from __future__ import annotations

from ostinato.kernel.operation import Op
from ostinato.registry.service import Models

NAME = "models"
SERVICE = Models

IN_PROCESS = {"scorer": "model:read", "create_open": "model:write", "register_folder": "model:write", "file_stream": "model:read"}
"""What the verbs need that are called in process alone."""
OPS: list[Op] = [
    Op("POST", "/models", Models.create, "model:write"),
    Op("GET", "/models", Models.all, "model:read"),
    Op("GET", "/model-states", Models.states, "model:read"),
    Op("GET", "/models/{model}", Models.model, "model:read"),
    Op("GET", "/models/{model}/story", Models.story, "model:read"),
    Op("POST", "/models/{model}/rules", Models.require, "model:approve"),
    Op("POST", "/models/{model}/versions", Models.register, "model:write"),
    Op("GET", "/models/{model}/versions", Models.versions, "model:read"),
    Op("POST", "/models/{model}/policies", Models.declare_policy, "model:approve"),
    Op("GET", "/models/{model}/policies", Models.policies, "model:read"),
    Op("GET", "/models/{model}/alias", Models.at, "model:read"),
    Op("GET", "/models/{model}/moves", Models.moves, "model:read"),
    Op("POST", "/models/{model}/notes", Models.card_note, "model:write"),
    Op("GET", "/models/{model}/notes", Models.notes, "model:read"),
    Op("GET", "/models/{model}/history", Models.history, "model:read"),
    Op("POST", "/models/{model}/name", Models.rename, "model:write"),
    Op("POST", "/models/{model}/withdrawals", Models.withdraw, "model:promote"),
    Op("GET", "/model-labels", Models.all_labels, "model:read"),
    Op("GET", "/model-labels/{ref}", Models.labels, "model:read"),
    Op("POST", "/model-labels/{ref}/tags", Models.tag, "model:write"),
    Op("POST", "/model-labels/{ref}/description", Models.describe, "model:write"),
    Op("POST", "/model-removals/{ref}", Models.remove, "model:write"),
    Op("GET", "/model-versions/{ref}/files", Models.files, "model:read"),
    Op("GET", "/model-versions/{ref}/files/{path:path}", Models.file, "model:read"),
    Op("POST", "/model-artifacts", Models.upload, "model:write"),
    Op("PUT", "/model-uploads/{upload}/{start:int}", Models.send_part, "model:write"),
    Op("GET", "/model-uploads/{upload}", Models.received, "model:write"),
    Op("POST", "/sent-model-artifacts", Models.upload_sent, "model:write"),
    Op("GET", "/model-versions/{ref}", Models.get, "model:read"),
    Op("GET", "/model-versions/{ref}/review", Models.review, "model:read"),
    Op("GET", "/model-versions/{ref}/resolved", Models.resolve, "model:read"),
    Op("GET", "/model-versions/{ref}/artifact", Models.artifact, "model:read"),
    Op("GET", "/model-versions/{ref}/card", Models.card, "model:read"),
    Op("POST", "/model-versions/{ref}/check", Models.check, "model:write"),
    Op("POST", "/model-versions/{ref}/approve", Models.approve, "model:approve"),
    Op("POST", "/model-versions/{ref}/approve-by-policy", Models.approve_by_policy, "model:write"),
    Op("POST", "/model-versions/{ref}/reject", Models.reject, "model:approve"),
    Op("POST", "/model-versions/{ref}/retire", Models.retire, "model:approve"),
    Op("POST", "/model-versions/{ref}/promote", Models.promote, "model:promote"),
    Op("POST", "/model-versions/{ref}/rollback", Models.rollback, "model:promote"),
]
