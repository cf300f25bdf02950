"""Events as messages to a chat room."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ostinato.ledger.post import check_networks, post
from ostinato.ledger.telling import sentence
from ostinato.ledger.types import Parcel, Surroundings
from ostinato.storage.web import check_url

_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """Posts a sentence about each event, `{"text": …}`, to the incoming webhook `url` of Slack, Mattermost or the like."""

    url: str
    timeout_s: float = 3.0

    def __post_init__(self) -> None:
        check_url(self.url, self.timeout_s)

    def check(self, around: Surroundings) -> None:
        """Refuse an address that this installation does not call."""
        check_networks(self.url, around.networks)

    def send(self, parcel: Parcel, around: Surroundings) -> None:
        """Post one message."""
        text = sentence(parcel.event).translate(_SPECIAL)
        headers = {"Idempotency-Key": parcel.key}
        post(self.url, json.dumps({"text": text}).encode(), headers, timeout_s=self.timeout_s, networks=around.networks)
