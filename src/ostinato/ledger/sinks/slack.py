"""Events as messages to a chat room."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ostinato.ledger.post import Receiver
from ostinato.ledger.sentence import sentence
from ostinato.ledger.types import Parcel, Surroundings

_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack(Receiver):
    """Posts a sentence about each event, `{"text": …}`, to the incoming webhook `url` of Slack, Mattermost or the like."""

    def send(self, parcel: Parcel, around: Surroundings) -> None:
        """Post one message."""
        text = sentence(parcel.event).translate(_SPECIAL)
        self.post(json.dumps({"text": text}).encode(), {"Idempotency-Key": parcel.key}, around)
