"""The cast: who acts in the replay, each through a connection and a token of their own."""

from __future__ import annotations

import http.client
import json
from datetime import datetime
from urllib.parse import urlsplit

import ostinato as ost
from ostinato.app import Ostinato
from ostinato_flights.server import Server

ROLES = {
    "person:ana": ["scientist", "reviewer"],
    "person:ben": ["reviewer"],
    "service:loop": ["engineer", "deployer", "steward", "scientist"],
}


class Cast:
    """Ana trains models, Ben reviews them, the service `loop` carries data, requests and releases; the administrator sets up."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.admin = ost.connect(server.url, server.token())
        self.ana, self.ben, self.loop = (self._connect(actor, roles) for actor, roles in ROLES.items())

    def _connect(self, actor: str, roles: list[str]) -> Ostinato:
        kind, name = actor.split(":")
        create = self.admin.access.create_person if kind == "person" else self.admin.access.create_service
        create(name, roles=roles)
        issued = self.admin.access.issue_token(actor, days=7, name="replay")
        return ost.connect(self._server.url, issued.secret)

    def set_clock(self, instant: datetime) -> None:
        """Move the server's clock forward to `instant`; staying is fine."""
        connection = http.client.HTTPConnection(urlsplit(self._server.url).netloc, timeout=30)
        headers = {"Authorization": f"Bearer {self._server.token()}", "Content-Type": "application/json"}
        connection.request("PUT", "/api/v1/clock", json.dumps({"now": instant.isoformat()}), headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status >= 400 and b"does not go back" not in body:
            raise ost.OstinatoError(f"the clock was not set: {body.decode()}")
