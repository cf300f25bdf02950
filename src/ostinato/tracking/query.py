"""The query language for runs, experiments and candidates, as a tree; `planner.parse` reads it from text, `str` writes it.

    query      one or more conditions with `and`, `or`, `not` and parentheses; `and` binds closer than `or`
    condition  field = != < <= > >= value · field ~ text (holds it) · field !~ text · field [not] like|ilike pattern ·
               field [not] in (value, …) · field is [not] null · field is [not] nan
    field      an attribute, or metrics. params. tags. datasets. with a key; `min(metrics.loss)`, also max, last and count
    key        as it is, or in backticks or double quotes, doubled where it holds them
    value      a number, an instant (2013-05-01, -7d), or text: in quotes, or as it is up to `and`, `or` or the end

A thing meets a condition only if it has the field; it meets `not` of that if it has not. Values and keywords, not keys, in any case.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ostinato.kernel.errors import Invalid

Kind = Literal["attribute", "metric", "param", "tag", "dataset", "metadata", "span", "feedback", "expectation"]
Aggregate = Literal["last", "min", "max", "count"]
Type = Literal["text", "number", "time", "scalar"]
"""What values a field has; those of a scalar are numbers or text."""
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "~", "!~", "like", "ilike", "not like", "not ilike"]

AGGREGATES: tuple[Aggregate, ...] = ("last", "min", "max", "count")
PREFIXES: dict[Kind, str] = {
    "attribute": "", "metric": "metrics.", "param": "params.", "tag": "tags.", "dataset": "datasets.",
    "metadata": "metadata.", "span": "span.", "feedback": "feedback.", "expectation": "expectation.",
}  # fmt: skip
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
TEXTUAL: frozenset[str] = frozenset({"~", "!~", "like", "ilike", "not like", "not ilike"})
DEPTH_MAX = 50
CONDITIONS_MAX = 200
AMONG_MAX = 10_000
_PATTERN_MAX = 8_000
_SCALARS: frozenset[Kind] = frozenset({"param", "span", "feedback", "expectation"})


@dataclass(frozen=True, slots=True)
class Ago:
    """An instant before now: `Ago(7, "d")`.

    >>> Ago(90, "m").before(datetime(2013, 1, 1, 12))
    datetime.datetime(2013, 1, 1, 10, 30)
    """

    amount: int
    unit: Literal["s", "m", "h", "d", "w"] = "s"

    def before(self, now: datetime) -> datetime:
        """The instant, at `now`; the beginning of time if it lies before that."""
        try:
            return now - timedelta(seconds=self.amount * UNITS[self.unit])
        except OverflowError:
            return datetime.min.replace(tzinfo=now.tzinfo)


Value = str | int | float | datetime | Ago


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a thing has: an attribute called `key`, or what its metrics, parameters, tags or datasets have under it.

    Of a metric, `of` says which value: the one at its highest step, the extremes, or how many there are.
    """

    kind: Kind
    key: str
    of: Aggregate = "last"

    def __str__(self) -> str:
        if self.kind == "attribute":
            return self.key
        name = PREFIXES[self.kind] + "`" + self.key.replace("`", "``") + "`"
        return name if self.of == "last" else f"{self.of}({name})"


@dataclass(frozen=True, slots=True)
class Compare:
    """`field op value`."""

    field: Field
    op: Operator
    value: Value

    def __str__(self) -> str:
        return f"{self.field} {self.op} {_literal(self.value)}"


@dataclass(frozen=True, slots=True)
class Among:
    """`field in (value, …)`, or not in."""

    field: Field
    values: tuple[Value, ...]
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.field} {'not in' if self.negated else 'in'} ({', '.join(map(_literal, self.values))})"


@dataclass(frozen=True, slots=True)
class Missing:
    """`field is null`: it is not there, or, negated, it is. With `nan`, a metric that is there and not a number, or is one."""

    field: Field
    negated: bool = False
    nan: bool = False

    def __str__(self) -> str:
        return f"{self.field} is {'not ' * self.negated}{'nan' if self.nan else 'null'}"


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts hold; so they do if there are none."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " and ".join(_parenthesized(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """One of the parts holds."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " or ".join(_parenthesized(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Node

    def __str__(self) -> str:
        return f"not {_parenthesized(self.part)}"


Atom = Compare | Among | Missing
Node = And | Or | Not | Atom


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an order. What lacks the field, and after that what is not a number, comes last whichever way it goes."""

    field: Field
    down: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The queryable fields of a kind of thing: its typed attributes, its other kinds of fields, and the keys of datasets."""

    noun: str
    attributes: Mapping[str, Type]
    kinds: frozenset[Kind]
    dataset_keys: tuple[str, ...] = ("name", "digest", "context")

    def type(self, field: Field) -> Type:
        """The type of a field.

        Raises:
            Invalid: there is no such field.
        """
        if field.kind == "attribute":
            if field.key not in self.attributes:
                raise Invalid(f"a {self.noun} has no {field.key!r}", hint=f"a {self.noun} has {', '.join(self.attributes)}", field="where")
            return self.attributes[field.key]
        if field.kind not in self.kinds:
            raise Invalid(f"a {self.noun} has no {PREFIXES[field.kind][:-1]}", field="where")
        if not field.key:
            raise Invalid(f"{PREFIXES[field.kind]} is followed by a key", field="where")
        if field.kind == "dataset" and field.key not in self.dataset_keys:
            raise Invalid(f"a dataset has no {field.key!r}", hint=f"it has {', '.join(self.dataset_keys)}", field="where")
        return "number" if field.kind == "metric" else "scalar" if field.kind in _SCALARS else "text"

    def check(self, atom: Atom) -> None:
        """Refuse a condition that makes no sense of its field.

        Raises:
            Invalid: there is no such field, or its values are not compared so.
        """
        type_ = self.type(atom.field)
        if isinstance(atom, Missing):
            if atom.nan and atom.field.kind != "metric":
                raise Invalid(f"{atom.field} is never nan", hint="only metrics are", field="where")
            return
        if isinstance(atom, Among) and not 1 <= len(atom.values) <= AMONG_MAX:
            raise Invalid(f"a list of {len(atom.values)} values", hint=f"1 to {AMONG_MAX}", field="where")
        textual = isinstance(atom, Compare) and atom.op in TEXTUAL
        if textual and type_ in ("number", "time"):
            raise Invalid(f"{atom.field} is no text", hint="compare it with = != < <= > >=", field="where")
        for value in (atom.value,) if isinstance(atom, Compare) else atom.values:
            _check_value(atom.field, "text" if textual else type_, value)
            if textual and len(str(value)) > _PATTERN_MAX:
                raise Invalid(f"a pattern of {len(str(value))} characters", hint=f"at most {_PATTERN_MAX}", field="where")


def atoms(node: Node, depth: int = 0) -> Iterator[Atom]:
    """The conditions of a query.

    Raises:
        Invalid: it is more than 50 deep.
    """
    if depth > DEPTH_MAX:
        raise Invalid(f"a query more than {DEPTH_MAX} deep", field="where")
    if isinstance(node, Not):
        yield from atoms(node.part, depth + 1)
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from atoms(part, depth + 1)
    else:
        yield node


def _check_value(field: Field, type_: Type, value: Value) -> None:
    if type_ == "number":
        fits, wanted = isinstance(value, int | float) and not isinstance(value, bool), "a number"
    elif type_ == "time":
        fits, wanted = isinstance(value, datetime | Ago), "an instant, such as 2013-05-01T14:00:00Z or -7d"
    elif type_ == "text":
        fits, wanted = isinstance(value, str), "text"
    else:
        fits, wanted = isinstance(value, str | int | float), "a number or text"
    if not fits:
        raise Invalid(f"{field} is compared with {wanted}", field="where")
    if type_ == "scalar" and isinstance(value, float) and not math.isfinite(value):
        raise Invalid(f"{field} is never {value}", hint=f"such parameters are kept as text: '{value}'", field="where")
    if isinstance(value, float) and math.isnan(value):
        raise Invalid(f"nothing compares with nan; ask {field} is nan", field="where")
    if isinstance(value, str) and "\0" in value:
        raise Invalid("no text holds the character 0", field="where")


def _parenthesized(part: Node) -> str:
    return f"({part})" if isinstance(part, And | Or) else str(part)


def _literal(value: Value) -> str:
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    if isinstance(value, datetime):
        return value.isoformat()
    return f"-{value.amount}{value.unit}" if isinstance(value, Ago) else repr(value)
