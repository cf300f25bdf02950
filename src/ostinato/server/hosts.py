"""The allowed `Host` names, against DNS rebinding."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.types import Scope

from ostinato.kernel.errors import Invalid
from ostinato.server.errors import Misdirected

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::[0-9]*)?")


class Hosts:
    """The loopback's names, the given ones, and the address at which a connection arrived.

    Raises:
        Invalid: a given one is no name.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = LOOPBACK | {_checked(name) for name in names if name.strip()}
        self._known: set[tuple[bytes, str]] = set()

    def check(self, scope: Scope) -> None:
        """Pass a request that calls us by name.

        Raises:
            Invalid: it has no `Host`, or several.
            Misdirected: it calls us by another name.
        """
        given = [value for name, value in scope["headers"] if name == b"host"]
        if len(given) != 1:
            raise Invalid("a request has exactly one Host", field="host")
        here = (scope.get("server") or ("", 0))[0]
        if (given[0], here) in self._known:
            return
        name = name_of(given[0].decode("latin-1"))
        if name not in self._names and name != here:
            raise Misdirected(f"this server is not {name[:100]!r}", hint="add the name to OSTINATO_HOSTS on the server", field="host")
        if len(self._known) < 1000:
            self._known.add((given[0], here))


def _checked(name: str) -> str:
    if found := name_of(name):
        return found
    raise Invalid(f"OSTINATO_HOSTS: {name.strip()!r} is no name of a host", hint="such as ml.example.org,10.1.2.3", field="hosts")


def name_of(host: str) -> str:
    """The name without the port; empty for what is neither a name nor an address, with or without a port.

    >>> name_of("Example.org:80"), name_of("[::1]:80"), name_of("::1"), name_of("localhost.")
    ('example.org', '::1', '::1', 'localhost')
    >>> name_of("[::1]example.org"), name_of("localhost:80@example.org")
    ('', '')
    """
    host = host.strip().lower()
    if host.count(":") > 1 and not host.startswith("["):
        return host
    found = _HOST.fullmatch(host)
    return (found[1] or found[2] or "").rstrip(".") if found else ""
