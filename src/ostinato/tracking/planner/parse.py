"""A recursive-descent parser of queries (see `query`); errors show a caret under the mistake."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from ostinato.kernel.errors import Invalid
from ostinato.tracking.query import (
    AGGREGATES,
    CONDITIONS_MAX,
    DEPTH_MAX,
    PREFIXES,
    TEXTUAL,
    UNITS,
    Ago,
    Among,
    And,
    Atom,
    Compare,
    Field,
    Kind,
    Missing,
    Node,
    Not,
    Or,
    Order,
    Type,
    Value,
    Vocabulary,
)

LENGTH_MAX = 20_000
_AROUND = 60
_OPERATORS = {
    "=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "~": "~", "!~": "!~",
    "like": "like", "ilike": "ilike", "not like": "not like", "not ilike": "not ilike",
}  # fmt: skip
_SPOKEN: dict[str, Kind] = {
    "metrics": "metric", "metric": "metric", "params": "param", "param": "param", "parameters": "param", "parameter": "param",
    "tags": "tag", "tag": "tag", "datasets": "dataset", "dataset": "dataset", "attributes": "attribute", "attribute": "attribute",
    "attr": "attribute", "metadata": "metadata", "span": "span", "spans": "span", "feedback": "feedback", "expectation": "expectation",
    "expectations": "expectation",
}  # fmt: skip
_BLANK = re.compile(r"\s*")
_SIGN = re.compile(r"==|!=|<>|<=|>=|!~|[=<>~]")
_WORD = re.compile(r"[^\s=!<>~()\"'`,]+")
_VERB = re.compile(r"(?:not\s+)?(?:like|ilike|in)\b|is\b", re.IGNORECASE)
_JOIN = re.compile(r"(?:and|or)(?![^\s()])", re.IGNORECASE)
_NOT = re.compile(r"not(?=[\s(])", re.IGNORECASE)
_IS = re.compile(r"(not\s+)?(null|nan)(?![^\s()])", re.IGNORECASE)
_WAY = re.compile(r"(?:asc|desc)(?![^\s,])", re.IGNORECASE)
_JOINS = re.compile(r"(?:(?:asc|desc)\s*(?:,|$))|(?:and|or|not)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_ENDLESS = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_AGO = re.compile(r"-(\d{1,9})([smhdw])")
_OPERATORS_HINT = "=, !=, <, <=, >, >=, ~, like, in (…) or is null"


def parse(text: str, vocabulary: Vocabulary) -> Node:
    """The tree of a query.

    Raises:
        Invalid: it is malformed, or asks for what there is not; the message shows where.
    """
    return _Parser(text, vocabulary, "where").whole()


def parse_all(texts: Sequence[str], vocabulary: Vocabulary) -> Node:
    """The tree of several queries, all of which must hold."""
    parts = tuple(parse(text, vocabulary) for text in texts)
    return parts[0] if len(parts) == 1 else And(parts)


def parse_order(text: str, vocabulary: Vocabulary) -> tuple[Order, ...]:
    """The keys of an order, the first one first: `-metrics.auc, params.depth` or `metrics.auc desc, params.depth`.

    Raises:
        Invalid: it is malformed, or names what there is not.
    """
    return _Parser(text, vocabulary, "order_by").orders()


class _Parser:
    def __init__(self, text: str, vocabulary: Vocabulary, field: str) -> None:
        if len(text) > LENGTH_MAX:
            raise Invalid(f"a query of {len(text)} characters", hint=f"at most {LENGTH_MAX}", field=field)
        self._text = text
        self._at = 0
        self._vocabulary = vocabulary
        self._field_name = field
        self._conditions = 0
        self._open = 0

    def whole(self) -> Node:
        node = self._either(0)
        if self._at < len(self._text):
            self._fail("expected `and`, `or` or the end", hint="put text that holds such words into quotes")
        return node

    def orders(self) -> tuple[Order, ...]:
        found = [self._order()]
        while self._takes(","):
            found.append(self._order())
        if self._at < len(self._text):
            self._fail("expected , or the end of the order", hint="a field, with - before it or desc behind it for descending")
        return tuple(found)

    def _order(self) -> Order:
        down = self._takes("-")
        start = self._at
        field = self._field()
        if way := self._match(_WAY):
            down = way.lower() == "desc"
        self._checked(start, lambda: self._vocabulary.type(field))
        return Order(field, down)

    def _either(self, depth: int) -> Node:
        return self._joined(Or, "or", lambda: self._joined(And, "and", lambda: self._one(depth)))

    def _joined(self, made: type[And] | type[Or], word: str, part: Callable[[], Node]) -> Node:
        parts = [part()]
        while (found := self._peek(_JOIN)) is not None and found.lower() == word:
            self._skip(len(found))
            parts.append(part())
        return parts[0] if len(parts) == 1 else made(tuple(parts))

    def _one(self, depth: int) -> Node:
        if depth >= DEPTH_MAX:
            self._fail(f"more than {DEPTH_MAX} deep")
        if self._match(_NOT):
            return Not(self._one(depth + 1))
        if self._takes("("):
            self._open += 1
            node = self._either(depth + 1)
            self._open -= 1
            if not self._takes(")"):
                self._fail("expected )")
            return node
        return self._condition()

    def _condition(self) -> Atom:
        self._conditions += 1
        if self._conditions > CONDITIONS_MAX:
            self._fail(f"more than {CONDITIONS_MAX} conditions")
        start = self._at
        field = self._field()
        type_ = self._checked(start, lambda: self._vocabulary.type(field))
        self._skip(0)
        at = self._at
        sign = (self._match(_SIGN) or self._match(_VERB) or "").lower()
        verb = " ".join(sign.split())
        if not verb:
            self._fail("expected an operator", hint=_OPERATORS_HINT)
        atom: Atom
        if verb == "is":
            atom = self._missing(field)
        elif verb in ("in", "not in"):
            atom = Among(field, self._list(field, type_), verb == "not in")
        else:
            value = self._value(field, "text" if verb in TEXTUAL else type_) if verb not in TEXTUAL or type_ in ("text", "scalar") else ""
            atom = Compare(field, _OPERATORS[verb], value)  # type: ignore[arg-type]
        self._checked(at, lambda: self._vocabulary.check(atom))
        return atom

    def _missing(self, field: Field) -> Missing:
        found = self._match(_IS)
        if found is None:
            self._fail("expected null, nan, not null or not nan")
        words = found.lower().split()
        return Missing(field, negated=words[0] == "not", nan=words[-1] == "nan")

    def _list(self, field: Field, type_: Type) -> tuple[Value, ...]:
        if not self._takes("("):
            self._fail("expected ( and a list of values")
        values = [self._value(field, type_, listed=True)]
        while self._takes(","):
            values.append(self._value(field, type_, listed=True))
        if not self._takes(")"):
            self._fail("expected , or )")
        return tuple(values)

    def _field(self) -> Field:
        self._skip(0)
        start = self._at
        if (word := self._peek(_WORD)) in AGGREGATES and self._text.startswith("(", self._at + len(word)):
            self._skip(len(word) + 1)
            field = self._field()
            if field.kind != "metric" or field.of != "last":
                self._fail(f"{word} is of a metric", start, hint=f"{word}(metrics.loss)")
            if not self._takes(")"):
                self._fail("expected )")
            return Field("metric", field.key, word)
        if word is None:
            self._fail("expected a field", hint=f"metrics.auc > 0.7, params.depth = 5, tags.kind = tuned, or {self._names()}")
        head, dot, _ = word.partition(".")
        if not dot or head.lower() not in _SPOKEN:
            self._skip(len(word))
            if word not in self._vocabulary.attributes:
                self._fail(f"a {self._vocabulary.noun} has no {word!r}", start, hint=self._near(word))
            return Field("attribute", word)
        self._at += len(head) + 1
        return Field(_SPOKEN[head.lower()], self._key())

    def _key(self) -> str:
        quote = self._text[self._at : self._at + 1]
        if quote in ('"', "`") and quote:
            return self._quoted(quote)
        start = self._at
        while (word := _WORD.match(self._text, self._at)) and not (self._at > start and _ends_key(self._text, self._at)):
            self._at = word.end()
            blank = _BLANK.match(self._text, self._at)
            end = blank.end() if blank else self._at
            if not _WORD.match(self._text, end) or _ends_key(self._text, end):
                break
            self._at = end  # a key of several words
        if self._at == start:
            self._fail("expected a key", hint="put one with other characters into backticks")
        return self._text[start : self._at].rstrip()

    def _quoted(self, quote: str) -> str:
        start = self._at
        parts: list[str] = []
        while True:
            end = self._text.find(quote, self._at + 1)
            if end < 0:
                self._fail(f"this {quote} is not closed", start)
            parts.append(self._text[self._at + 1 : end])
            self._at = end
            if not self._text.startswith(quote, end + 1):
                self._at = end + 1
                return quote.join(parts)
            self._at = end + 1

    def _value(self, field: Field, type_: Type, *, listed: bool = False) -> Value:
        self._skip(0)
        start = self._at
        quote = self._text[start : start + 1]
        if quote in ('"', "'") and quote:
            text, quoted = self._quoted(quote), True
        else:
            text, quoted = self._bare_word(listed), False
            if not text:
                self._fail("expected a value", start)
        if type_ == "text" or (type_ == "scalar" and (quoted or not _NUMBER.fullmatch(text))):
            return text
        if type_ == "time":
            return self._instant(field, text, start)
        if quoted or not (_NUMBER.fullmatch(text) or _ENDLESS.fullmatch(text)):
            hint = f"ask {field} is nan" if text.lower() == "nan" else "a number stands without quotes"
            self._fail(f"{field} is compared with a number", start, hint=hint)
        whole = re.fullmatch(r"[+-]?\d{1,18}", text)
        return int(text) if whole else float(text)

    def _bare_word(self, listed: bool) -> str:
        """Text without quotes: up to `and`, `or`, a closing parenthesis or the end, in a list up to a comma as well."""
        start = end = self._at
        stops = ",)" if listed else ")" if self._open else ""
        while self._at < len(self._text) and self._text[self._at] not in stops:
            if self._text[self._at].isspace():
                blank = _BLANK.match(self._text, self._at)
                after = blank.end() if blank else self._at + 1
                if _JOIN.match(self._text, after):
                    break
                self._at = after
            else:
                self._at += 1
                end = self._at
        self._skip(0)
        return self._text[start:end]

    def _instant(self, field: Field, text: str, start: int) -> Value:
        if text.lower() == "now":
            return Ago(0)
        if ago := _AGO.fullmatch(text):
            return Ago(int(ago[1]), ago[2])  # type: ignore[arg-type]
        try:
            found = datetime.fromisoformat(text)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            units = ", ".join(UNITS)
            self._fail(f"{field} is compared with an instant", start, hint=f"2013-05-01, 2013-05-01T14:00:00Z, now or -7d (units {units})")

    def _peek(self, pattern: re.Pattern[str]) -> str | None:
        self._skip(0)
        found = pattern.match(self._text, self._at)
        return found[0] if found else None

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        found = self._peek(pattern)
        if found is not None:
            self._skip(len(found))
        return found

    def _takes(self, sign: str) -> bool:
        self._skip(0)
        there = self._text.startswith(sign, self._at)
        if there:
            self._skip(len(sign))
        return there

    def _skip(self, more: int) -> None:
        """Go on by so many characters, and over the blanks behind."""
        blank = _BLANK.match(self._text, self._at + more)
        self._at = blank.end() if blank else self._at + more

    def _checked(self, at: int, check: Callable[[], Any]) -> Any:
        try:
            return check()
        except Invalid as refused:
            self._fail(refused.message, at, hint=refused.hint)

    def _names(self) -> str:
        return ", ".join(self._vocabulary.attributes)

    def _near(self, word: str) -> str:
        key = word.partition(".")[2] or word
        under = [PREFIXES[kind] + key for kind in sorted(self._vocabulary.kinds - {"dataset"})]
        near = difflib.get_close_matches(word[:200], [*self._vocabulary.attributes, *(under if "." in word else [])], n=3, cutoff=0.6)
        return f"did you mean {', '.join(near or under)}? There are {self._names()} as well"

    def _fail(self, what: str, at: int | None = None, *, hint: str = "") -> NoReturn:
        at = self._at if at is None else at
        start = max(0, self._text.rfind("\n", 0, at) + 1, at - _AROUND)
        end = self._text.find("\n", at)
        shown = self._text[start : min(len(self._text) if end < 0 else end, at + _AROUND)]
        shown = "".join(character if character.isprintable() else " " for character in shown)
        raise Invalid(f"{what}\n  {shown}\n  {' ' * (at - start)}^", hint=hint, field=self._field_name)


def _ends_key(text: str, at: int) -> bool:
    """Whether what stands there is an operator in words, and no further word of a key."""
    return bool(_VERB.match(text, at) or _JOINS.match(text, at))
