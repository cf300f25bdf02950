"""Alerts: what a person must know, whatever part of the platform noticed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.event import Event
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.monitoring import store
from ostinato.monitoring.types import Alert, Severity
from ostinato.storage.rows.rows import Rows, Tx

T = TypeVar("T")

_TEXT_MAX = 10_000


class Alerts:
    """The verbs about alerts."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def alerts(self, state: Literal["open", "acknowledged"] | None = None) -> list[Alert]:
        """Alerts, newest first."""
        return self._rows.read(lambda tx: store.all_alerts(tx, caller().project, state))

    def raise_alert(self, subject: str, text: str, severity: Severity = "warning", key: str = "") -> Alert:
        """Raise an alert about `subject`, a reference. The same subject and `key` (default: the text) raise one alert only.

        Raises:
            Invalid: the text is blank or longer than 10,000 characters.
        """
        if not text.strip() or len(text) > _TEXT_MAX:
            raise Invalid(f"an alert has 1 to {_TEXT_MAX} characters", field="text")
        project = caller().project
        about = Ref.parse(subject)
        made = Alert(
            id=digest_of([subject, key or text])[:26],
            subject=subject,
            text=text,
            severity=severity,
            raised_at=self._clock.now(),
            state="open",
            handled_by=None,
            note="",
        )

        def change(tx: Tx) -> Alert:
            known = store.alert(tx, project, made.id)
            if known is None:
                store.add_alert(tx, project, made)
                out = (Ref("alert", made.id),)
                self._ledger.append(tx, "alert.raised", about, inputs=(about,), outputs=out, data={"text": text, "severity": severity})
            return known or made

        return self._rows.write(change)

    def acknowledge_alert(self, alert: str, note: str) -> Alert:
        """Acknowledge an alert. Only the first call counts."""
        who = caller()

        def change(tx: Tx) -> Alert:
            known = found_or_raise(store.alert(tx, who.project, alert), "alert", alert)
            if known.state == "acknowledged":
                return known
            self._ledger.append(tx, "alert.acknowledged", Ref("alert", alert), data={"note": note})
            return store.acknowledge_alert(tx, who.project, known, who.actor, note)

        return self._rows.write(change)

    def on_event(self, event: Event) -> None:
        """Raise an alert for events that need attention, once each."""
        told = ALERTING.get(event.verb)
        if told is not None:
            self.raise_alert(str(event.subject), told(event), "critical", event.id)


def _quarantined(event: Event) -> str:
    failed = event.data.get("failed") or {}
    checks = "; ".join(f"{check}, {rows:,} rows" for check, rows in failed.items())
    return f"The delivery {event.data.get('key', '')} to {event.subject.name} is quarantined{': ' if checks else ''}{checks}."


def _rolled_back(event: Event) -> str:
    return f"The rollout of {event.data.get('candidate', '')} on {event.subject.name} was taken back: {event.data.get('reason', '')}."


def _glass_broken(event: Event) -> str:
    said = event.data
    return (
        f"{said.get('by')} broke the glass: {event.subject.name}@{event.subject.version} is {said.get('alias')} without approval. "
        f"{said.get('reason')}. To be reviewed by {_minute(said.get('due_at'))}; it counts until {_minute(said.get('ends_at'))}."
    )


def _review_overdue(event: Event) -> str:
    of = f"{event.subject.name}@{event.subject.version}"
    return f"Nobody has reviewed that {event.data.get('by')} broke the glass for {of}: {event.data.get('reason')}."


def _glass_expired(event: Event) -> str:
    said, of = event.data, f"{event.subject.name}@{event.subject.version}"
    return (
        f"{of} is still {said.get('alias')} without approval: the glass that {said.get('by')} broke for it counted until "
        f"{_minute(said.get('ends_at'))}. Approve it, or roll it back."
    )


def _minute(instant: object) -> str:
    return f"{str(instant)[:16].replace('T', ' ')} UTC"


ALERTING: dict[str, Callable[[Event], str]] = {
    "dataset.quarantined": _quarantined,
    "rollout.rolled_back": _rolled_back,
    "model.glass_broken": _glass_broken,
    "model.review_overdue": _review_overdue,
    "model.glass_expired": _glass_expired,
}
"""The events that somebody must know of, and what is said of each."""


def found_or_raise(thing: T | None, kind: str, name: str) -> T:
    """The thing, where there is one.

    Raises:
        NotFound: there is none.
    """
    if thing is None:
        raise NotFound(f"no {kind} {name!r}")
    return thing
