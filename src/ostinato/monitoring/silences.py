"""The verbs of Monitors that suppress the reactions to findings for a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.monitoring import store
from ostinato.monitoring.alerts import found_or_raise
from ostinato.monitoring.types import Monitor, Silence
from ostinato.storage.rows.rows import Rows, Tx


class Silences:
    """A mixin of Monitors, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock

    def silence(self, monitor: str, until: datetime, reason: str, feature: str = "") -> Silence:
        """Silence a feature (empty: all): its findings in windows that start before `until` are recorded but trigger no reaction.

        Raises:
            NotFound: there is no such monitor, or it watches no such feature.
            Conflict: this very silence was ended.
        """
        who = caller()
        id_ = digest_of([monitor, feature, until.isoformat(), reason])[:26]

        def change(tx: Tx) -> Silence:
            known = found_or_raise(store.monitor(tx, who.project, monitor), "monitor", monitor)[0]
            checked_feature(known, feature)
            made = Silence(
                id=id_, monitor=monitor, feature=feature, until=until, reason=reason, made_by=who.actor, made_at=self._clock.now()
            )
            kept = store.add_silence(tx, who.project, made)
            if kept.ended_at is not None:
                raise Conflict(f"{kept.ended_by} has ended this silence: {kept.end_reason}", hint="give a reason of its own to a new one")
            if kept is made:
                data = {"feature": feature, "until": until.isoformat(), "reason": reason}
                self._ledger.append(tx, "monitor.silenced", Ref("monitor", monitor), data=data)
            return kept

        return self._rows.write(change)

    def end_silence(self, silence: str, reason: str) -> Silence:
        """End a silence, for windows measured from now on. Only the first call counts.

        Raises:
            Invalid: there is no reason.
            NotFound: there is no such silence.
        """
        if not reason.strip():
            raise Invalid("who ends a silence says why", field="reason")
        who = caller()

        def change(tx: Tx) -> Silence:
            known = found_or_raise(store.silence(tx, who.project, silence), "silence", silence)
            if known.ended_at is not None:
                return known
            ended = replace(known, ended_at=self._clock.now(), ended_by=who.actor, end_reason=reason)
            store.set_silence(tx, who.project, ended)
            data = {"feature": known.feature, "until": known.until.isoformat(), "silence": known.reason, "reason": reason}
            self._ledger.append(tx, "monitor.silence_ended", Ref("monitor", known.monitor), data=data)
            return ended

        return self._rows.write(change)


def checked_feature(monitor: Monitor, feature: str) -> None:
    """Check that the monitor watches this feature; empty stands for all.

    Raises:
        NotFound: it does not watch it.
    """
    known = [*monitor.features, "score", "label"]
    if feature and feature not in known:
        raise NotFound.named("feature of this monitor", feature, known)


def hushes(silence: Silence, feature: str, start: datetime) -> bool:
    """Whether what is found now about a feature, in a window from `start` on, sets off nothing."""
    return silence.ended_at is None and silence.feature in ("", feature) and start < silence.until
