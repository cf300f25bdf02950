"""Post: one HTTP request to an address that somebody wrote into a subscription, without being led astray by it."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from functools import cache
from urllib.parse import SplitResult, urlsplit

from ostinato.kernel.errors import Denied, Invalid, Unavailable

_TIMEOUT_MAX_S = 10.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_place(url: str, timeout_s: float) -> None:
    """See that `url` is a web address and `timeout_s` a bearable time.

    Raises:
        Invalid: it is not.
    """
    try:
        place = urlsplit(url)
        fits = place.scheme in ("http", "https") and place.hostname and place.username is None and place.port != 0
    except ValueError:  # a port beyond all ports, half an IPv6 address
        fits = False
    if not fits or not url.isascii() or any(c <= " " for c in url):
        raise Invalid(f"not a web address: {url!r}", hint="https://host/path, without user and password", field="url")
    if not 0 < timeout_s <= _TIMEOUT_MAX_S:
        raise Invalid(f"a receiver may have up to {_TIMEOUT_MAX_S:g} s, not {timeout_s:g}", field="timeout_s")


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float, networks: str) -> None:
    """Post `body` as JSON; an answer of 2xx takes it, redirects are not followed. `timeout_s` is for the whole exchange.

    Raises:
        Denied: the address is neither public nor within one of `networks`, which the operator of the installation names.
        Unavailable: nobody took it.
    """
    place = urlsplit(url)
    try:
        connection = _connect(place, timeout_s, networks)
        # the time limit of a socket is one for each read: an answer that drips would hold up all background duties
        end = threading.Timer(timeout_s, _cut, [connection.sock])
        end.start()
        try:
            path = (place.path or "/") + (f"?{place.query}" if place.query else "")
            connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
            status = connection.getresponse().status
        finally:
            end.cancel()
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{place.hostname} does not answer: {error}") from error
    if not 200 <= status < 300:
        raise Unavailable(f"{place.hostname} answered {status}", hint="the receiver must answer 2xx")


def _connect(place: SplitResult, timeout_s: float, networks: str) -> http.client.HTTPConnection:
    """Connect to the very address that was checked: the name is looked up once."""
    host, port = str(place.hostname), place.port or (443 if place.scheme == "https" else 80)
    address = str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    _check_address(host, ipaddress.ip_address(address.partition("%")[0]), networks)
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    plain = socket.create_connection((address, port), timeout=timeout_s)
    try:
        connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if place.scheme == "https" else plain
    except OSError:
        plain.close()
        raise
    return connection


def _check_address(host: str, address: Address, networks: str) -> None:
    for place in (address, _embedded(address)):
        if place is None:
            continue
        if place.is_link_local or place.is_multicast or place.is_unspecified:
            raise Denied(f"{host} is an address of the link alone", hint="give a routable address")
        if not place.is_global and not any(place in network for network in networks_of(networks)):
            raise Denied(f"{host} is not a public address", hint="the operator may allow its network by OSTINATO_SINK_NETWORKS")


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    translated = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or translated


@cache
def networks_of(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The networks of a setting, separated by commas; those of IPv4 hold the addresses that IPv6 maps to them as well.

    Raises:
        Invalid: one of them is none.
    """
    try:
        found = [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise Invalid(f"OSTINATO_SINK_NETWORKS: {error}", hint="such as 10.1.0.0/16,127.0.0.1/32", field="sink_networks") from error
    mapped = [ipaddress.ip_network(f"::ffff:{n.network_address}/{96 + n.prefixlen}") for n in found if n.version == 4]
    return (*found, *mapped)


def _cut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
