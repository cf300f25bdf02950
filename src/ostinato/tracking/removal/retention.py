"""The verbs of Runs for retention rules, and for applying them, automatically or on request."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Column, Float, Integer, Row, Table, Text, func, select

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Invalid, OstinatoError
from ostinato.kernel.ref import Ref
from ostinato.kernel.steps import Steps, TimeSliced, run_all
from ostinato.storage.rows.lease import at
from ostinato.storage.rows.rows import Instant, Json, Tx, metadata
from ostinato.tracking import store
from ostinato.tracking.candidate_tables import candidate_table
from ostinato.tracking.planner.parse import parse_all, parse_order
from ostinato.tracking.planner.scope import Scope
from ostinato.tracking.planner.where import RUNS, seen_state
from ostinato.tracking.query import And, Field, Missing, Node, Order
from ostinato.tracking.removal.purge import Removals
from ostinato.tracking.removal.rules import Rules
from ostinato.tracking.removal.types import Act, Purge, Refusal, Retained, RetentionRule
from ostinato.tracking.removal.unshared import parts
from ostinato.tracking.store import LEASES, run_table
from ostinato.tracking.verbs.experiments import experiment_table, find_experiment
from ostinato.tracking.verbs.table import RunTable

log = logging.getLogger("ostinato.tracking")
_BEST_MAX = 1_000
_TOLD_MAX = 100
_AT_ONCE = 200

rule_table = Table(
    "tracking_retention",
    metadata,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("act", Text, nullable=False),
    Column("days", Float, nullable=False),
    Column("experiment", Text),
    Column("conditions", Json, nullable=False),
    Column("keep_best", Integer, nullable=False),
    Column("best_by", Text, nullable=False),
    Column("keep_tagged", Json, nullable=False),
    Column("declared_by", Text, nullable=False),
    Column("declared_at", Instant, nullable=False),
    Column("applied_at", Instant),
)
_t, _r, _c, _e = rule_table.c, run_table.c, candidate_table.c, experiment_table.c


class Retention(RunTable, Removals):
    """A mixin of Runs, which sets the attributes that are annotated here."""

    _upkeep: TimeSliced
    _rules: Rules[RetentionRule]

    def retain(
        self,
        name: str,
        act: Act,
        days: float,
        experiment: str | None = None,
        where: list[str] | None = None,
        keep_best: int = 0,
        best_by: str = "",
        keep_tagged: list[str] | None = None,
    ) -> RetentionRule:
        """Declare or replace a retention rule. Servers apply it every hour.

        `delete`: runs that meet the conditions and ended more than `days` ago are deleted, and can be restored. `purge`: what was deleted
        more than `days` ago is destroyed; a rule without conditions takes experiments and candidates, too. Of each experiment the
        `keep_best` runs by `best_by`, such as 5 by `-metrics.auc`, are never deleted, and nothing goes that has one of the tags
        `keep_tagged`. What a registered version came of, or is held, is never destroyed. `apply_retention` says before what would go.

        Raises:
            Invalid: a condition or an order is malformed, `days` is negative, or `best_by` is no metric.
            NotFound: there is no such experiment.
        """
        if not 0 <= days <= 36_500:
            raise Invalid(f"{days:g} days", hint="0 to 36500", field="days")
        asked, tags = list(where or []), sorted(set(keep_tagged or []))
        _node(asked, tags)
        _best(act, keep_best, best_by)
        who = caller()

        def make(tx: Tx) -> RetentionRule:
            return RetentionRule(
                name=name, act=act, days=days, experiment=None if experiment is None else find_experiment(tx, experiment).id, where=asked,
                keep_best=keep_best, best_by=best_by, keep_tagged=tags, declared_by=who.actor, declared_at=self._clock.now(),
            )  # fmt: skip

        return self._rules.declare(
            name, make, lambda made: {"act": act, "days": days, "experiment": made.experiment, "keep_best": keep_best}
        )

    def retention(self) -> list[RetentionRule]:
        """The retention rules of the project, by name."""
        return self._rules.all()

    def drop_retention(self, name: str) -> None:
        """Delete a retention rule.

        Raises:
            NotFound: there is none of that name.
        """
        self._rules.drop(name)

    def apply_retention(self, name: str | None = None, apply: bool = False) -> list[Retained]:
        """Report what the retention rules, or one of them, would delete now, and how much that would free; with `apply` do it.

        Raises:
            NotFound: there is no rule of that name.
        """
        return [run_all(self._applying(rule, apply)) for rule in self._rules.chosen(name)]

    def tick(self) -> None:
        """About a second of upkeep, in all projects: what purges have left is swept, and rules not applied for an hour are.

        Once a minute it looks for what there is to do; the next call goes on with what takes longer.
        """
        self._upkeep.advance(self._apply_due)

    def _apply_due(self) -> Steps[None]:
        yield from self._sweeping()
        yield from self._rules.apply_due(lambda rule: self._applying(rule, True, measured=False))

    def _applying(self, rule: RetentionRule, apply: bool, measured: bool = True) -> Steps[Retained]:
        """Apply a rule, and note so when that is done; unless `measured`, it is not said what goes."""
        now = self._clock.now()
        before = now - timedelta(days=rule.days)
        act = self._purging if rule.act == "purge" else self._deleting
        done = yield from act(rule, before, apply, measured)
        if apply:
            self._rules.applied(rule.name, now)
        return done

    def _deleting(self, rule: RetentionRule, before: datetime, apply: bool, measured: bool) -> Steps[Retained]:
        """Delete, softly, what a rule does not keep."""
        over = (
            _r.deleted_at.is_(None),
            seen_state.in_(("finished", "failed", "killed")),
            func.coalesce(_r.ended_at, _r.started_at, type_=Instant) < before,
        )
        scope = self._about(rule, *over)
        found = self._matching(scope)
        if rule.keep_best and found:
            best = {run for experiment in sorted(set(found.values())) for run in self._best_of(experiment, rule)}
            found = {run: experiment for run, experiment in found.items() if run not in best}
        going = list(found)
        took = self._rows.read(lambda tx: self._measured(tx, going, [], frees=not apply)) if measured else Purge(applied=False)
        yield
        if apply:
            for some in parts(going, _AT_ONCE):
                self._rows.write(partial(self._delete_runs, runs=some, rule=rule.name, scope=scope))
                yield
        return Retained(rule=rule.name, act=rule.act, runs=going[:_TOLD_MAX], took=replace(took, applied=apply))

    def _purging(self, rule: RetentionRule, before: datetime, apply: bool, measured: bool) -> Steps[Retained]:
        """Destroy what was deleted long enough ago; with it experiments and candidates, unless the rule looks at runs more closely."""
        found = list(self._matching(self._about(rule, _r.deleted_at < before)))
        loose, experiments = self._rows.read(lambda tx: _old(tx, rule, before))
        took = yield from self._destroying(
            found, apply=apply, gone=_r.deleted_at < before, loose=loose, loose_gone=_c.deleted_at < before, rule=rule.name,
            measured=measured,
        )  # fmt: skip
        refused = {}
        for experiment in experiments:
            try:
                if apply:
                    yield from self._purging_experiment(experiment)
                else:
                    self._rows.read(partial(self._check_experiment, experiment=experiment))
            except OstinatoError as error:  # something of it must stay
                refused[Ref("experiment", experiment)] = str(error)
        told = [*took.refused, *(Refusal(ref=ref, reason=reason) for ref, reason in refused.items())][:_TOLD_MAX]
        took = replace(took, experiments=len(experiments) - len(refused), kept=took.kept + len(refused), refused=told)
        return Retained(rule=rule.name, act=rule.act, runs=found[:_TOLD_MAX], took=took)

    def _about(self, rule: RetentionRule, *also: Any) -> Scope:
        """The runs that a rule is about, of those that meet `also`."""
        of = [] if rule.experiment is None else [_r.experiment_id == rule.experiment]
        return Scope(_node(rule.where, rule.keep_tagged), (), self._clock.now(), also=[*also, *of])

    def _matching(self, scope: Scope) -> dict[str, str]:
        """The runs of a scope, with the names of their experiments."""
        if scope.measures:
            self._series.settle(caller().project)

        def query(tx: Tx) -> dict[str, str]:
            asked = scope.ids().add_columns(_r.experiment)
            return {row.id: row.experiment for row in tx.all(asked, {"project": caller().project, **at(LEASES.now(tx))})}

        return self._rows.read(query)

    def _best_of(self, experiment: str, rule: RetentionRule) -> list[str]:
        """The best runs of an experiment; those without the metric are not among them."""
        orders = _best(rule.act, rule.keep_best, rule.best_by)
        measured = And((Missing(orders[0].field, negated=True), Missing(orders[0].field, negated=True, nan=True)))
        return [run.id for run in self.find(measured, orders, [experiment], limit=rule.keep_best).items]

    def _delete_runs(self, tx: Tx, runs: Sequence[str], rule: str, scope: Scope) -> None:
        """Delete those of these runs that are still of the scope."""
        now, project = self._clock.now(), caller().project
        still = tx.all(scope.ids().where(_r.id.in_(runs)), {"project": project, **at(LEASES.now(tx))})
        for run in store.many(tx, project, [row.id for row in still]).values():
            store.change(tx, project, run, replace(run, deleted_at=now))
            self._ledger.append(tx, "run.deleted", run.ref, data={"experiment": run.experiment_id, "rule": rule})


def _old(tx: Tx, rule: RetentionRule, before: datetime) -> tuple[list[str], list[str]]:
    """The candidates and the experiments that were deleted before, if a rule is about these."""
    if rule.where or rule.keep_tagged:
        return [], []
    project = caller().project
    candidates = select(_c.id).where(_c.project == project, _c.deleted_at < before)
    experiments = select(_e.id).where(_e.project == project, _e.deleted_at < before)
    if rule.experiment is not None:
        candidates, experiments = candidates.where(_c.experiment_id == rule.experiment), experiments.where(_e.id == rule.experiment)
    return [row.id for row in tx.all(candidates)], [row.id for row in tx.all(experiments)]


def _node(where: Sequence[str], keep_tagged: Sequence[str]) -> Node:
    untagged = [Missing(Field("tag", tag)) for tag in keep_tagged]
    node = And((parse_all(where, RUNS.vocabulary), *untagged))
    for atom in untagged:
        RUNS.vocabulary.check(atom)
    return node


def _best(act: Act, keep_best: int, best_by: str) -> tuple[Order, ...]:
    """The order by which runs are the best."""
    if not keep_best and not best_by:
        return ()
    if act == "purge":
        raise Invalid("the best are kept from being deleted; what was deleted may be purged", hint="give the rule that deletes keep_best")
    orders = tuple(parse_order(best_by, RUNS.vocabulary)) if best_by else ()
    if not orders or orders[0].field.kind != "metric" or not 1 <= keep_best <= _BEST_MAX:
        raise Invalid("the best by what?", hint=f"for instance keep_best=5 (1 to {_BEST_MAX}), best_by='-metrics.auc'", field="best_by")
    return orders


def read_rule(row: Row[Any]) -> RetentionRule:
    return RetentionRule(
        name=row.name, act=row.act, days=row.days, experiment=row.experiment, where=row.conditions, keep_best=row.keep_best,
        best_by=row.best_by, keep_tagged=row.keep_tagged, declared_by=row.declared_by, declared_at=row.declared_at,
        applied_at=row.applied_at,
    )  # fmt: skip
