"""Release: models on their way to production: trained, checked, approved, rolled out, watched."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any

import ostinato as ost
from ostinato.kernel.errors import Conflict, Denied, GateFailed
from ostinato.monitoring.types import ReactionSpec
from ostinato.serving.types import Rollout
from ostinato_flights.cast import Cast
from ostinato_flights.definitions import CATEGORIES, ENDPOINT, KNOWN_AHEAD, MODEL, ROLLOUT
from ostinato_flights.examples import FEATURES
from ostinato_flights.journal import Journal
from ostinato_flights.progress import Progress
from ostinato_flights.source import after_the_last_landing

TRAIN = "ostinato_flights.training:train"
WINDOW_DAYS = 150
WAIT_S = 20.0


class Release:
    """What the replay does with models, by the people whose part it is."""

    def __init__(self, cast: Cast, journal: Journal, progress: Progress) -> None:
        self._cast = cast
        self._journal = journal
        self._progress = progress
        self._key = ""

    @property
    def waiting(self) -> str | None:
        """The approved version that waits for its rollout."""
        found: str | None = self._journal.get("waiting")
        return found

    @property
    def rolling(self) -> bool:
        """Whether a rollout is under way."""
        return self._journal.get("rolling") is not None

    def door(self) -> tuple[str, str, str]:
        """Address, model name and key of the endpoint."""
        endpoints = self._cast.loop.endpoints
        self._key = self._key or endpoints.key(ENDPOINT, name="replay").secret
        return endpoints.url(ENDPOINT), MODEL, self._key

    def finished(self, execution: str) -> dict[str, Any]:
        """What an execution gave, once it is finished; its traceback if it failed."""
        pipelines = self._cast.loop.pipelines
        while True:
            found = pipelines.wait(execution, timeout_s=WAIT_S)
            if found.state == "finished":
                output: dict[str, Any] = pipelines.output(execution)
                return output
            if found.state in ("failed", "cancelled"):
                raise ost.OstinatoError(f"{found.target} {found.state}: {found.error}", hint=f"ostinato pipelines logs {execution}")

    def first(self, month: int) -> dict[str, Any]:
        """The first model: trained by Ana, who may not approve it; approved by Ben; deployed."""
        until = after_the_last_landing(month)
        ana, ben, loop = self._cast.ana, self._cast.ben, self._cast.loop
        window = (until - datetime(2013, 1, 1, tzinfo=until.tzinfo)).days + 1
        parameters = {"window_days": window, "until": until.isoformat()}
        trained = self.finished(ana.pipelines.start(TRAIN, parameters, key=f"first-{month}").id)
        again = ana.pipelines.start(TRAIN, parameters, key=f"first-{month}-again")
        self.finished(again.id)
        steps = ana.pipelines.steps(again.id)
        self._progress.good(
            f"trained {trained['version']}; executed again, {sum(s.cached for s in steps)} of {len(steps)} steps came from the memo"
        )
        check = ana.models.check(trained["version"])
        for result in check.results:
            self._progress.say(f"gate {result.gate}: {result.reason}")
        try:
            ana.models.approve(trained["version"], reason="looks good to me")
        except Denied as refused:
            self._progress.warn(f"Ana's attempt to approve her own model is refused: {refused}")
        ben.models.approve(trained["version"], reason="gates passed, calibration and gaps between carriers reviewed")
        loop.models.promote(trained["version"], alias="champion")
        loop.endpoints.deploy(ENDPOINT, f"{MODEL}@champion")
        self._watch_with(trained)
        self._journal.note("static", trained["version"])
        self._progress.good(f"{trained['version']} approved by Ben, in production at {loop.endpoints.url(ENDPOINT)}")
        return trained

    def start(self, version: str) -> dict[str, Any]:
        """Send an approved version out as a canary."""
        rollout = self._cast.loop.endpoints.rollout(ENDPOINT, version, ROLLOUT)
        self._journal.note("rolling", rollout.id)
        self._journal.note("waiting", None)  # last: with neither of the two, a replay killed in between would forget the rollout
        self._progress.say(f"{version} goes out as a canary beside {rollout.stable}")
        return {"rollout": rollout.id, "version": version}

    def bad(self, month: int) -> dict[str, Any]:
        """A candidate that was trained on the departure in minutes, while requests send hours: every gate looks the same way."""
        until = after_the_last_landing(month - 1)
        parameters = {"window_days": WINDOW_DAYS, "until": until.isoformat(), "units": "minutes"}
        trained = self.finished(self._cast.ana.pipelines.start(TRAIN, parameters, key=f"bad-{month}").id)
        check = self._cast.ana.models.check(trained["version"])
        self._progress.say(
            f"{trained['version']}, trained with a units error, passes {sum(r.passed for r in check.results)} of {len(check.results)} gates"
        )
        self._cast.ben.models.approve(trained["version"], reason="gates passed")
        self._journal.note("bad version", trained["version"])
        return self.start(trained["version"])

    def watch(self) -> None:
        """Let the analysis look at the rollout that is under way, and tell when it has decided."""
        rollout = self._journal.get("rolling")
        if rollout is None:
            return
        found = self._cast.loop.endpoints.advance(ENDPOINT)
        if found is None or found.id != rollout:  # it has ended behind our back
            found = self._cast.loop.endpoints.rollout_story(ENDPOINT, rollout).rollout
        if found.state == "running":
            return
        say = self._progress.good if found.state == "promoted" else self._progress.warn
        say(f"{found.candidate} {found.state.replace('_', ' ')}: {found.reason}")
        if str(found.candidate) == self._journal.get("bad version"):
            self._journal.note("rollback", _evidence(found))
        elif found.state == "promoted":
            self._watch_with(self._journal.get(f"trained {found.candidate}"))
        self._journal.note("rolling", None)

    def settle(self) -> None:
        """At the end of a month a rollout that has not decided is given up: the next challenger is waiting."""
        self.watch()
        if self.rolling:
            with contextlib.suppress(Conflict):  # decided just now
                self._cast.loop.endpoints.abort(ENDPOINT, reason="undecided at the end of the month")
            self.watch()

    def monitor(self, month: int, since: datetime, until: datetime) -> dict[str, Any]:
        """Measure the month against the reference of the version in production; the reaction to findings retrains."""
        loop = self._cast.loop
        key = f"2013-{month:02d}"
        self.finished(loop.monitors.measure(ENDPOINT, since, until, key=key).id)
        window = next(w for w in loop.monitors.windows(ENDPOINT) if w.key == key)
        kinds = [finding.measurement.kind for finding in loop.monitors.findings(window=window.id)]
        executions = [r.outcome for r in loop.monitors.reactions(window.id) if r.reaction == "retrain"]
        return {
            "findings": len(kinds), "drift": kinds.count("drift"), "performance": kinds.count("performance"),
            "production_version": int(loop.endpoints.get(ENDPOINT).version.version or 0),
            "retraining": executions[0] if executions else None,
        }  # fmt: skip

    def review(self, found: dict[str, Any]) -> dict[str, Any]:
        """The retrained challenger meets the gates; the policy that Ben declared approves it, or it ends here."""
        if found["retraining"] is None:
            return {}
        trained = self.finished(found["retraining"].partition(":")[2])
        loop = self._cast.loop
        check = loop.models.check(trained["version"])
        failed = [r for r in check.results if not r.passed]
        try:
            loop.models.approve_by_policy(trained["version"])
        except GateFailed:
            self._progress.warn(f"{trained['version']} retrained, stopped by {', '.join(f'{r.gate} ({r.reason})' for r in failed)}")
            return {"version": trained["version"], "stopped_by": [r.gate for r in failed]}
        self._journal.note(f"trained {trained['version']}", trained)
        self._journal.note("waiting", trained["version"])
        self._progress.good(f"{trained['version']} retrained on the last {WINDOW_DAYS} days; passed the gates, approved by policy")
        return {"version": trained["version"], "stopped_by": []}

    def _watch_with(self, trained: dict[str, Any]) -> None:
        """A monitor that compares with what the version in production was evaluated on, and retrains when it finds something."""
        monitors = self._cast.loop.monitors
        if any(monitor.name == ENDPOINT for monitor in monitors.all()):
            monitors.rebase(ENDPOINT, trained["reference"], reason=f"{trained['version']} is in production")
            return
        retrain = {"pipeline": TRAIN, "parameters": {"window_days": WINDOW_DAYS}}
        reactions = [ReactionSpec(reaction="alert"), ReactionSpec(reaction="retrain", parameters=retrain)]
        inputs = CATEGORIES + KNOWN_AHEAD + FEATURES
        monitors.create(ENDPOINT, ENDPOINT, trained["reference"], features=inputs, block="at", reactions=reactions)


def _evidence(rollout: Rollout) -> dict[str, Any]:
    """What is told of the bad release at the end."""
    seen = rollout.evidence
    return {
        "version": str(rollout.candidate), "state": rollout.state, "reason": rollout.reason,
        "pairs": seen.pairs if seen else 0, "scored": seen.scored if seen else 0, "e_value": seen.e_value if seen else None,
        "errors_candidate": seen.candidate.errors if seen else None, "ended_at": rollout.ended_at.isoformat() if rollout.ended_at else None,
        "sentence": f"{rollout.candidate} {rollout.state.replace('_', ' ')}: {rollout.reason}",
    }  # fmt: skip
