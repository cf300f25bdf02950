"""About: what a client asks before anything else: whether the server is there, its version, what it can do, and for which workspaces."""

from __future__ import annotations

from typing import Any, ClassVar

from ostinato.access.types import Project
from ostinato.app import Ostinato
from ostinato.gateways.mlflow.errors import AlreadyExists
from ostinato.gateways.mlflow.wire import A3, Ask, Nothing, filled
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.operation import Op

VERSION = "3.17.2"
"""The version of MLflow whose routes are answered."""


class WorkspaceAsk(Ask, kw_only=True):
    """A workspace, which is a project here."""

    workspace_name: str


class CreateWorkspace(Ask, kw_only=True):
    """A new workspace."""

    name: str
    description: str = ""
    default_artifact_root: str = ""


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

    def workspaces(self, ask: Nothing) -> dict[str, Any]:
        """The projects in which the caller has a role."""
        return {"workspaces": [_shown(project) for project in self._app.access.projects()]}

    def workspace(self, ask: WorkspaceAsk) -> dict[str, Any]:
        """One of them."""
        found = next((project for project in self._app.access.projects() if project.name == ask.workspace_name), None)
        if found is None:
            raise NotFound(f"Workspace '{ask.workspace_name[:100]}' not found")
        return {"workspace": _shown(found)}

    def create_workspace(self, ask: CreateWorkspace) -> dict[str, Any]:
        """Make a project."""
        if ask.default_artifact_root:
            raise Invalid("default_artifact_root cannot be chosen", hint="this server keeps files itself", field="default_artifact_root")
        if any(project.name == ask.name for project in self._app.access.projects()):
            raise AlreadyExists(f"Workspace '{ask.name[:100]}' already exists.")
        return {"workspace": _shown(self._app.access.create_project(ask.name, ask.description))}

    OPS: ClassVar[list[Op]] = [
        Op("GET", "/health", health, "public"),
        Op("GET", "/version", version, "public"),
        Op("GET", f"{A3}/server-info", server_info, "public"),
        Op("GET", f"{A3}/workspaces", workspaces, "run:read"),
        Op("POST", f"{A3}/workspaces", create_workspace, "project:write", 201),
        Op("GET", f"{A3}/workspaces/{{workspace_name}}", workspace, "run:read"),
    ]


def _shown(project: Project) -> dict[str, Any]:
    return filled(name=project.name, description=project.description)
