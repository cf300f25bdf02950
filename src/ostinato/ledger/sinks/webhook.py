"""Events to a web address."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.ledger.post import Receiver
from ostinato.ledger.types import Parcel, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook(Receiver):
    """Posts each event as JSON to `url`, with `Ostinato-Signature: sha256=<hex>` and `Idempotency-Key: <event id>`.

    An answer of 2xx takes the event; redirects are not followed. Addresses that are not public are refused unless the operator allows
    their network; those of the link alone, where clouds keep their credentials, always. A receiver has `timeout_s`, at most 10, for the
    whole exchange.
    """

    def send(self, parcel: Parcel, around: Surroundings) -> None:
        """Post one event."""
        headers = {"Idempotency-Key": parcel.key, "Ostinato-Signature": f"sha256={parcel.signature}"}
        self.post(parcel.body, headers, around)
