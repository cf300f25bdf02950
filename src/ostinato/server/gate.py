"""Gate: who is asking, in which project, and may they; a refusal is an event."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Denied, Invalid, Unauthenticated
from ostinato.kernel.ref import Ref

_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ANYBODY = Caller(actor="person:anonymous")


class Gate:
    """Turns the headers of a request into a caller who holds a permission."""

    def __init__(self, app: Ostinato) -> None:
        self._app = app

    def admit(self, headers: Mapping[str, str], needs: str, what: str) -> Caller:
        """The caller behind a bearer token, who may `needs` in the project that the header `Ostinato-Project` names.

        Raises:
            Unauthenticated: no token, or one that is unknown, expired or revoked.
            Denied: the caller lacks the permission; an event `access.denied` was appended.
        """
        if needs == "public":
            return ANYBODY
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise Unauthenticated("no token was sent", hint="set OSTINATO_TOKEN, or send the header Authorization: Bearer <token>")
        actor = self._app.access.authenticate(secret.strip())
        project = headers.get("ostinato-project", "default")
        if not _PROJECT.fullmatch(project):
            raise Invalid("not a name of a project", hint="send the header Ostinato-Project: <name>", field="ostinato-project")
        who = Caller(actor=actor.id, project=project)
        if needs and not self._app.access.may(who.actor, needs, project):
            self._record(who, needs, what)
            raise Denied(
                f"{who.actor} may not {needs} in the project {project}",
                hint=f"ask an administrator of the project for a role that holds {needs}",
                permission=needs,
            )
        return who

    def _record(self, who: Caller, needs: str, what: str) -> None:
        with calling(who):
            self._app.rows.write(
                lambda tx: self._app.ledger.append(tx, "access.denied", Ref.parse(who.actor), data={"permission": needs, "operation": what})
            )
