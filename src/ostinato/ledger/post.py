"""HTTP POST of one event to the address of a subscription."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ostinato.kernel.errors import Unavailable
from ostinato.ledger.types import Surroundings
from ostinato.storage.web import Reach, ask, check_reach, check_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """The shared parameters of HTTP sinks: the address, and the timeout of an exchange in seconds."""

    url: str
    timeout_s: float = 3.0

    def __post_init__(self) -> None:
        check_url(self.url, self.timeout_s)

    def check(self, around: Surroundings) -> None:
        """Refuse a receiver to which nothing would ever be posted.

        Raises:
            Denied: its address is neither public nor within one of the networks that the operator of the installation names.
        """
        check_reach(self.url, _reach(around))

    def post(self, body: bytes, headers: Mapping[str, str], around: Surroundings) -> None:
        """Post `body` as JSON; an answer of 2xx takes it, redirects are not followed.

        Raises:
            Denied: see `check`.
            Unavailable: nobody took it.
        """
        told = {"Content-Type": "application/json", **headers}
        status = ask("POST", self.url, body, told, timeout_s=self.timeout_s, reach=_reach(around)).status
        if not 200 <= status < 300:
            raise Unavailable(f"{urlsplit(self.url).hostname} answered {status}", hint="the receiver must answer 2xx")


def _reach(around: Surroundings) -> Reach:
    return Reach(setting="sink_networks", networks=around.networks)
