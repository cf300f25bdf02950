"""The built web UI, read once at start. Any path that names no file gets the UI's page."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
PACKED = {"br": ".br", "gzip": ".gz"}
"""The encodings that the build leaves beside a file, the better first."""
_KINDS = {
    "css": "text/css", "html": "text/html", "ico": "image/x-icon", "js": "text/javascript", "json": "application/json",
    "png": "image/png", "svg": "image/svg+xml", "txt": "text/plain", "wasm": "application/wasm",
    "webmanifest": "application/manifest+json", "woff2": "font/woff2",
}  # fmt: skip
"""What the build makes, by suffix; what the system thinks of a suffix is not asked."""
_OTHERS = ("/api/", "/assets/", "/frames/", "/health/", "/metrics", "/openapi.json")
"""Below these nothing is a page: what is not there is not found."""
_MONTHS = "public, max-age=31536000, immutable"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
    "media-src 'self'; worker-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types ostinato"
)
_PAGE = {"content-security-policy": _POLICY, "cache-control": "no-cache", "cross-origin-opener-policy": "same-origin"}
_UNBUILT = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>Ostinato</title>
<main>
<h1>The pages are not built</h1>
<p>This server runs from a checkout in which the web UI was not built. <code>make web</code> builds it (it needs Node 20 or later);
then start the server again.</p>
<p>All else works: the command line, the Python client, and the API that <a href="/openapi.json">/openapi.json</a> describes.</p>
</main>
"""


@dataclass(frozen=True, slots=True)
class _File:
    """A file by its encodings, `identity` among them."""

    kind: str
    headers: Mapping[str, str]
    contents: Mapping[str, bytes]


class Pages:
    """ASGI endpoint of all that is asked by GET and is nothing else. Only what was there at the start is ever sent."""

    def __init__(self, folder: Path = STATIC) -> None:
        there = dict(_contents(str(folder)))
        self._files = {path: _file(path, there) for path in there if not path.endswith(tuple(PACKED.values()))}
        self._page = self._files.pop("/index.html", _File("text/html", _PAGE, {"identity": _UNBUILT}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        found = self._files.get(path)
        if found is None:
            if path.startswith(_OTHERS):
                raise HTTPException(404)
            found = self._page
        await _reply(found, Headers(scope=scope))(scope, receive, send)


def _contents(folder: str) -> Iterator[tuple[str, bytes]]:
    """Each file by its path below the folder. Plain calls: with a `Path` for each of hundreds, it took five times as long."""
    for place, _, names in os.walk(folder):
        below = place[len(folder) :].replace(os.sep, "/")
        for name in names:
            with open(os.path.join(place, name), "rb", buffering=0) as file:
                yield f"{below}/{name}", file.read()


def _file(path: str, there: Mapping[str, bytes]) -> _File:
    packed = {encoding: there[path + suffix] for encoding, suffix in PACKED.items() if path + suffix in there}
    headers = _PAGE if path.endswith("/index.html") else {"cache-control": _MONTHS}
    return _File(_KINDS.get(path.rpartition(".")[2], "application/octet-stream"), headers, {"identity": there[path], **packed})


def _reply(file: _File, asked: Headers) -> Response:
    encoding = next((name for name in PACKED if name in file.contents and name in _accepted(asked)), "identity")
    content = file.contents[encoding]
    headers = {**file.headers, "etag": f'"{hashlib.sha256(content).hexdigest()[:32]}"', "vary": "accept-encoding"}
    if headers["etag"] in asked.get("if-none-match", ""):
        return Response(None, 304, headers)
    if encoding != "identity":
        headers["content-encoding"] = encoding
    return Response(content, 200, headers, file.kind)


def _accepted(asked: Headers) -> set[str]:
    parts = (part.partition(";") for part in asked.get("accept-encoding", "").split(","))
    return {name.strip().lower() for name, _, weight in parts if weight.replace(" ", "").rstrip(".0") != "q="}
