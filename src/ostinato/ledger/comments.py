"""Comments on any reference, with mentions and corrections. All of them are events."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Denied, Invalid, NotFound
from ostinato.kernel.event import Event
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.ledger import store
from ostinato.ledger.record import record
from ostinato.ledger.signing_key import SigningKey
from ostinato.ledger.types import Comment, Mention, Wording
from ostinato.storage.rows.rows import Tx

MENTIONED = "person.mentioned"
_EDITED = "comment.edited"
_TEXT_MAX = 10_000
_MENTIONS_MAX = 50
_AT = re.compile(r"(?<![\w@.+/-])@([A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?)")


def mentioned(text: str) -> list[str]:
    """The persons that a text mentions, each once.

    >>> mentioned("@ben and @ana.k: see mail@example.org, @ben.")
    ['ben', 'ana.k']
    """
    return list(dict.fromkeys(_AT.findall(text)))[:_MENTIONS_MAX]


def add_comment(tx: Tx, clock: Clock, seal: SigningKey, ref: Ref, text: str, key: str) -> Event:
    """Add a comment of the caller; the same text with the same key is one comment. See `Ledger.comment`."""
    who = caller()
    said = msgspec.json.encode([who.project, who.actor, str(ref), key, text]).decode()
    mark = seal.derive(f"comment {said}")
    if (known := store.marked(tx, mark)) is not None:
        return known
    comment = Ref("comment", new_id())
    data = {"key": key} if key else None
    event = record(
        tx, clock, f"{ref.kind}.commented", ref, outputs=[comment], data=data, private={"text": text}, id=comment.name, mark=mark
    )
    _record_comment(tx, clock, comment, ref, mentioned(text))
    return event


def edit(tx: Tx, clock: Clock, id: str, text: str) -> Comment:
    """Edit a comment of the caller. See `Ledger.edit_comment`."""
    who = caller()
    known = _read(tx, who.project, [id]).get(id)
    if known is None:
        raise NotFound(f"no comment {id!r}", hint="ledger.comments(ref) lists them")
    if known.author != who.actor:
        raise Denied(f"{known.author} said it", hint="add a comment of your own")
    if known.text != text:
        record(tx, clock, _EDITED, Ref("comment", id), data={"on": known.ref}, private={"text": text})
        words = [known.text, *(wording.text for wording in known.earlier)]
        before = {name for said in words for name in mentioned(said or "")}
        _record_comment(tx, clock, Ref("comment", id), known.ref, [name for name in mentioned(text) if name not in before])
    return _read(tx, who.project, [id])[id]


def checked_text(text: str) -> str:
    """The text, if it can be a comment.

    Raises:
        Invalid: it is blank, longer than 10,000 characters or holds what UTF-8 cannot say.
    """
    if not text.strip() or len(text) > _TEXT_MAX:
        raise Invalid(f"a comment has 1 to {_TEXT_MAX} characters", field="text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Invalid("a comment is text that UTF-8 can say", field="text") from error
    return text


def list_comments(tx: Tx, project: str, ref: Ref, after: int | None, limit: int) -> list[tuple[int, Comment]]:
    """The comments on a thing with their positions, oldest first."""
    said = store.events(tx, project, {"commented": ref}, after, limit)
    return [(event.seq, comment) for event, comment in zip(said, _latest(tx, project, said), strict=True)]


def mentions(tx: Tx, project: str, person: str, after: int | None, limit: int) -> list[Mention]:
    """Where a person was mentioned, newest first."""
    told = store.events(tx, project, {"subject": Ref.parse(person), "verb": MENTIONED}, after, limit, newest=True)
    comments = _read(tx, project, [event.data["comment"] for event in told])
    return [
        Mention(
            seq=event.seq,
            at=event.at,
            author=event.actor,
            ref=Ref.parse(event.data["on"]),
            comment=event.data["comment"],
            text=comments[event.data["comment"]].text,
        )
        for event in told
    ]


def _record_comment(tx: Tx, clock: Clock, comment: Ref, ref: Ref, names: Sequence[str]) -> None:
    for name in names:
        record(tx, clock, MENTIONED, Ref("person", name), data={"comment": comment.name, "on": ref})


def _read(tx: Tx, project: str, ids: Sequence[str]) -> Mapping[str, Comment]:
    said = [e for e in store.events_of(tx, project, [f"comment:{id}" for id in ids], store.OUTPUT) if e.verb.endswith(".commented")]
    return {comment.id: comment for comment in _latest(tx, project, said)}


def _latest(tx: Tx, project: str, said: Sequence[Event]) -> list[Comment]:
    """Each comment as it reads now, with the wordings before."""
    edits: dict[str, list[Event]] = {event.id: [event] for event in said}
    for event in store.events_of(tx, project, [f"comment:{event.id}" for event in said], store.SUBJECT):
        if event.verb == _EDITED:
            edits[event.subject.name].append(event)
    found = []
    for first in said:
        words = [Wording(at=event.at, text=event.data.get("text")) for event in edits[first.id]]
        found.append(Comment(id=first.id, ref=first.subject, author=first.actor, at=first.at, text=words[-1].text, earlier=words[:-1]))
    return found
