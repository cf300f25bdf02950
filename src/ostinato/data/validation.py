"""Validation of a delivery: all checks of a contract in one scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
import pyarrow as pa

from ostinato.data.schema import plain_rows
from ostinato.data.types import CheckResult, CheckSpec, Contract, Report, Rule, Scope
from ostinato.kernel.errors import Invalid
from ostinato.kernel.family import Family
from ostinato.storage.tables.tables import Tables

_SAMPLE = 10


class Check(Protocol):
    """A member of the family `ostinato.data.checks`: a frozen dataclass whose fields are its parameters."""

    def rule(self, columns: list[str], scope: Scope, /) -> Rule:
        """What breaks the check, as SQL over the rows `d`."""
        ...


CHECKS: Family[Check] = Family("ostinato.data.checks")


def checks_of(contract: Contract) -> list[CheckSpec]:
    """The checks of a contract, with those that its key implies."""
    implied = [CheckSpec(check="not_null", columns=contract.key), CheckSpec(check="unique", columns=contract.key)] if contract.key else []
    return implied + list(contract.checks)


def references(contract: Contract) -> list[str]:
    """The names of the datasets that the checks look into."""
    members = (CHECKS.make(spec.check, spec.parameters) for spec in contract.checks)
    return sorted({found for m in members if (found := getattr(m, "dataset", None))})


def validate_contract(contract: Contract) -> None:
    """Refuse a contract with checks that cannot be constructed.

    Raises:
        NotFound, Invalid: a check or a parameter is unknown, or a tolerance lies outside 0 to 1.
    """
    for spec in contract.checks:
        CHECKS.make(spec.check, spec.parameters)
        if not 0 <= spec.tolerance <= 1:
            raise Invalid(f"{spec.check}: tolerance is a share of rows, 0 to 1, not {spec.tolerance}", field="tolerance")
        if not spec.over and spec.check != "row_count":
            raise Invalid(f"{spec.check} names no column", hint='give column="…" or columns=[…]', field="column")


def validate_delivery(
    table: pa.Table, contract: Contract, tables: Tables, *, accepted: Sequence[str], others: Mapping[str, Sequence[str]], now: datetime
) -> Report:
    """Check a delivery against a contract.

    `accepted` are the parts that its rows will stand beside; `others` the parts of the datasets that the checks look into.
    """
    views = {name: f"other_{i}" for i, name in enumerate(others)}
    scope = Scope(accepted=bool(accepted), views=views, now=now)
    bound: dict[str, Sequence[str] | pa.Table] = {views[name]: list(parts) for name, parts in others.items()}
    bound |= {"accepted": list(accepted)} if accepted else {}
    bound["delivery"] = table.append_column("_row", pa.array(np.arange(1, table.num_rows + 1)))
    scan = _Scan(tables, bound)
    results: list[CheckResult | None] = []
    rules: list[tuple[int, CheckSpec, Rule]] = []
    for place, spec in enumerate(checks_of(contract)):
        absent = [c for c in spec.over if c not in table.column_names]
        results.append(_absent(spec, absent) if absent else None)
        if not absent:
            rules.append((place, spec, CHECKS.make(spec.check, spec.parameters).rule(spec.over, scope)))
    counts = scan.count([rule for _, _, rule in rules])
    for (place, spec, rule), violations in zip(rules, counts, strict=True):
        results[place] = _result(spec, rule, violations, table.num_rows, scan)
    done = [r for r in results if r is not None]
    return Report(passed=all(r.passed for r in done), rows=table.num_rows, results=done)


class _Scan:
    """The delivery and what it is compared with, ready to be queried."""

    def __init__(self, tables: Tables, bound: Mapping[str, Sequence[str] | pa.Table]) -> None:
        self._tables = tables
        self._bound = bound

    def count(self, rules: Sequence[Rule]) -> list[int]:
        """How many rows break each rule; 0 or 1 for a rule about the whole."""
        if not rules:
            return []
        marks = "".join(f", ({r.sql}) AS _v{i}" for i, r in enumerate(rules) if not r.whole)
        counts = ", ".join(f"(({r.sql}))::BIGINT" if r.whole else f"count(*) FILTER (WHERE _v{i})" for i, r in enumerate(rules))
        answer = self._tables.query(f"SELECT {counts} FROM (SELECT d.*{marks} FROM delivery d)", **self._bound)  # noqa: S608
        return [column[0].as_py() for column in answer.columns]

    def sample(self, rule: Rule) -> pa.Table:
        """The first rows that break a rule."""
        marked = f"SELECT d.*, ({rule.sql}) AS _v FROM delivery d"  # noqa: S608
        return self._tables.query(f"SELECT * EXCLUDE (_v) FROM ({marked}) WHERE _v ORDER BY _row LIMIT {_SAMPLE}", **self._bound)  # noqa: S608


def _result(spec: CheckSpec, rule: Rule, violations: int, rows: int, scan: _Scan) -> CheckResult:
    passed = violations == 0 if rule.whole else violations <= spec.tolerance * rows
    return CheckResult(
        check=spec.check,
        columns=spec.over,
        passed=passed,
        violations=violations,
        fraction=float(violations) if rule.whole else violations / max(rows, 1),
        tolerance=spec.tolerance,
        sample=plain_rows(scan.sample(rule)) if violations and not rule.whole else [],
    )


def _absent(spec: CheckSpec, absent: list[str]) -> CheckResult:
    message = f"no column {', '.join(absent)}"
    return CheckResult(
        check=spec.check, columns=spec.over, passed=False, violations=1, fraction=1.0, tolerance=spec.tolerance, message=message
    )
