"""The operations of signing in and out, and their cookies. The credentials are checked by access."""

from __future__ import annotations

from ostinato.access.oidc import Provider
from ostinato.access.types import DeviceAnswer, DeviceGrant, DeviceRequest, IssuedToken, OpenedSession, Session
from ostinato.app import Ostinato
from ostinato.kernel.caller import caller
from ostinato.kernel.errors import NotFound, Unauthenticated
from ostinato.kernel.frozen import frozen
from ostinato.kernel.operation import Op
from ostinato.server.browser import browser_request
from ostinato.server.oidc_routes import begin_redirect

NAME = "sign_in"


@frozen
class Ways:
    """The ways to sign in: always by password and code, and at `issuer` by opening `elsewhere`, if there is one.

    `actor` is who is signed in already in this browser.
    """

    issuer: str | None
    elsewhere: str | None
    actor: str | None


@frozen
class Away:
    """The address at the OpenID provider to which the browser is to go."""

    url: str


class SignIn:
    """The verbs of signing in and out. Opening a session sets its cookie; ending it deletes the cookie back."""

    def __init__(self, app: Ostinato, provider: Provider | None) -> None:
        self._access = app.access
        self._provider = provider
        self._issuer = app.settings.oidc_issuer

    def ways(self) -> Ways:
        """The ways to sign in, and who is signed in already."""
        try:
            actor = self._access.admit_session(browser_request().session, "default").credential.actor if browser_request().session else None
        except Unauthenticated:
            actor = None
        return Ways(issuer=self._issuer or None, elsewhere="/api/v1/sign-in/oidc" if self._issuer else None, actor=actor)

    def sign_in(self, name: str, password: str) -> Session:
        """Sign in by password.

        Raises:
            Unauthenticated: the name or the password is wrong.
            Throttled: too many failures; `retry-after` says when the next attempt counts.
        """
        return _set_session_cookie(self._access.sign_in(name, password, browser_request().visitor))

    def sign_in_by_code(self, code: str, password: str | None = None) -> Session:
        """Sign in by a one-time code; with `password`, that is yours from now on.

        Raises:
            Unauthenticated: the code is unknown, used or older than ten minutes.
        """
        return _set_session_cookie(self._access.sign_in_by_code(code, browser_request().visitor, password))

    def redeem(self, code: str, password: str | None = None, name: str = "") -> IssuedToken:
        """A token for a program whose user holds a one-time code; with `password`, that is theirs from now on. Sets no cookie.

        Raises:
            Unauthenticated: the code is unknown, used or older than ten minutes.
        """
        return self._access.redeem_code(code, password, name, browser_request().visitor)

    def link_elsewhere(self) -> Away:
        """Begin to be known by an OpenID provider: the browser goes there, signs in, and comes back; from a browser that is signed in.

        From then on the password is no more, and other sessions are over.

        Raises:
            NotFound: no provider is set up.
            Denied: a token came with the request instead of a session, or the session was opened with another's help.
        """
        session = self._access.own_session()
        return Away(url=begin_redirect(self._provider, link=session.id))

    def sign_out(self) -> None:
        """End the session of this browser."""
        try:
            self._access.end_session(caller().credential)
        except NotFound:
            return  # a token came with the request, or the session ended meanwhile
        browser_request().set_cookie("")

    def set_password(self, password: str, old: str | None = None) -> Session | None:
        """Set a password; all other sessions end. The old one is needed, unless there is none or a one-time code was used just now.

        Raises:
            Denied: the old password is wrong or missing.
            Invalid: the new one may not be chosen.
        """
        opened = self._access.set_password(password, old, browser_request().visitor)
        return _set_session_cookie(opened) if opened else None

    def begin_device(self, name: str) -> DeviceGrant:
        """Ask for a token for a program called `name`; its user confirms the `user_code` at `verification_uri`."""
        present = browser_request()
        return self._access.begin_device(name, present.visitor, present.origin)

    def ask_device(self, device_code: str) -> DeviceAnswer:
        """Whether the user has confirmed; the one `granted` answer holds the token. To be asked every `interval` seconds."""
        return self._access.ask_device(device_code)

    def device(self, user_code: str) -> DeviceRequest:
        """The program that waits under this code.

        Raises:
            NotFound: nobody does, or not any more.
        """
        return self._access.device(user_code, browser_request().visitor)

    def answer_device(self, user_code: str, agree: bool) -> DeviceRequest:
        """Grant or refuse a token to the program that waits under this code; from a signed-in browser.

        Raises:
            NotFound: nobody waits under this code, or not any more.
            Denied: a token came with the request instead of a session.
        """
        return self._access.answer_device(user_code, agree, browser_request().visitor)


def _set_session_cookie(opened: OpenedSession) -> Session:
    browser_request().set_cookie(opened.secret)
    return opened.session


OPS: list[Op] = [
    Op("GET", "/sign-in", SignIn.ways, "public"),
    Op("POST", "/sign-in", SignIn.sign_in, "public"),
    Op("POST", "/sign-in/code", SignIn.sign_in_by_code, "public"),
    Op("POST", "/sign-in/token", SignIn.redeem, "public"),
    Op("POST", "/sign-in/oidc/link", SignIn.link_elsewhere, ""),
    Op("POST", "/sign-out", SignIn.sign_out, ""),
    Op("POST", "/password", SignIn.set_password, ""),
    Op("POST", "/device", SignIn.begin_device, "public"),
    Op("POST", "/device/token", SignIn.ask_device, "public"),
    Op("GET", "/device/{user_code}", SignIn.device, ""),
    Op("POST", "/device/{user_code}", SignIn.answer_device, ""),
]
