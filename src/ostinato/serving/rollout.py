"""The verbs of Endpoints for rollouts, which replace the stable version by a candidate on evidence."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Row

from ostinato.kernel.caller import caller
from ostinato.kernel.clock import Clock
from ostinato.kernel.digest import digest_of
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.kernel.family import Family
from ostinato.kernel.ids import new_id
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref
from ostinato.ledger.service import Ledger
from ostinato.registry.lookup import find_version
from ostinato.registry.service import Models
from ostinato.registry.types import ModelVersion
from ostinato.serving import store
from ostinato.serving.decide import FIELDS, Decision, Scored, decide
from ostinato.serving.lookup import approved_version, find_endpoint
from ostinato.serving.plane.log import fingerprint, read
from ostinato.serving.reconcile import PlaneReconciler
from ostinato.serving.types import UNDER_WAY, Evidence, Pause, Rollout, RolloutPlan, RolloutStory, Share, Step, Strategy
from ostinato.serving.verdict import looked, story
from ostinato.storage.rows.rows import Rows, Tx

STRATEGIES: Family[Strategy] = Family("ostinato.serving.rollouts")
_SETTLE_S = 3.0
_LOOK_EVERY_S = 1.0
_PAGE_MAX = 1000


class Rollouts:
    """A mixin of Endpoints, which sets the attributes that are annotated here."""

    _rows: Rows
    _ledger: Ledger
    _clock: Clock
    _models: Models
    _planes: PlaneReconciler
    _looked: dict[str, Any]
    _looked_s: dict[str, float]
    _lost: set[str]

    def rollout(self, endpoint: str, candidate: str, plan: RolloutPlan | None = None) -> Rollout:
        """Start a rollout: an approved version replaces the stable one step by step, as far as the evidence allows.

        From now on both versions score every request and one of them answers, chosen by a stable hash of the request's key.
        The same candidate with the same plan over the same version is the same rollout, also when it has ended.

        Raises:
            Conflict: another rollout is running, the candidate is not approved, or takes inputs that clients do not send.
        """
        how, who = plan or RolloutPlan(), caller()
        weights = _weights(how)
        version = approved_version(self._models.usable(candidate), self._clock.now())
        self._models.sandbox(version.model, version.flavor)
        started = self._rows.read(lambda tx: store.read_endpoint(find_endpoint(tx, endpoint)))
        _fits(version, self._models.get(str(started.version)))

        def change(tx: Tx) -> Rollout:
            row, now = find_endpoint(tx, endpoint), self._clock.now()
            stable = Ref.parse(row.version)
            known = _existing_rollout(tx, who.project, endpoint, stable, version.ref, how)
            if known is not None:
                return known
            if row.rollout is not None:
                raise Conflict(f"a rollout of {endpoint} is running", hint="wait for it, or endpoints.abort it")
            if stable == version.ref:
                raise Conflict(f"{stable} is what {endpoint} serves already")
            approved_version(find_version(tx, str(version.ref), now)[1], now)
            made = Rollout(
                id=new_id(), endpoint=endpoint, stable=stable, candidate=version.ref, plan=how, state="running", reason="",
                steps=[Step(weight=weights[0], since=now, pairs=0)], evidence=None, started_at=now, started_by=who.actor,
            )  # fmt: skip
            store.add_rollout(tx, who.project, _identity(stable, version.ref, how), made)
            store.release(tx, who.project, endpoint, _split(made, weights[0]), made.id, now, who.actor, f"rollout of {version.ref}")
            data = {"rollout": made.id, "strategy": how.strategy, "weights": weights, "from": str(stable)}
            self._ledger.append(tx, "rollout.started", Ref("endpoint", endpoint), inputs=(version.ref,), data=data)
            return made

        made = self._rows.write(change)
        self._planes.shown(endpoint)
        return made

    def rollouts(self, endpoint: str, limit: int = 50, after: str | None = None) -> Page[Rollout]:
        """The rollouts of an endpoint, newest first, a page of at most 1,000. `rollout_story` has their `looks` and `evidence.path`.

        Raises:
            Invalid: `limit` is not 1 to 1,000.
        """
        if not 1 <= limit <= _PAGE_MAX:
            raise Invalid(f"limit {limit} is not between 1 and {_PAGE_MAX}", hint="follow `next` for more", field="limit")

        def query(tx: Tx) -> list[Rollout]:
            find_endpoint(tx, endpoint)
            newest_first = store.rollouts(tx, caller().project, endpoint, after, limit + 1)
            return [_in_short(found) for found in islice(newest_first, limit + 1)]

        found = self._rows.read(query)
        return Page(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)

    def _newest(self, endpoint: str) -> Rollout | None:
        return self._rows.read(lambda tx: store.newest_rollout(tx, caller().project, endpoint))

    def rollout_story(self, endpoint: str, rollout: str) -> RolloutStory:
        """One rollout with the sentence of its verdict, its limits, and how far the evidence is on its way to them.

        Raises:
            NotFound: the endpoint had no such rollout.
        """

        def query(tx: Tx) -> Rollout | None:
            find_endpoint(tx, endpoint)
            return store.one_rollout(tx, caller().project, endpoint, rollout)

        found = self._rows.read(query)
        if found is None:
            raise NotFound(f"{endpoint} had no rollout {rollout!r}", hint="endpoints.rollouts lists them")
        return story(found)

    def find_rollout(self, rollout: str) -> RolloutStory:
        """One rollout by its id alone, of whichever endpoint.

        Raises:
            NotFound: there was no such rollout.
        """
        found = self._rows.read(lambda tx: store.any_rollout(tx, caller().project, rollout))
        if found is None:
            raise NotFound(f"there was no rollout {rollout!r}", hint="endpoints.rollouts lists those of an endpoint")
        return story(found)

    def advance(self, endpoint: str) -> Rollout | None:
        """Evaluate the running rollout now, on all predictions and labels so far, and act on the result. Returns the newest one otherwise.

        While it is paused, the evidence is counted and nothing follows.
        """
        row = self._rows.read(lambda tx: find_endpoint(tx, endpoint))
        if row.rollout is None:
            return self._newest(endpoint)
        return self._advance(endpoint, row.rollout, wait=True)

    def abort(self, endpoint: str, reason: str) -> Rollout:
        """Abort the rollout, running or paused; only the stable version answers from now on. Idempotent.

        Raises:
            Conflict: none is running.
        """
        row = self._rows.read(lambda tx: find_endpoint(tx, endpoint))
        if row.rollout is None:
            last = self._newest(endpoint)
            if last is not None and (last.state, last.reason) == ("aborted", reason):
                return last
            raise Conflict(f"no rollout of {endpoint} is running")
        ended = self._rows.write(lambda tx: self._apply(tx, row.rollout, Decision(reason, "aborted"), None))
        self._planes.shown(endpoint)
        return ended

    def pause(self, endpoint: str, reason: str) -> Rollout:
        """Pause the running rollout: its weights stay, and nothing is decided until `resume`.

        Both versions go on scoring every request, and what is seen goes on being counted: the tests hold at all times together, so
        they stay valid however long one waits, and whatever one had seen when one paused. Given again by the same actor, the same
        reason changes nothing.

        Raises:
            Invalid: there is no reason.
            Conflict: none is running, or it was paused for another reason.
        """
        if not reason.strip():
            raise Invalid("a pause needs a reason", hint="others ask why nothing goes on", field="reason")
        who = caller()

        def change(tx: Tx) -> Rollout:
            held, now = self._under_way(tx, endpoint), self._clock.now()
            if held.state == "paused":
                last = held.pauses[-1]
                if (last.by, last.reason) != (who.actor, reason):
                    raise Conflict(f"{last.by} has paused it: {last.reason}", hint="endpoints.resume lets it go on")
                return held
            pause = Pause(since=now, scored=held.evidence.scored if held.evidence else 0, by=who.actor, reason=reason)
            return self._store_and_record(tx, replace(held, state="paused", pauses=[*held.pauses, pause]), "paused", reason)

        return self._rows.write(change)

    def resume(self, endpoint: str, note: str = "") -> Rollout:
        """Resume a paused rollout. It is evaluated at once, with the evidence of the pause included.

        Raises:
            Conflict: none is paused.
        """
        who = caller()

        def change(tx: Tx) -> None:
            find_endpoint(tx, endpoint)
            held = store.newest_rollout(tx, who.project, endpoint)
            if held is not None and held.state == "paused":
                pauses = _ended(held, self._clock.now(), who.actor, note)
                self._store_and_record(tx, replace(held, state="running", pauses=pauses), "resumed", note)
                return
            last = held.pauses[-1] if held is not None and held.pauses else None
            if last is None or (last.ended_by, last.note) != (who.actor, note):
                raise Conflict(f"no rollout of {endpoint} is paused")

        self._rows.write(change)
        resumed = self.advance(endpoint)
        assert resumed is not None, "a rollout was resumed just now"
        return resumed

    def _under_way(self, tx: Tx, endpoint: str) -> Rollout:
        row = find_endpoint(tx, endpoint)
        if row.rollout is None:
            raise Conflict(f"no rollout of {endpoint} is running", hint="endpoints.rollouts tells how the last one ended")
        return store.rollout(tx, caller().project, row.rollout)[0]

    def _store_and_record(self, tx: Tx, made: Rollout, verb: str, reason: str) -> Rollout:
        """Store a rollout that was paused or resumed; who answers stays as it is."""
        store.set_rollout(tx, caller().project, made)
        data = {"rollout": made.id, "reason": reason, "weight": made.steps[-1].weight, "candidate": str(made.candidate)}
        self._ledger.append(tx, f"rollout.{verb}", Ref("endpoint", made.endpoint), inputs=(made.candidate,), data=data)
        return made

    def _look(self, row: Row[Any]) -> None:
        """The supervisor's look: at most once a second, and only when something was answered, labelled or resumed since the last."""
        name, now = f"{row.project}/{row.name}", time.monotonic()
        if now - self._looked_s.get(name, 0.0) < _LOOK_EVERY_S:
            return
        self._looked_s[name] = now
        latest = self._rows.read(lambda tx: store.last_label(tx, row.project, row.name))
        seen = (row.rollout, row.paused, latest, fingerprint(self._planes.log(row.name)))
        if self._looked.get(name) != seen:
            self._advance(row.name, row.rollout, wait=False)
            self._looked[name] = seen

    def _advance(self, endpoint: str, rollout_id: str, *, wait: bool) -> Rollout:
        project = caller().project
        running, before = self._rows.read(lambda tx: store.rollout(tx, project, rollout_id))
        labels = [(r.request_id, r.value, r.at) for r in self._rows.read(lambda tx: store.labels(tx, project, endpoint, before))]
        scored = self._settled(endpoint, running, {request_id for request_id, _, _ in labels})
        evidence = scored.evidence(running, labels)
        decision = decide(running, evidence, _weights(running.plan))
        done = self._rows.write(lambda tx: self._apply(tx, rollout_id, decision, evidence))
        if decision != Decision():
            if wait:
                self._planes.shown(endpoint)
            else:
                self._planes.show(endpoint)
        return done

    def _settled(self, endpoint: str, running: Rollout, labelled: set[str]) -> Scored:
        """The scores, once the other version has had its say on every labelled answer: it has it just after the reply.

        A plane that was killed in between leaves pairs open for good; these are waited for only once.
        """
        until = time.monotonic() + _SETTLE_S
        while True:
            scored = Scored(read(self._planes.log(endpoint), FIELDS, batches=False), running)
            still_open = (scored.answered & labelled) - set(scored.ids) - self._lost
            if not still_open:
                return scored
            if time.monotonic() >= until:
                self._lost |= still_open
                return scored
            time.sleep(0.05)

    def _apply(self, tx: Tx, rollout_id: str, decision: Decision, evidence: Evidence | None) -> Rollout:
        """Do what was decided, unless the rollout has ended or gone on meanwhile; while it is paused, only keep what was seen.

        Whoever looked longer ago than another takes neither the evidence nor the weight back.
        """
        who, now = caller(), self._clock.now()
        rollout, _ = store.rollout(tx, who.project, rollout_id)
        if rollout.state not in UNDER_WAY:
            return rollout
        if rollout.state == "paused" and decision.state != "aborted":
            decision = Decision()
        made = rollout
        if evidence is not None and (rollout.evidence is None or evidence.scored >= rollout.evidence.scored):
            made = replace(rollout, evidence=evidence, looks=looked(rollout, evidence, now))
        if decision.state == "promoted":
            decision = self._promote(tx, made, decision)
        if decision.weight is not None:
            if decision.weight <= rollout.steps[-1].weight:
                return rollout
            step = Step(weight=decision.weight, since=now, pairs=rollout.plan.counted(made.evidence))
            made = replace(made, reason=decision.reason, steps=[*rollout.steps, step])
        elif decision.state != "running":
            pauses = _ended(made, now, who.actor, decision.reason)
            made = replace(made, state=decision.state, reason=decision.reason, ended_at=now, pauses=pauses)
        store.set_rollout(tx, who.project, made)
        if decision != Decision():
            shares, running = _shares_after(made), made.id if made.state == "running" else None
            back = decision.state not in ("running", "promoted")
            store.release(tx, who.project, made.endpoint, shares, running, now, who.actor, decision.reason, back=back)
            self._record(tx, made)
        return made

    def _promote(self, tx: Tx, running: Rollout, decision: Decision) -> Decision:
        """Make the candidate the champion of its model, in the same transaction; one that lost its approval meanwhile is not."""
        try:
            self._models.promote_within(tx, str(running.candidate), reason=f"rollout {running.id}: {decision.reason}")
        except Conflict as error:
            return Decision(f"cannot be promoted: {error.message}", "aborted")
        return decision

    def _record(self, tx: Tx, made: Rollout) -> None:
        verb = "advanced" if made.state == "running" else "ended" if made.state == "inconclusive" else made.state
        seen = made.evidence
        data: dict[str, Any] = {
            "rollout": made.id,
            "reason": made.reason,
            "weight": made.steps[-1].weight,
            "candidate": str(made.candidate),
        }
        if seen is not None:
            data |= {
                "e_value": seen.e_value,
                "harm": seen.harm,
                "low": seen.low,
                "high": seen.high,
                "pairs": seen.pairs,
                "guard": seen.guard,
            }
        inputs = (made.candidate if made.state in ("promoted", "running") else made.stable,)
        self._ledger.append(tx, f"rollout.{verb}", Ref("endpoint", made.endpoint), inputs=inputs, data=data)


def _ended(rollout: Rollout, now: datetime, by: str, note: str) -> list[Pause]:
    """The pauses of a rollout, the last one ended if it lasts."""
    if not rollout.pauses or rollout.pauses[-1].until is not None:
        return rollout.pauses
    scored = rollout.evidence.scored if rollout.evidence else 0
    return [*rollout.pauses[:-1], replace(rollout.pauses[-1], until=now, until_scored=scored, ended_by=by, note=note)]


def _weights(plan: RolloutPlan) -> list[float]:
    """The steps of a plan, checked."""
    parameters = {} if plan.weights is None else {"weights": plan.weights}
    weights = STRATEGIES.make(plan.strategy, parameters).steps()
    if not weights or weights != sorted(set(weights)) or not all(0 <= w <= 1 for w in weights):
        raise Invalid(f"weights must grow within [0, 1]: {weights}", field="plan.weights")
    rules = {
        "alpha": (0 < plan.alpha < 0.5, "lies between 0 and 0.5"),
        "margin": (0 <= plan.margin < 1, "lies between 0 and 1"),
        "error_ratio": (plan.error_ratio >= 1, "is at least 1"),
        "min_requests": (plan.min_requests >= 1, "is at least 1"),
        "max_requests": (plan.max_requests >= plan.min_requests, f"is at least the {plan.min_requests} of a step"),
    }
    for name, (kept, rule) in rules.items():
        if not kept:
            raise Invalid(f"{name} {rule}, got {getattr(plan, name):g}", field=f"plan.{name}")
    return weights


def _fits(candidate: ModelVersion, stable: ModelVersion) -> None:
    sent = {f.name: f for f in stable.signature.inputs}
    for field in candidate.signature.inputs:
        if field.name not in sent or sent[field.name].dtype != field.dtype:
            raise Conflict(
                f"{candidate.ref} takes {field.name} ({field.dtype}), which clients of {stable.ref} do not send",
                hint="endpoints.deploy it under another name",
            )


def _in_short(rollout: Rollout) -> Rollout:
    evidence = rollout.evidence and replace(rollout.evidence, path=[])
    return replace(rollout, looks=[], evidence=evidence)


def _identity(stable: Ref, candidate: Ref, plan: RolloutPlan) -> str:
    return digest_of([str(stable), str(candidate), store.plain(plan)])


def _existing_rollout(tx: Tx, project: str, endpoint: str, stable: Ref, candidate: Ref, plan: RolloutPlan) -> Rollout | None:
    """The rollout of this candidate and plan over the version that answers, or over the one that it has replaced itself."""
    for rollout in store.rollouts(tx, project, endpoint):
        same = (rollout.candidate, rollout.plan) == (candidate, plan)
        if same and (rollout.stable == stable or (stable == candidate and rollout.state == "promoted")) and rollout.state != "aborted":
            return rollout
    return None


def _split(rollout: Rollout, weight: float) -> list[Share]:
    return [
        Share(version=rollout.stable, role="stable", weight=1.0 - weight),
        Share(version=rollout.candidate, role="candidate", weight=weight),
    ]


def _shares_after(rollout: Rollout) -> list[Share]:
    if rollout.state == "running":
        return _split(rollout, rollout.steps[-1].weight)
    return [Share(version=rollout.candidate if rollout.state == "promoted" else rollout.stable, role="stable", weight=1.0)]
