"""Events to a web address."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.ledger.post import Receiver
from ostinato.ledger.types import Parcel, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook(Receiver):
    """Posts each event as JSON to `url`, signed as Standard Webhooks says (standardwebhooks.com), with `Idempotency-Key: <event id>`.

    An answer of 2xx takes the event; redirects are not followed. Addresses that are not public are refused unless the operator allows
    their network; those of the link alone, where clouds keep their credentials, always. A receiver has `timeout_s`, at most 10, for the
    whole exchange.
    """

    def send(self, parcel: Parcel, around: Surroundings) -> None:
        """Post one event."""
        signed = {"webhook-id": parcel.key, "webhook-timestamp": f"{parcel.sent_at}", "webhook-signature": f"v1,{parcel.signature}"}
        self.post(parcel.body, {"Idempotency-Key": parcel.key, **signed}, around)
