"""Event: the record of one act. Lineage, audit and triggers are all read from the log of events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from ostinato.kernel.frozen import frozen
from ostinato.kernel.ref import Ref


@frozen
class Event:
    """Who did what to which thing, when, from what, and what came out.

    `verb` is `noun.past_participle` (`model.approved`). `inputs` and `outputs` are the lineage: every output was made
    from every input. `data` holds what else matters, as JSON-able values without secrets; a field of it that `erased` names
    was personal and is gone. `seq` is the dense position in the ledger, -1 before it is appended.
    """

    id: str
    at: datetime
    project: str
    actor: str
    verb: str
    subject: Ref
    inputs: tuple[Ref, ...] = ()
    outputs: tuple[Ref, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    seq: int = -1
    erased: tuple[str, ...] = ()
