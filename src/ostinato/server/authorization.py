"""Authorization of a request: who asks, in which project, with which permission. A denial is an event."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ostinato.access.refusals import Refusals
from ostinato.access.types import Admission
from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Denied, Invalid, NotFound, Unauthenticated
from ostinato.kernel.ref import Ref
from ostinato.server.browser import browser_request

_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ANYBODY = Caller(actor="person:anonymous")


class Authorizer:
    """Authenticates a request and checks the caller's permission."""

    def __init__(self, app: Ostinato) -> None:
        self._app = app
        self._refusals = Refusals()

    def admit(self, headers: Mapping[str, str], needs: str, what: str) -> Caller:
        """The caller behind a bearer token or a session, who may `needs` in the project that the header `Ostinato-Project` names.

        Raises:
            Unauthenticated: neither, or one that is unknown, expired or revoked.
            NotFound: the caller may nothing in that project, whether it is there or not.
            Denied: the caller lacks the permission; an event `access.denied` was appended, or one of this minute tells of it.
        """
        if needs == "public":
            return ANYBODY
        project = headers.get("ostinato-project", "default")
        if not _PROJECT.fullmatch(project):
            raise Invalid("not a name of a project", hint="send the header Ostinato-Project: <name>", field="ostinato-project")
        admission = self._admission(headers.get("authorization"), project)
        who = Caller(actor=admission.credential.actor, project=project, credential=admission.credential.id)
        if not needs or needs in admission.permissions:
            return who
        self._record(who, needs, what)
        if not admission.permissions:
            raise NotFound(f"no project {project!r}", hint="ostinato access projects lists yours")
        raise Denied(
            f"{who.actor} may not {needs} in the project {project}",
            hint=f"ask an administrator of the project for a role that holds {needs}",
            permission=needs,
        )

    def _admission(self, authorization: str | None, project: str) -> Admission:
        access, present = self._app.access, browser_request()
        if authorization is None and (session := present.session):
            present.refuse_form()
            return access.admit_session(session, project)
        scheme, _, secret = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise Unauthenticated("no token was sent", hint="ostinato login, OSTINATO_TOKEN, or the header Authorization: Bearer <token>")
        return access.admit(secret.strip(), project, present.address)

    def _record(self, who: Caller, needs: str, what: str) -> None:
        """Record the refusal as an event of the project, if it exists; a repeat within the minute leaves no other."""
        repeated = self._refusals.due((who.actor, who.project, what))
        if repeated is None or not self._app.access.is_project(who.project):
            return
        data = {"permission": needs, "operation": what} | ({"repeated": repeated} if repeated else {})
        with calling(who):
            self._app.rows.write(lambda tx: self._app.ledger.append(tx, "access.denied", Ref.parse(who.actor), data=data))
