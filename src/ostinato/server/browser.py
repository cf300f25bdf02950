"""The browser behind a request: its address and cookies, and the CSRF checks."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from functools import cached_property

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ostinato.access.sign_in import ABSOLUTE, Visitor
from ostinato.kernel.errors import Denied
from ostinato.server.hosts import LOOPBACK, name_of

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
_visit: ContextVar[BrowserRequest] = ContextVar("ostinato_visit")


class BrowserRequest:
    """A request as made by a browser; a program without cookies only has an address."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.cookies: list[bytes] = []
        """The cookies that the reply sets."""

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """The headers of the request, by name, as texts; what comes twice is a list."""
        found: dict[str, str] = {}
        for name, value in self._scope["headers"]:
            key, text = name.decode("latin-1"), value.decode("latin-1")
            found[key] = f"{found[key]}, {text}" if key in found else text
        return found

    @property
    def address(self) -> str:
        """The client's address: the other end of the connection, or what a trusted proxy says."""
        return str((self._scope.get("client") or ("",))[0])

    @cached_property
    def secure(self) -> bool:
        """Whether cookies must not leave an encrypted connection: always, but for plain HTTP on the loopback."""
        return self._scope["scheme"] == "https" or name_of(self.headers.get("host", "")) not in LOOPBACK

    @property
    def origin(self) -> str:
        """The server as this browser calls it: scheme, host and port."""
        return f"{'https' if self.secure else 'http'}://{self.headers.get('host', '').lower()}"

    @property
    def session(self) -> str:
        """The secret of the session that the browser shows, or the empty string."""
        return self.cookie("")

    @property
    def visitor(self) -> Visitor:
        """The browser, as access wants to know it."""
        return Visitor(address=self.address, agent=self.headers.get("user-agent", ""), session=self.session)

    def cookie(self, name: str) -> str:
        """The value of one of our cookies, or the empty string."""
        wanted = self._cookie_name(name)
        for part in self.headers.get("cookie", "").split(";"):
            key, _, value = part.strip().partition("=")
            if key == wanted:
                return value
        return ""

    def set_cookie(self, value: str, name: str = "", life_s: int = int(ABSOLUTE.total_seconds())) -> None:
        """Set a cookie that no script and no other site can read; the empty value deletes it."""
        lasts = f"; Max-Age={life_s if value else 0}; Path=/; HttpOnly; SameSite=Lax" + "; Secure" * self.secure
        self.cookies.append(f"{self._cookie_name(name)}={value}{lasts}".encode())

    def _cookie_name(self, name: str) -> str:
        """`__Host-` binds a cookie to this host over TLS; on the loopback, where hosts share theirs, the port tells servers apart."""
        suffix = f"-{name}" * bool(name)
        if self.secure:
            return f"__Host-ostinato{suffix}"
        port = self.headers.get("host", "").rpartition(":")[2]
        return f"ostinato-{port if port.isdigit() else 80}{suffix}"

    def refuse_cross_site(self) -> None:
        """Refuse to change anything for a page of another site: browsers say where a request began, and no page can make them lie.

        Only a bearer's token is never sent by a browser of its own accord; cookies are, and so is a name with a password.

        Raises:
            Denied: the request began elsewhere.
        """
        bearer = self.headers.get("authorization", "").lower().startswith("bearer ")
        if self._scope["method"] in _SAFE or (bearer and "cookie" not in self.headers):
            return
        site, origin = self.headers.get("sec-fetch-site"), self.headers.get("origin")
        allowed = site in ("same-origin", "none") if site is not None else origin in (None, self.origin)
        if not allowed:
            raise Denied("the request began on another site", hint="a page changes only what its own server holds")

    def refuse_form(self) -> None:
        """Refuse a body that any page can send without asking, where a cookie is all that speaks for it.

        Raises:
            Denied: it is one.
        """
        if self._scope["method"] not in _SAFE and self.headers.get("content-type", "").lower().startswith(_FORMS):
            raise Denied("a form changes nothing here", hint="send application/json")


class BrowserMiddleware:
    """ASGI middleware that provides `browser_request()` and adds its cookies to the reply."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        present = BrowserRequest(scope)
        present.refuse_cross_site()

        async def answer(message: Message) -> None:
            if present.cookies and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((b"set-cookie", cookie) for cookie in present.cookies)]
            await send(message)

        token = _visit.set(present)
        try:
            await self._inner(scope, receive, answer)
        finally:
            _visit.reset(token)


def browser_request() -> BrowserRequest:
    """The current request."""
    return _visit.get()
