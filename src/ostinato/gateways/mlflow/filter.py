"""Filter: MLflow's conditions, such as ``metrics.auc > 0.7 AND tags."my key" LIKE 'a%'``, and its orders, read once for every search."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cmp_to_key
from typing import Any, Literal, TypeVar

from ostinato.kernel.errors import Invalid

T = TypeVar("T")
Value = str | float | tuple[str, ...] | None
_CLAUSES_MAX = 100
_LENGTH_MAX = 100_000
_PATTERN_MAX = 500
_ORDERS_MAX = 10
_NAME = r"""`[^`]*`|"[^"]*"|[\w][\w./-]*"""
_IDENTIFIER = re.compile(rf"\s*((?:`\w+`|\w+)\.)?({_NAME})")
_OPERATOR = re.compile(r"\s*(<=|>=|!=|=|<|>|(?:NOT\s+)?IN\b|I?LIKE\b|IS\s+NOT\s+NULL\b|IS\s+NULL\b)", re.IGNORECASE)
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.'\"])")
_TEXT = re.compile(r"""\s*(?:'((?:[^']|'')*)'|"((?:[^"]|"")*)")""")
_AND = re.compile(r"\s*AND\b", re.IGNORECASE)
_NUMERIC = {"=": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition on `key` of a `kind`; `value` is None for IS NULL and IS NOT NULL."""

    kind: str
    key: str
    op: str
    value: Value


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a search knows: attributes with their type, kinds of keyed values by each name that they have, and other names of attributes."""

    attributes: Mapping[str, Literal["text", "number"]]
    kinds: Mapping[str, str]
    lists: frozenset[str] = frozenset()
    other: Mapping[str, str] = field(default_factory=dict)
    listed_kinds: frozenset[str] = frozenset()
    sortable: frozenset[str] = frozenset()
    nullable: frozenset[str] = frozenset({"parameter", "tag"})
    scalars: frozenset[str] = frozenset()
    called: str = "attribute key"

    def clauses(self, text: str) -> list[Clause]:
        """The conditions of a filter.

        Raises:
            Invalid: it is none.
        """
        if not text.strip():
            return []
        if len(text) > _LENGTH_MAX:
            raise Invalid(f"a filter of {len(text)} signs", hint=f"at most {_LENGTH_MAX}", field="filter")
        found, at = [], 0
        while True:
            clause, at = self._clause(text, at)
            found.append(clause)
            if not text[at:].strip():
                return found
            joined = _AND.match(text, at)
            if joined is None or len(found) == _CLAUSES_MAX:
                raise _wrong(text, at, f"conditions are joined by AND, up to {_CLAUSES_MAX}")
            at = joined.end()

    def order(self, text: str) -> tuple[str, str, bool]:
        """The kind and the key by which an order goes, and whether it goes down.

        Raises:
            Invalid: it is no order.
        """
        found = re.fullmatch(rf"\s*(((?:`\w+`|\w+)\.)?({_NAME}))(?:\s+(ASC|DESC))?\s*", text, re.IGNORECASE)
        if found is None:
            raise Invalid(f"Invalid order_by clause '{text[:200]}'", hint="an identifier, and perhaps ASC or DESC", field="order_by")
        kind, key = self._identifier(found[2] or "", found[3], text, 0, self.sortable or self.attributes.keys(), "order_by")
        return kind, key, (found[4] or "").upper() == "DESC"

    def _clause(self, text: str, at: int) -> tuple[Clause, int]:
        named = _IDENTIFIER.match(text, at)
        if named is None:
            raise _wrong(text, at, "a condition begins with an attribute or a key, such as metrics.auc")
        kind, key = self._identifier(named[1] or "", named[2], text, at, self.attributes.keys(), "filter")
        compared = _OPERATOR.match(text, named.end())
        if compared is None:
            raise _wrong(text, named.end(), "=, !=, >, >=, <, <=, LIKE, ILIKE, IN, NOT IN, IS NULL or IS NOT NULL")
        op = " ".join(compared[1].upper().split())
        value, at = self._value(text, compared.end(), kind, key, op)
        return Clause(kind, key, op, value), at

    def _identifier(self, prefix: str, name: str, text: str, at: int, keys: Collection[str], field: str) -> tuple[str, str]:
        kind, key = prefix.rstrip(".").strip("`"), name[1:-1] if name[0] in '`"' else name
        if kind and kind not in self.kinds:
            known = sorted({*self.kinds.values()})
            raise Invalid(f"Invalid entity type '{kind}'. Valid values are {known}", hint=_caret(text, at), field=field)
        kind = self.kinds[kind] if kind else "attribute"
        if kind == "attribute":
            key = self.other.get(key, key)
            if key not in keys:
                said = f"Invalid {'order_by key' if field == 'order_by' else self.called} '{key}' specified. Valid keys are {sorted(keys)}"
                raise Invalid(said, hint=_caret(text, at), field=field)
        if kind == "dataset" and key not in ("name", "digest", "context"):
            raise Invalid(f"Invalid dataset key '{key}' specified. Valid keys are name, digest, context", field="filter")
        return kind, key

    def _value(self, text: str, at: int, kind: str, key: str, op: str) -> tuple[Value, int]:
        numeric = kind == "metric" or (kind == "attribute" and self.attributes[key] == "number")
        if op.startswith("IS"):
            if kind not in self.nullable:
                raise _wrong(text, at, "IS NULL / IS NOT NULL is only supported for tags and params")
            return None, at
        if kind in self.scalars and op in _NUMERIC and (found := _NUMBER.match(text, at)):
            return float(found[1]), found.end()
        if numeric:
            number = _NUMBER.match(text, at)
            if number is None or op not in _NUMERIC:
                raise _wrong(text, at, f"Expected numeric value type for {kind} '{key}', compared by one of {', '.join(_NUMERIC)}")
            return float(number[1]), number.end()
        if op.endswith("IN"):
            if key not in self.lists and kind not in self.listed_kinds:
                known = sorted({*self.lists, *self.listed_kinds})
                raise _wrong(text, at, f"Only {known} support comparison with a list of quoted string values")
            return self._list(text, at)
        found = _TEXT.match(text, at)
        if found is None or op not in ("=", "!=", "LIKE", "ILIKE"):
            raise _wrong(text, at, f"Expected a quoted string value for {kind} (e.g. 'my-value'), compared by =, !=, LIKE or ILIKE")
        value = _unquoted(found)
        if op in ("LIKE", "ILIKE") and len(value) > _PATTERN_MAX:
            raise Invalid(f"a pattern of {len(value)} signs", hint=f"at most {_PATTERN_MAX}", field="filter")
        return value, found.end()

    def _list(self, text: str, at: int) -> tuple[tuple[str, ...], int]:
        opened = re.compile(r"\s*\(").match(text, at)
        values: list[str] = []
        at = opened.end() if opened else at
        while opened and (found := _TEXT.match(text, at)):
            values.append(_unquoted(found))
            closed = re.compile(r"\s*([,)])").match(text, found.end())
            if closed is None:
                break
            at = closed.end()
            last = re.compile(r"\s*\)").match(text, at) if closed[1] == "," else None
            if last or closed[1] == ")":
                return tuple(values), last.end() if last else at
        raise _wrong(text, at, "expected a list of quoted string values, such as ('a', 'b')")


def few(orders: Sequence[T]) -> Sequence[T]:
    """The same orders.

    Raises:
        Invalid: there are more than anybody sorts by.
    """
    if len(orders) > _ORDERS_MAX:
        raise Invalid(f"{len(orders)} orders at once", hint=f"at most {_ORDERS_MAX}", field="order_by")
    return orders


def holds(clause: Clause, value: Any) -> bool:
    """Whether a value meets a condition; what is absent (None) meets IS NULL and nothing else."""
    if clause.op.startswith("IS"):
        return (value is None) is (clause.op == "IS NULL")
    if value is None:
        return False
    match clause.op, clause.value:
        case "LIKE", str(pattern):
            return like(str(value), pattern)
        case "ILIKE", str(pattern):
            return like(str(value).lower(), pattern.lower())
        case "IN", tuple(among):
            return value in among
        case "NOT IN", tuple(among):
            return value not in among
    compare: Callable[[Any, Any], Any] = _NUMERIC[clause.op]
    return bool(compare(value, clause.value))


def like(text: str, pattern: str) -> bool:
    """Whether a text has the look of a pattern, in which `%` stands for anything and `_` for one sign.

    All ways to match go on side by side, each a bit: how many signs of the pattern it has behind it. So it is linear in the text.

    >>> like("abc", "a%"), like("abc", "_b_"), like("abc", "A%")
    (True, True, False)
    """
    fits: dict[str, int] = {}
    any_fits = stays = length = 0
    for sign in pattern:
        if sign == "%":
            stays |= 1 << length
            continue
        if sign == "_":
            any_fits |= 1 << length
        else:
            fits[sign] = fits.get(sign, 0) | 1 << length
        length += 1
    ways = 1
    for sign in text:
        ways = (ways & (fits.get(sign, 0) | any_fits)) << 1 | ways & stays
        if not ways:
            return False
    return bool(ways >> length)


def ordered(found: Iterable[T], by: Sequence[tuple[Callable[[T], Any], bool]]) -> list[T]:
    """Things in an order by several keys; each goes up or `down`, and what is absent comes last in both."""

    def compare(a: T, b: T) -> int:
        for key, down in by:
            left, right = key(a), key(b)
            if left == right:
                continue
            if left is None or right is None:
                return 1 if left is None else -1
            return (1 if left > right else -1) * (-1 if down else 1)
        return 0

    return sorted(found, key=cmp_to_key(compare))


def _unquoted(found: re.Match[str]) -> str:
    return found[1].replace("''", "'") if found[1] is not None else found[2].replace('""', '"')


def _wrong(text: str, at: int, expected: str) -> Invalid:
    return Invalid(
        f"Invalid clause(s) in filter string: '{text[at : at + 100].strip()}'. {expected}", hint=_caret(text, at), field="filter"
    )


def _caret(text: str, at: int) -> str:
    """The filter with a mark at a place."""
    return f"{text}\n{' ' * (at + len(text[at:]) - len(text[at:].lstrip()))}^" if len(text) <= 200 else ""
