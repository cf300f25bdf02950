"""Hosts: the names by which a server may be called. A page elsewhere can point its own name at us; it cannot make it one of ours."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Scope

from ostinato.kernel.errors import Invalid
from ostinato.server.errors import Misdirected

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Hosts:
    """The loopback's names, the given ones, and the address at which a connection arrived."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = LOOPBACK | {name.strip().lower() for name in names if name.strip()}
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


def name_of(host: str) -> str:
    """The name without the port.

    >>> name_of("Example.org:80"), name_of("[::1]:80"), name_of("::1"), name_of("localhost.")
    ('example.org', '::1', '::1', 'localhost')
    """
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return (host if host.count(":") > 1 else host.partition(":")[0]).rstrip(".")
