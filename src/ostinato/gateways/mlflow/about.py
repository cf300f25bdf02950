"""About: what a client asks before anything else: whether the server is there, its version, and what it can do."""

from __future__ import annotations

from typing import Any, ClassVar

from ostinato.app import Ostinato
from ostinato.gateways.mlflow.wire import Nothing
from ostinato.kernel.operation import Op

VERSION = "3.17.2"
"""The version of MLflow whose routes are answered."""


class About:
    """The probes."""

    def __init__(self, app: Ostinato) -> None:
        self._app = app

    def health(self, ask: Nothing) -> str:
        """The server is there."""
        return "OK"

    def version(self, ask: Nothing) -> str:
        """The version of MLflow that clients may assume."""
        return VERSION

    def server_info(self, ask: Nothing) -> dict[str, Any]:
        """What the server can do."""
        return {
            "store_type": "SqlStore",
            "workspaces_enabled": True,
            "trace_archival_enabled": False,
            "multipart_uploads_enabled": True,
            "multipart_downloads_enabled": False,
            "artifact_serving_enabled": True,
            "presigned_uploads_supported": False,
            "presigned_downloads_supported": False,
        }

    OPS: ClassVar[list[Op]] = [
        Op("GET", "/health", health, "public"),
        Op("GET", "/version", version, "public"),
        Op("GET", "/api/3.0/mlflow/server-info", server_info, "public"),
    ]
