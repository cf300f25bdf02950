"""An issuer of workload identities on the loopback, as the CI services have: it publishes its keys, and signs what it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey


class Ci:
    """The issuer: `token` is what a job gets."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key: RSAKey | ECKey = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.asked: list[str] = []

    def claims(self, **more: Any) -> dict[str, Any]:
        now = int(time.time())
        job = {
            "sub": "repo:acme/churn:ref:refs/heads/main",
            "repository_id": "4711",
            "ref": "refs/heads/main",
            "jti": str(time.perf_counter_ns()),
        }
        told = {"iss": self.url, "aud": "https://ml.example.org", "iat": now, "nbf": now, "exp": now + 300}
        return {name: value for name, value in (told | job | more).items() if value is not None}

    def token(self, header: dict[str, Any] | None = None, key: Any = None, **more: Any) -> str:
        return jwt.encode({"alg": "RS256", "kid": "first", "typ": "JWT", **(header or {})}, self.claims(**more), key or self.key)


@contextmanager
def issuing() -> Iterator[Ci]:
    """The issuer, as long as the block runs."""

    class Published(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ci.asked.append(self.path)
            told: dict[str, dict[str, Any]] = {
                "/.well-known/openid-configuration": {"issuer": ci.url, "jwks_uri": f"{ci.url}/keys"},
                "/keys": {"keys": [ci.key.as_dict(private=False)]},
            }
            content = json.dumps(told.get(self.path, {})).encode()
            self.send_response(200 if self.path in told else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Published) as server:
        ci = Ci(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield ci
        finally:
            server.shutdown()
            thread.join()
