"""Appending one event to the ledger, within the transaction of the act."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Invalid
from ostinato.kernel.event import Event
from ostinato.kernel.ids import new_id
from ostinato.kernel.instant import micros_of
from ostinato.kernel.ref import Ref
from ostinato.ledger import store
from ostinato.ledger.body import Body, pack, plain, private_of
from ostinato.storage.rows.rows import Tx

_VERB = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")


def record(
    tx: Tx,
    clock: Clock,
    verb: str,
    subject: Ref,
    inputs: Sequence[Ref] = (),
    outputs: Sequence[Ref] = (),
    data: Mapping[str, Any] | None = None,
    private: Mapping[str, Any] | None = None,
    person: str = "",
    id: str = "",
    mark: bytes | None = None,
) -> Event:
    """Store an act of the present caller, now; `private` values are those of `person`, by default the caller. See `Ledger.append`."""
    if len(inputs) + len(outputs) >= store.REFS_MAX:
        raise Invalid(f"an event has fewer than {store.REFS_MAX:,} references", hint="record them in parts", field="inputs")
    who, at, told = caller(), clock.now(), plain(data)
    if who.within and subject.kind != "execution":  # by an execution: whoever starts others on events must know
        told = told | {"within": who.within}
    hidden = private_of(person or who.actor, private) if private else []
    body = Body(
        1,
        id or new_id(),
        micros_of(at),
        who.actor,
        _checked(verb),
        str(subject),
        [str(ref) for ref in inputs],
        [str(ref) for ref in outputs],
        who.project,
        told,
        {value.field: value.commitment() for value in hidden},
    )
    seq = store.append(tx, body, pack(body))
    if hidden:
        store.add_private(tx, seq, who.project, hidden, mark)
        told = told | plain(private)
    return Event(
        id=body.id, at=at, project=who.project, actor=who.actor, verb=verb, subject=subject,
        inputs=tuple(inputs), outputs=tuple(outputs), data=told, seq=seq,
    )  # fmt: skip


@cache
def _checked(verb: str) -> str:
    if not _VERB.fullmatch(verb):
        raise Invalid(f"not the verb of an event: {verb!r}", hint="noun.past_participle, such as model.approved", field="verb")
    return verb
