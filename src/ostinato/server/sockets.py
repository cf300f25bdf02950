"""The listening socket: an address to bind or an inherited socket, and who may connect how."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

from ostinato.kernel.errors import Conflict, Invalid
from ostinato.kernel.settings import Settings

_FIRST_FD = 3
"""The first socket of those that systemd passes (sd_listen_fds)."""


def listening_socket(host: str, port: int, fd: int | None = None) -> socket.socket:
    """A socket that listens: the inherited `fd`, the one that systemd passed, or a new one.

    Raises:
        Conflict: the address is taken.
        Invalid: the address is none of this machine, or `fd` is no listening socket.
    """
    fd = _activated() if fd is None else fd
    if fd is not None:
        return _inherited(fd)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, OverflowError) as error:
        raise Invalid(f"no address {host}:{port}: {error}", hint="--host takes an address of this machine", field="host") from None
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if isinstance(error, PermissionError):
            raise Conflict(f"may not listen at {host}:{port}: {error.strerror}", hint="ports below 1024 need a privilege") from None
        hint = "choose another --port; 0 takes a free one" if error.errno == errno.EADDRINUSE else "--host takes an address of this machine"
        raise Conflict(f"cannot listen at {host}:{port}: {error.strerror}", hint=hint) from None
    return listener


def require_private(listener: socket.socket, settings: Settings, *, beyond_loopback: bool) -> None:
    """Refuse to speak plain HTTP to the world unless that was said.

    Raises:
        Invalid: the socket is reached from beyond the loopback, there is no certificate, and nobody said that this is meant; or there is
            a key without a certificate.
    """
    if settings.tls_key and not settings.tls_certificate:
        hint = "OSTINATO_TLS_CERTIFICATE names the certificate of that key"
        raise Invalid("OSTINATO_TLS_KEY is set without OSTINATO_TLS_CERTIFICATE", hint=hint, field="tls_certificate")
    host = listener.getsockname()[0]
    if settings.tls_certificate or beyond_loopback or settings.beyond_loopback or ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        return
    hint = "set OSTINATO_TLS_CERTIFICATE and OSTINATO_TLS_KEY; or put a proxy that ends TLS before it, and add --beyond-loopback"
    raise Invalid(f"{host} is not a loopback address, and plain HTTP would show tokens to the network", hint=hint, field="host")


def url_of(listener: socket.socket, *, tls: bool) -> str:
    """The address of a listening socket, as clients write it."""
    host, port = listener.getsockname()[:2]
    return f"{'https' if tls else 'http'}://[{host}]:{port}" if ":" in host else f"{'https' if tls else 'http'}://{host}:{port}"


def notify_supervisor(text: str) -> None:
    """Notify systemd, if it started this process (sd_notify)."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as pipe:
            pipe.sendto(text.encode(), "\0" + address[1:] if address.startswith("@") else address)


def _activated() -> int | None:
    """The socket that systemd passed to this very process; it is not for the children."""
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    return _FIRST_FD if pid == str(os.getpid()) and count == "1" else None


def _inherited(fd: int) -> socket.socket:
    try:
        listener = socket.socket(fileno=fd)
        if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise OSError("it does not listen")
    except OSError as error:
        raise Invalid(
            f"file descriptor {fd} is no listening socket: {error}", hint="pass one that is bound and listens", field="fd"
        ) from None
    listener.set_inheritable(False)
    return listener
