"""Artifacts of runs as isolated frames in a page: a file can load nothing and send nothing.

A reply says `sandbox`, so the browser gives the document an origin of its own, however it is opened: no cookie, no storage, no page
around it, no API. The session's cookie admits, and only for a request that began at a page of ours or was typed; an address with a
signature in it would work as well in anybody's hands until it expires, and outlive a session that is ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Denied
from ostinato.server.authorization import Authorizer

PATH = "/frames/{project}/{run}/{path:path}"
POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; media-src data:; connect-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_TEXT = "text/plain; charset=utf-8"
_FRAMED = {".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8"} | dict.fromkeys(
    (".txt", ".log", ".md", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".py", ".sql"), _TEXT
)
_PICTURES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
    ".svg": "image/svg+xml",
}  # fmt: skip
_SOUNDS = {
    ".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".flac": "audio/flac", ".m4a": "audio/mp4",
}  # fmt: skip
_SHOWN = {"iframe": _FRAMED, "image": _PICTURES, "audio": _SOUNDS}
"""By what the browser is about to make of the reply, the kinds of files that it gets to see; all else is a download."""


class Frames:
    """The endpoint of `GET /frames/{project}/{run}/{path}`."""

    def __init__(self, app: Ostinato, gate: Authorizer, run: Callable[..., Awaitable[Any]]) -> None:
        self._app = app
        self._gate = gate
        self._run = run

    async def show(self, request: Request) -> Response:
        """The file, to be shown where its kind and its place allow, else to be kept."""
        if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            raise Denied("the request began on another site", hint="files of runs are shown by the pages of their own server")
        content: bytes = await self._run(self._content, request)
        kind = _SHOWN.get(request.headers.get("sec-fetch-dest", ""), {}).get(PurePosixPath(request.path_params["path"]).suffix.lower())
        headers = {"content-security-policy": POLICY, "cross-origin-resource-policy": "same-origin"}
        headers["content-disposition"] = "inline" if kind else "attachment"
        return Response(content, headers=headers, media_type=kind or "application/octet-stream")

    def _content(self, request: Request) -> bytes:
        project, run, path = (request.path_params[name] for name in ("project", "run", "path"))
        who: Caller = self._gate.admit({**request.headers, "ostinato-project": project}, "run:read", "GET /frames")
        request.scope["ostinato.caller"] = who
        with calling(who):
            return self._app.runs.artifact(run, path)
