"""Events to a web address."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.ledger.post import check_networks, post
from ostinato.ledger.types import Parcel, Surroundings
from ostinato.storage.web import check_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Posts each event as JSON to `url`, with `Ostinato-Signature: sha256=<hex>` and `Idempotency-Key: <event id>`.

    An answer of 2xx takes the event; redirects are not followed. Addresses that are not public are refused unless the operator allows
    their network; those of the link alone, where clouds keep their credentials, always. A receiver has `timeout_s`, at most 10, for the
    whole exchange.
    """

    url: str
    timeout_s: float = 3.0

    def __post_init__(self) -> None:
        check_url(self.url, self.timeout_s)

    def check(self, around: Surroundings) -> None:
        """Refuse an address that this installation does not call."""
        check_networks(self.url, around.networks)

    def send(self, parcel: Parcel, around: Surroundings) -> None:
        """Post one event."""
        headers = {"Idempotency-Key": parcel.key, "Ostinato-Signature": f"sha256={parcel.signature}"}
        post(self.url, parcel.body, headers, timeout_s=self.timeout_s, networks=around.networks)
