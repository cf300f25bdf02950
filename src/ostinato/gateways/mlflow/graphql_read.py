"""GraphQL read: documents of the query language (October 2021), as far as pages ask: operations, fragments, variables, values.

Descriptions, subscriptions and the language of schemas are not read; directives are passed over, but for `@skip` and `@include`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostinato.kernel.errors import Invalid

DEPTH_MAX, SELECTIONS_MAX, ROOTS_MAX, ALIASES_MAX = 10, 1_000, 10, 10
"""What a query may hold, as MLflow bounds it."""
_LENGTH_MAX = 100_000
_TOKEN = re.compile(
    r"(?:[\s,\ufeff]|#[^\n]*(?:\n|$))*(?P<token>\.\.\.|[!$()\[\]{}:=@|&]|[_A-Za-z]\w*|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
    r'|"""(?:\\"""|[^"]|"(?!""))*"""|"(?:\\.|[^"\\\n])*"|$)'
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that comes with the request."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is asked for, by the name that it is to have in the reply."""

    name: str
    alias: str
    arguments: dict[str, Any]
    selections: tuple[Any, ...]
    on: tuple[tuple[str, Any], ...]
    """Under which directives: `skip` and `include`, with their conditions."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Fields that stand for themselves: a fragment by its name, or one that stands there."""

    name: str
    selections: tuple[Any, ...]
    on: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """What is asked for at once."""

    kind: str
    name: str
    variables: dict[str, Any]
    """The variables by their names, with what they are unless they are given."""
    selections: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """Operations, and the fragments that they share."""

    operations: tuple[Operation, ...]
    fragments: Mapping[str, tuple[Any, ...]]


def read(text: str) -> Document:
    """The document that a text is.

    Raises:
        Invalid: it is none, or it is larger than anybody needs.
    """
    if len(text) > _LENGTH_MAX:
        raise Invalid(f"a query of {len(text)} signs", hint=f"at most {_LENGTH_MAX}", field="query")
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at, self._seen, self._deep = text, 0, 0, 0
        self._now = self._next()

    def document(self) -> Document:
        operations, fragments = [], {}
        while self._now:
            if self._now == "fragment":
                self._take()
                name = self._take()
                self._take("on")
                self._take()
                self._directives()
                fragments[name] = self._selections()
            else:
                operations.append(self._operation())
        return Document(tuple(operations), fragments)

    def _operation(self) -> Operation:
        if self._now == "{":
            return Operation("query", "", {}, self._selections())
        if self._now not in ("query", "mutation"):
            raise self._odd("query, mutation, fragment or {")
        kind = self._take()
        name = self._take() if self._now not in ("(", "{", "@") else ""
        variables: dict[str, Any] = {}
        if self._is("("):
            while not self._is(")"):
                self._take("$")
                variable = self._take()
                self._take(":")
                self._type()
                variables[variable] = self._value() if self._is("=") else None
                self._directives()
        self._directives()
        return Operation(kind, name, variables, self._selections())

    def _type(self) -> None:
        while self._is("["):
            pass
        self._take()
        while self._is("]") or self._is("!"):
            pass

    def _selections(self) -> tuple[Any, ...]:
        self._take("{")
        self._deep += 1
        if self._deep > 10 * DEPTH_MAX:
            raise Invalid(f"Query exceeds maximum depth of {DEPTH_MAX}", field="query")
        found: list[Any] = []
        while not self._is("}"):
            self._seen += 1
            if self._seen > 10 * SELECTIONS_MAX:
                raise Invalid(f"Query exceeds maximum total selections of {SELECTIONS_MAX}", field="query")
            found.append(self._spread() if self._is("...") else self._field())
        self._deep -= 1
        return tuple(found)

    def _field(self) -> Field:
        alias = name = self._name()
        if self._is(":"):
            name = self._name()
        arguments: dict[str, Any] = {}
        if self._is("("):
            while not self._is(")"):
                argument = self._name()
                self._take(":")
                arguments[argument] = self._value()
        on = self._directives()
        return Field(name, alias, arguments, self._selections() if self._now == "{" else (), on)

    def _spread(self) -> Spread:
        name = ""
        if self._is("on"):
            self._name()
        elif self._now not in ("{", "@"):
            name = self._name()
        on = self._directives()
        return Spread(name, () if name else self._selections(), on)

    def _directives(self) -> tuple[tuple[str, Any], ...]:
        found = []
        while self._is("@"):
            name, given = self._name(), None
            if self._is("("):
                while not self._is(")"):
                    self._name()
                    self._take(":")
                    given = self._value()
            if name in ("skip", "include"):
                found.append((name, given))
        return tuple(found)

    def _value(self) -> Any:
        if self._is("$"):
            return Variable(self._name())
        self._deep += 1
        if self._deep > 10 * DEPTH_MAX:
            raise Invalid(f"Query exceeds maximum depth of {DEPTH_MAX}", field="query")
        try:
            if self._is("["):
                found = []
                while not self._is("]"):
                    found.append(self._value())
                return found
            if self._is("{"):
                given = {}
                while not self._is("}"):
                    name = self._name()
                    self._take(":")
                    given[name] = self._value()
                return given
        finally:
            self._deep -= 1
        return self._scalar(self._take())

    def _scalar(self, token: str) -> Any:
        if token.startswith('"""'):
            return token[3:-3].replace('\\"""', '"""').strip()
        if token in ("true", "false", "null") or token[0] in '"-0123456789':
            try:
                return json.loads(token)
            except ValueError:
                raise self._odd("a value") from None
        if not token[0].isalpha() and token[0] != "_":
            raise self._odd("a value")
        return token

    def _name(self) -> str:
        if not self._now[:1].isalpha() and self._now[:1] != "_":
            raise self._odd("a name")
        return self._take()

    def _is(self, token: str) -> bool:
        if self._now != token:
            return False
        self._take()
        return True

    def _take(self, wanted: str = "") -> str:
        token = self._now
        if not token or (wanted and token != wanted):
            raise self._odd(wanted or "more")
        self._now = self._next()
        return token

    def _next(self) -> str:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise Invalid(f"Syntax Error: unexpected {self._text[self._at : self._at + 20].strip()!r}", field="query")
        self._at = found.end()
        return found["token"]

    def _odd(self, wanted: str) -> Invalid:
        return Invalid(f"Syntax Error: expected {wanted}, found {self._now[:50] or 'the end'!r}", field="query")
