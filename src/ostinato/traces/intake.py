"""The verbs of Traces that take in spans and trace records, in any order and idempotently."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import Denied, Invalid, TooLarge
from ostinato.kernel.instant import instant_of, micros_of
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.storage.blobs.owned import Owned
from ostinato.storage.rows.rows import Rows, Tx
from ostinato.traces import field_index, store
from ostinato.traces.conventions import DEEP_MAX, TAG, Meaning, deep, meaning, plain
from ostinato.traces.prices import Rate, cost_of, rates
from ostinato.traces.sampling import count, rule_of
from ostinato.traces.store import KnownTrace, Node
from ostinato.traces.totals import total
from ostinato.traces.types import Span, SpansKept, Trace, TraceTold, Usage
from ostinato.tracking.verbs.experiments import belonging

SPANS_MAX = 10_000
"""How many spans a trace has at most, and a call takes."""
SPAN_BYTES_MAX = 4 << 20
PREVIEW_MAX = 1_000
WORD_MAX = 1_000
"""How much of an attribute searches see."""
_ATTRIBUTES_MAX, _EVENTS_MAX = 1_000, 10_000
_NAME_MAX = 500
_LABELS_MAX, _KEY_MAX, _LABEL_MAX = 200, 250, 8_000
_TRACE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SPAN_ID = re.compile(r"(?!0{16})[0-9a-f]{16}")
_CANDIDATE = "mlflow.modelId"


@dataclass(frozen=True, slots=True)
class _Read:
    """A span that is kept: its row without its cost, what it means, and its body."""

    span: Span
    said: Meaning
    row: dict[str, Any]
    body: bytes


class Intake:
    """A mixin of Traces, which sets the attributes that are annotated here."""

    _rows: Rows
    _blobs: Owned
    _ledger: Ledger
    _clock: Clock

    def put(self, spans: list[Span], experiment: str = "Default", run: str | None = None, about: dict[str, str] | None = None) -> SpansKept:
        """Keep spans, in any order and whether or not their trace is known; a span that comes again is kept once.

        A trace that is new belongs to the `experiment` of this name or id, made if need be, and to the `run`; `about` becomes metadata
        of every trace. What cannot be kept is `refused`, span by span, and the rest is kept, or as much of it as a rule of sampling says.

        Raises:
            TooLarge: more than 10,000 spans at once.
            Conflict: the experiment was deleted.
        """
        if len(spans) > SPANS_MAX:
            raise TooLarge(f"{len(spans)} spans at once", hint=f"send at most {SPANS_MAX}")
        refused: dict[str, str] = {}
        groups: dict[str, list[tuple[int, _Read]]] = {}
        for place, span in enumerate(spans):
            try:
                read = _checked(span)
                groups.setdefault(span.trace, []).append((place, read))
            except Invalid as error:
                refused[str(place)] = error.message
        self._put_payloads([read for group in groups.values() for _, read in group])
        labels = checked_labels(about or {}, "about")

        def change(tx: Tx) -> SpansKept:
            lost, kept, out = dict(refused), [], 0
            home, prices = self._home(tx, experiment), rates(tx)
            rule = rule_of(tx, home)
            for trace, group in sorted(groups.items()):
                known = store.one(tx, caller().project, trace)
                if known is None and rule is not None and not rule.keeps(trace, any(read.span.state == "error" for _, read in group)):
                    out += len(group)
                    continue
                fits = _fitting(tx, known, group)
                lost |= {str(place): f"trace {trace} has {SPANS_MAX} spans" for place, _ in group if place not in fits}
                if fits:
                    reads = list(fits.values())
                    at = known or _new(trace, home, instant_of(min(read.span.start_ns for read in reads) // 1000), self._clock.now())
                    self._put_trace(tx, at, known is None, reads, run, labels, prices)
                    kept.append(trace)
            taken = len(spans) - len(lost)
            if rule is not None and taken:
                count(tx, rule, taken, taken - out)
            return SpansKept(spans=taken - out, traces=kept, refused=lost, sampled_out=out)

        return self._rows.write(change)

    def record(self, told: TraceTold) -> Trace:
        """Keep what is told of a whole trace; its spans come before or after. Told again, it is kept as told last.

        Raises:
            Conflict: its experiment was deleted.
        """
        if not _TRACE_ID.fullmatch(told.id):
            raise Invalid(f"not the id of a trace: {told.id[:100]!r}", hint="letters, digits, dots and dashes", field="id")
        metadata, tags = checked_labels(told.metadata, "metadata"), checked_labels(told.tags, "tags")

        def change(tx: Tx) -> Trace:
            project = caller().project
            known = store.one(tx, project, told.id)
            experiment_id = self._home(tx, told.experiment)
            before = known or _new(told.id, experiment_id, told.started_at, self._clock.now())
            spent = total(store.nodes(tx, project, told.id)) if known else Usage()
            checked_labels({**before.metadata, **metadata}, "metadata")
            checked_labels({**before.tags, **tags}, "tags")
            after = _with(before, told, metadata, tags).using(spent if spent != Usage() else told.usage)
            store.keep(tx, project, replace(after, experiment_id=experiment_id), known is not None)
            return found(tx, told.id)

        return self._rows.write(change)

    def _home(self, tx: Tx, experiment: str) -> str:
        id_, name, new = belonging(tx, experiment, self._clock.now())
        if new:
            self._ledger.append(tx, "experiment.created", Ref("experiment", id_), data={"name": name})
        return id_

    def _put_payloads(self, reads: Sequence[_Read]) -> None:
        """Give large bodies a place among the blobs, before any row names them."""
        large = [read for read in reads if not store.small(read.body)]
        for read, blob in zip(large, self._blobs.put_many([read.body for read in large]) if large else (), strict=True):
            read.row["payload"] = blob.digest
        for read in reads:
            read.row["body"] = None if read.row["payload"] else read.body

    def _put_trace(
        self, tx: Tx, trace: KnownTrace, first: bool, reads: list[_Read], run: str | None, about: dict[str, str], prices: Sequence[Rate]
    ) -> None:
        project = caller().project
        usages = [_paid(read.said, prices) for read in reads]
        rows = [{**read.row, "project": project, "cost": usage.cost} for read, usage in zip(reads, usages, strict=True)]
        new, before = store.put_spans(tx, project, rows)
        trace = _grown(trace, reads, new, run, about)
        field_index.keep(tx, project, trace.id, rows, before, trace.spans, first)
        if first and new == len(reads):
            spent = total([Node(read.span.id, read.span.parent, usage) for read, usage in zip(reads, usages, strict=True)])
        elif trace.total_tokens is not None or trace.cost is not None or any(usage != Usage() for usage in usages):
            spent = total(store.nodes(tx, project, trace.id))
        else:
            spent = Usage()
        store.keep(tx, project, trace.using(spent) if spent != Usage() or not trace.told else trace, not first)


def _fitting(tx: Tx, known: KnownTrace | None, group: Sequence[tuple[int, _Read]]) -> dict[int, _Read]:
    """Of the spans of a trace those that it has already, and as many more as it has room for, by their places."""
    room = SPANS_MAX - (known.spans if known else 0)
    if len(group) <= room:
        return dict(group)
    there = {node.id for node in store.nodes(tx, caller().project, group[0][1].span.trace)}
    new = list(dict.fromkeys(read.span.id for _, read in group if read.span.id not in there))
    fit = there.union(new[:room])
    return {place: read for place, read in group if read.span.id in fit}


def found(tx: Tx, id: str) -> Trace:
    """The trace with this id, with what was said of it.

    Raises:
        NotFound: there is none.
    """
    project = caller().project
    row = tx.first(store.listed.where(store.trace_table.c.id == id), {"project": project})
    if row is None:
        raise store.unknown(id)
    return store.read(row, store.assessments(tx, project, [id])[id])


def checked_labels(given: Mapping[str, str], field: str) -> dict[str, str]:
    """Tags or metadata, if they can be kept.

    Raises:
        Invalid: there are too many, or one is too long, or holds what no database keeps.
    """
    if len(given) > _LABELS_MAX:
        raise Invalid(f"{len(given)} {field}", hint=f"at most {_LABELS_MAX}", field=field)
    for key, value in given.items():
        if not 1 <= len(key) <= _KEY_MAX or len(value) > _LABEL_MAX:
            raise Invalid(
                f"{key[:100]!r} or its value is too long", hint=f"keys have 1 to {_KEY_MAX}, values {_LABEL_MAX} signs", field=field
            )
        if "\0" in key or "\0" in value or '"' in key:
            raise Invalid(f"{key[:100]!r} holds the sign 0 or a double quote", hint="no database looks for it", field=field)
    return dict(given)


def preview(value: Any) -> str:
    """The beginning of what went in or came out, as a text."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else _json(value)
    return clean(text[:PREVIEW_MAX])


def clean(text: str) -> str:
    """A text that every database keeps."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}")


def said_by(id_: str) -> str:
    """Who or what says something: the caller, or something that is no actor here.

    Raises:
        Denied: it is another actor.
    """
    by = caller().actor
    if id_.startswith(("person:", "service:")) and id_ != by:
        raise Denied(f"{by} does not speak for {id_[:100]}", hint="leave it out: it is the caller's")
    return clean(id_) or by


def _checked(span: Span) -> _Read:
    """The span as it is kept.

    Raises:
        Invalid: it cannot be.
    """
    ids = (_SPAN_ID.fullmatch(span.id), span.parent is None or _SPAN_ID.fullmatch(span.parent), _TRACE_ID.fullmatch(span.trace))
    if not all(ids):
        raise Invalid("its id, its parent or its trace is no id", hint="ids of spans are 16 hexadecimal digits, not all of them 0")
    if span.parent == span.id:
        raise Invalid("it is its own parent")
    if not all(0 <= at < 2**63 for at in (span.start_ns, span.end_ns or 0)):
        raise Invalid("its times are beyond the years 1970 to 2262")
    if len(span.attributes) > _ATTRIBUTES_MAX or len(span.events) + len(span.links) > _EVENTS_MAX:
        raise Invalid(f"it has more than {_ATTRIBUTES_MAX} attributes, or {_EVENTS_MAX} events and links")
    said_by = (span.attributes, *(event.attributes for event in span.events), *(link.attributes for link in span.links))
    if any(deep(value) for has in said_by for value in has.values()):
        raise Invalid(f"an attribute is more than {DEEP_MAX} deep")
    try:
        body = store.packed(span)
        said, words = meaning(span), {clean(key): _word(value) for key, value in span.attributes.items() if '"' not in key}
    except (OverflowError, TypeError, RecursionError, ValueError, UnicodeError) as error:
        raise Invalid(f"its attributes cannot be kept: {error}") from None
    if len(body) > SPAN_BYTES_MAX:
        raise Invalid(f"it has {len(body) >> 20} MiB, packed", hint=f"at most {SPAN_BYTES_MAX >> 20} MiB; keep more as artifacts of a run")
    row = {
        "trace": span.trace, "id": span.id, "parent": span.parent, "name": clean(span.name[:_NAME_MAX]), "kind": said.kind,
        "state": span.state, "start_ns": span.start_ns, "end_ns": span.end_ns, "model": said.model, "provider": said.provider,
        "input_tokens": said.usage.input_tokens, "output_tokens": said.usage.output_tokens, "total_tokens": said.usage.total_tokens,
        "words": words, "payload": None,
    }  # fmt: skip
    return _Read(span, said, row, body)


def _word(value: Any) -> Any:
    """A value as searches see it: short, and no more than JSON has."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return clean((value if isinstance(value, str) else _json(value))[:WORD_MAX])


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _paid(said: Meaning, prices: Sequence[Rate]) -> Usage:
    usage = said.usage
    return usage if usage.cost is not None else replace(usage, cost=cost_of(said.model, usage, prices))


def _new(id: str, experiment_id: str, started_at: datetime, now: datetime) -> KnownTrace:
    return KnownTrace(
        id=id, experiment_id=experiment_id, name="", state="in_progress", started_at=started_at, duration_us=None, spans=0, run=None,
        candidate=None, session_id="", user_id="", client_request_id="", request="", response="", input_tokens=None, output_tokens=None,
        total_tokens=None, cost=None, metadata={}, tags={}, recorded_at=now, told=False,
    )  # fmt: skip


def _grown(trace: KnownTrace, reads: Sequence[_Read], new: int, run: str | None, about: Mapping[str, str]) -> KnownTrace:
    """A trace, and more of its spans. What was told of the whole of it stays as it was told."""
    root = next((read for read in reads if read.span.parent is None), None)
    early = min(reads, key=lambda read: read.span.start_ns)
    grown = replace(
        trace,
        spans=trace.spans + new,
        name=trace.name or clean(early.span.name[:_NAME_MAX]),
        run=trace.run or run,
        session_id=trace.session_id or _any(reads, lambda said: said.session),
        user_id=trace.user_id or _any(reads, lambda said: said.user),
        metadata=_added(trace.metadata, about),
    )
    if not trace.told:
        grown = _timed(grown, [read.span for read in reads])
    return _rooted(grown, root) if root is not None else grown


def _timed(trace: KnownTrace, spans: Iterable[Span]) -> KnownTrace:
    starts, ends = [micros_of(trace.started_at)], []
    if trace.duration_us is not None:
        ends.append(starts[0] + trace.duration_us)
    for span in spans:
        starts.append(span.start_ns // 1000)
        ends += [span.end_ns // 1000] if span.end_ns is not None else []
    return replace(trace, started_at=instant_of(min(starts)), duration_us=max(0, max(ends) - min(starts)) if ends else None)


def _rooted(trace: KnownTrace, root: _Read) -> KnownTrace:
    span, has = root.span, root.span.attributes
    said = {key.removeprefix(TAG): preview(plain(value)) for key, value in has.items() if key.startswith(TAG)}
    tags = {key: value for key, value in said.items() if 1 <= len(key) <= _KEY_MAX and not {"\0", '"'} & {*key}}
    candidate = has.get(_CANDIDATE)
    rooted = replace(
        trace,
        candidate=trace.candidate or (preview(plain(candidate)) or None),
        request=trace.request or preview(root.said.inputs),
        response=trace.response or preview(root.said.outputs),
        tags=_added(trace.tags, tags),
    )
    if trace.told:
        return rooted
    state = trace.state if span.end_ns is None else "error" if span.state == "error" else "ok"
    return replace(rooted, name=clean(span.name[:_NAME_MAX]) or rooted.name, state=state)


def _added(known: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Labels and more of them, as many as are kept; those that are there stay."""
    return dict([*known.items(), *((key, value) for key, value in more.items() if key not in known)][:_LABELS_MAX])


def _any(reads: Sequence[_Read], said: Callable[[Meaning], str]) -> str:
    return next((clean(word) for read in reads if (word := said(read.said))), "")


def _with(trace: KnownTrace, told: TraceTold, metadata: Mapping[str, str], tags: Mapping[str, str]) -> KnownTrace:
    """A trace, and what was told of the whole of it."""
    return replace(
        trace,
        name=trace.name if told.name is None else clean(told.name[:_NAME_MAX]),
        state=told.state,
        started_at=told.started_at.astimezone(UTC),
        duration_us=None if told.duration_ms is None else max(0, round(told.duration_ms * 1000)),
        run=told.run or trace.run,
        candidate=told.candidate or trace.candidate,
        session_id=clean(told.session[:_NAME_MAX]) or trace.session_id,
        user_id=clean(told.user[:_NAME_MAX]) or trace.user_id,
        client_request_id=clean(told.client_request_id[:_NAME_MAX]) or trace.client_request_id,
        request=trace.request if told.request is None else clean(told.request[:PREVIEW_MAX]),
        response=trace.response if told.response is None else clean(told.response[:PREVIEW_MAX]),
        metadata={**trace.metadata, **metadata},
        tags={**trace.tags, **tags},
        told=told.state != "in_progress",
    )
