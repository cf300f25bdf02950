"""Web: one HTTP exchange with an address that somebody else wrote down, without being led astray by it."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from urllib.parse import SplitResult, urlsplit

from ostinato.kernel.errors import Denied, Invalid, Unavailable
from ostinato.kernel.frozen import frozen

TIMEOUT_MAX_S = 10.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@frozen
class Reach:
    """What may be called beside the public internet: the `networks` of the setting `OSTINATO_<setting>`, separated by commas."""

    setting: str
    networks: str = ""

    def allows(self, address: Address) -> bool:
        """Whether the operator named a network with this address.

        Raises:
            Invalid: the setting is malformed.
        """
        return any(address in network for network in networks_of(self.networks, self.setting))


@frozen
class Answer:
    """The status of a reply, and the beginning of its content."""

    status: int
    content: bytes


def check_url(url: str, timeout_s: float = TIMEOUT_MAX_S) -> SplitResult:
    """The parts of a web address, with a bearable time for its answer.

    Raises:
        Invalid: it is none, or the time is not.
    """
    try:
        place = urlsplit(url)
        fits = place.scheme in ("http", "https") and place.hostname and place.username is None and place.port != 0
    except ValueError:  # a port beyond all ports, half an IPv6 address
        fits = False
    if not fits or not url.isascii() or any(c <= " " for c in url):
        raise Invalid(f"not a web address: {url[:200]!r}", hint="https://host/path, without user and password", field="url")
    if not 0 < timeout_s <= TIMEOUT_MAX_S:
        raise Invalid(f"a receiver may have up to {TIMEOUT_MAX_S:g} s, not {timeout_s:g}", field="timeout_s")
    return place


def check_reach(url: str, reach: Reach) -> None:
    """Refuse an address that would not be called; a name that cannot be looked up now may be found later.

    Raises:
        Denied: it is neither public nor within reach.
    """
    with contextlib.suppress(OSError):
        _resolved(check_url(url), reach)


def ask(
    method: str, url: str, body: bytes | str | None, headers: Mapping[str, str], *, timeout_s: float, reach: Reach, most: int = 0
) -> Answer:
    """One request; redirects are not followed, at most `most` bytes of the answer are read. `timeout_s` is for the whole exchange.

    Raises:
        Denied: the address is neither public nor within reach.
        Unavailable: nobody answers in time.
    """
    place = check_url(url, timeout_s)
    try:
        with _connected(place, timeout_s, reach) as connection:
            path = (place.path or "/") + (f"?{place.query}" if place.query else "")
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return Answer(status=response.status, content=response.read(most) if most else b"")
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{place.hostname} does not answer: {error}") from error


@contextlib.contextmanager
def _connected(place: SplitResult, timeout_s: float, reach: Reach) -> Iterator[http.client.HTTPConnection]:
    """A connection to the very address that was checked: the name is looked up once."""
    host, (address, port) = str(place.hostname), _resolved(place, reach)
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    line = socket.create_connection((address, port), timeout=timeout_s)
    if place.scheme == "https":
        line = ssl.create_default_context().wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)
    # the time limit of a socket is one for each read: an answer that drips would hold up whoever waits for it
    end = threading.Timer(timeout_s, _cut, [line])
    end.start()
    try:
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        connection.sock = line
        yield connection
    finally:
        end.cancel()
        connection.close()
        line.close()


def _resolved(place: SplitResult, reach: Reach) -> tuple[str, int]:
    host, port = str(place.hostname), place.port or (443 if place.scheme == "https" else 80)
    address = str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    _check_address(host, ipaddress.ip_address(address.partition("%")[0]), reach)
    return address, port


def _check_address(host: str, address: Address, reach: Reach) -> None:
    for place in (address, _embedded(address)):
        if place is None:
            continue
        if place.is_link_local or place.is_multicast or place.is_unspecified:
            raise Denied(f"{host} is an address of the link alone", hint="give a routable address")
        if not place.is_global and not reach.allows(place):
            raise Denied(f"{host} is not a public address", hint=f"the operator may allow its network by OSTINATO_{reach.setting.upper()}")


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    translated = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or translated


@cache
def networks_of(text: str, setting: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The networks of a setting, separated by commas; those of IPv4 hold the addresses that IPv6 maps to them as well.

    Raises:
        Invalid: one of them is none.
    """
    try:
        found = [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise Invalid(f"OSTINATO_{setting.upper()}: {error}", hint="such as 10.1.0.0/16,127.0.0.1/32", field=setting) from error
    mapped = [ipaddress.ip_network(f"::ffff:{n.network_address}/{96 + n.prefixlen}") for n in found if n.version == 4]
    return (*found, *mapped)


def _cut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(line, socket.SHUT_RDWR)  # that of TLS would pull the rug from under who reads
