"""Post: one event to an address that somebody wrote into a subscription."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ostinato.kernel.errors import Unavailable
from ostinato.storage.web import Reach, ask, check_reach


def reach_of(networks: str) -> Reach:
    """What sinks may call beside the public internet."""
    return Reach(setting="sink_networks", networks=networks)


def check_networks(url: str, networks: str) -> None:
    """Refuse a receiver to which nothing would ever be posted.

    Raises:
        Denied: its address is neither public nor within one of `networks`, which the operator of the installation names.
    """
    check_reach(url, reach_of(networks))


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float, networks: str) -> None:
    """Post `body` as JSON; an answer of 2xx takes it, redirects are not followed. `timeout_s` is for the whole exchange.

    Raises:
        Denied: the address is neither public nor within one of `networks`, which the operator of the installation names.
        Unavailable: nobody took it.
    """
    told = {"Content-Type": "application/json", **headers}
    status = ask("POST", url, body, told, timeout_s=timeout_s, reach=reach_of(networks)).status
    if not 200 <= status < 300:
        raise Unavailable(f"{urlsplit(url).hostname} answered {status}", hint="the receiver must answer 2xx")
