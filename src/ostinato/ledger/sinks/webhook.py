"""Events to a web address."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from ostinato.kernel.errors import Denied, Invalid, Unavailable
from ostinato.ledger.types import Parcel

_TIMEOUT_MAX_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Posts each event as JSON to `url`, with `Ostinato-Signature: sha256=<hex>` and `Idempotency-Key: <event id>`.

    An answer of 2xx takes the event; redirects are not followed. Addresses that are not public are refused unless `private` is set;
    those of the link alone, where clouds keep their credentials, always. A receiver has `timeout_s`, at most 10, for the whole exchange.
    """

    url: str
    private: bool = False
    timeout_s: float = 3.0

    def __post_init__(self) -> None:
        place = urlsplit(self.url)
        if place.scheme not in ("http", "https") or not place.hostname or place.username is not None:
            raise Invalid(f"not a web address: {self.url!r}", hint="https://host/path, without user and password", field="url")
        if not 0 < self.timeout_s <= _TIMEOUT_MAX_S:
            raise Invalid(f"a receiver may have up to {_TIMEOUT_MAX_S:g} s, not {self.timeout_s:g}", field="timeout_s")

    def send(self, parcel: Parcel, home: Path) -> None:  # noqa: ARG002
        """Post one event."""
        place = urlsplit(self.url)
        headers = {"Content-Type": "application/json", "Idempotency-Key": parcel.key, "Ostinato-Signature": f"sha256={parcel.signature}"}
        try:
            connection = self._connect(place)
            # the time limit of a socket is one for each read: an answer that drips would hold up all background duties
            end = threading.Timer(self.timeout_s, _cut, [connection.sock])
            end.start()
            try:
                connection.request("POST", (place.path or "/") + (f"?{place.query}" if place.query else ""), parcel.body, headers)
                status = connection.getresponse().status
            finally:
                end.cancel()
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{place.hostname} does not answer: {error}") from error
        if not 200 <= status < 300:
            raise Unavailable(f"{place.hostname} answered {status}", hint="the receiver must answer 2xx")

    def _connect(self, place: SplitResult) -> http.client.HTTPConnection:
        """Connect to the very address that was checked: the name is looked up once."""
        host, port = str(place.hostname), place.port or (443 if place.scheme == "https" else 80)
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
        place_of = ipaddress.ip_address(address)
        place_of = getattr(place_of, "ipv4_mapped", None) or place_of
        if place_of.is_link_local:
            raise Denied(f"{host} is an address of the link alone", hint="give a routable address")
        if not self.private and not place_of.is_global:
            raise Denied(f"{host} is not a public address", hint="set private=true if it is meant")
        connection = http.client.HTTPConnection(host, port, timeout=self.timeout_s)
        plain = socket.create_connection((str(address), port), timeout=self.timeout_s)
        connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if place.scheme == "https" else plain
        return connection


def _cut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
