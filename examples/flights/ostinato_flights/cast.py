"""The cast: who acts in the replay, each through a connection and a token of their own."""

from __future__ import annotations

import secrets
from datetime import datetime

import ostinato as ost
from ostinato.app import Ostinato
from ostinato.client.login import redeem_code
from ostinato.client.remote import connect
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
        self._clock = connect(server.url, server.token()).clock
        self.ana, self.ben, self.loop = (self._connect(actor, roles) for actor, roles in ROLES.items())

    def _connect(self, actor: str, roles: list[str]) -> Ostinato:
        kind, name = actor.split(":")
        create = self.admin.access.create_person if kind == "person" else self.admin.access.create_service
        create(name, roles=roles)
        if kind == "service":
            token = self.admin.access.issue_token(actor, days=7, name="replay").secret
        else:  # people issue their own: a token that another issued approves nothing
            code = self.admin.access.issue_code(actor).code
            token = redeem_code(self._server.url, code, secrets.token_urlsafe(16), name="replay")
        return ost.connect(self._server.url, token)

    def set_clock(self, instant: datetime) -> None:
        """Move the server's clock forward to `instant`; where it is there or further already, a replay goes on, and it stays."""
        if self._clock.now() < instant:
            self._clock.set(instant)
