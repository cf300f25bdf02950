"""The parameters of a pipeline read from its source, so that starting an execution need not import what the pipeline imports."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import sys
from collections.abc import Mapping
from inspect import Parameter, Signature
from typing import Any

import msgspec

from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.frozen import frozen
from ostinato.pipelines.definition import Pipeline, locate
from ostinato.pipelines.types import Taken

_PLAIN = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict, "tuple": tuple, "Any": Any}
_GENERIC: dict[str, Any] = {"list": list, "dict": dict}
_LATER = object()
"""A default that is not a plain constant: whoever runs the pipeline fills it in."""


class _Unclear(Exception):
    """The source is too dynamic to be read without importing it."""


@frozen
class Outline:
    """The parameters and options of a pipeline."""

    name: str
    summary: str
    signature: Signature
    hints: Mapping[str, Any]
    queue: str
    priority: int
    tags: tuple[str, ...]

    def bind(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All arguments by name, with those defaults that are known.

        Raises:
            Invalid: one is missing or unknown.
        """
        try:
            bound = self.signature.bind(**given)
        except TypeError as error:
            raise Invalid(f"{self.name}: {error}", hint=f"call it as {self.name}{self._signature_text()}") from None
        bound.apply_defaults()
        return {name: value for name, value in bound.arguments.items() if value is not _LATER}

    def takes(self) -> list[Taken]:
        """The parameters in their order. A type stands as it is annotated, a default as its value is written."""
        return [
            Taken(
                name=name,
                type="" if (kind := self.hints.get(name)) is None else kind.__name__ if isinstance(kind, type) else str(kind),
                default="" if given.default is Parameter.empty else "…" if given.default is _LATER else repr(given.default),
                required=given.default is Parameter.empty,
            )
            for name, given in self.signature.parameters.items()
        ]

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of the parameters; one whose annotation is not known takes anything."""
        shapes = {name: _shape(self.hints.get(name)) for name in self.signature.parameters}
        definitions = {name: shape for _, found in shapes.values() for name, shape in found.items()}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {name: shape | _preset(self.signature.parameters[name].default) for name, (shape, _) in shapes.items()},
            "required": [name for name, given in self.signature.parameters.items() if given.default is Parameter.empty],
            "additionalProperties": False,
        } | ({"$defs": definitions} if definitions else {})

    def _signature_text(self) -> str:
        return str(self.signature).replace("*, ", "", 1).replace(repr(_LATER), "…")


def _shape(hint: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON Schema of a type, with the definitions that it refers to."""
    if hint is None or hint is Any:
        return {}, {}
    try:
        (shape,), definitions = msgspec.json.schema_components([hint], schema_hook=lambda _: {}, ref_template="#/$defs/{name}")
    except (TypeError, NotImplementedError):
        return {}, {}  # an annotation that msgspec cannot read promises nothing
    return shape, definitions


def _preset(default: Any) -> dict[str, Any]:
    return {"default": default} if default is None or isinstance(default, (bool, int, float, str, list, dict)) else {}


def outline(target: str) -> Outline:
    """The outline of the pipeline at `module:function`; the module is imported only where its source does not say it plainly.

    Raises:
        NotFound: there is no pipeline.
    """
    module, _, name = target.partition(":")
    if module not in sys.modules:
        with contextlib.suppress(_Unclear):  # then the import below tells, or says what is wrong
            return _read(module, name)
    found = locate(target)
    if not isinstance(found, Pipeline):
        raise NotFound(f"{target!r} is not a pipeline", hint="decorate the function with @ost.pipeline")
    return outline_of(found)


def outline_of(found: Pipeline[..., Any]) -> Outline:
    """The outline of a pipeline that is loaded."""
    return Outline(
        name=found.name, summary=(found.__doc__ or "").strip().split("\n")[0], signature=found.signature, hints=found.hints,
        queue=found.queue, priority=found.priority, tags=found.tags,
    )  # fmt: skip


def _read(module: str, name: str) -> Outline:
    try:
        spec = importlib.util.find_spec(module)
        text = spec.loader.get_source(module)  # type: ignore[union-attr]
        body = ast.parse(text or "").body
    except (ImportError, AttributeError, SyntaxError, ValueError):
        raise _Unclear from None
    found = next((n for n in body if isinstance(n, ast.FunctionDef) and n.name == name), None)
    if found is None:
        raise _Unclear
    options = _options(found)
    if not set(options) <= {"name", "queue", "priority", "tags"}:
        raise _Unclear
    arguments = found.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return Outline(
        name=options.get("name") or name,
        summary=(ast.get_docstring(found) or "").split("\n")[0],
        signature=_signature(arguments),
        hints={a.arg: kind for a in named if a.annotation is not None and (kind := _kind(a.annotation)) is not _LATER},
        queue=options.get("queue", "default"),
        priority=options.get("priority", 0),
        tags=tuple(options.get("tags", ())),
    )


def _options(function: ast.FunctionDef) -> dict[str, Any]:
    """The arguments of `@pipeline(…)`."""
    if len(function.decorator_list) != 1:
        raise _Unclear
    (decorator,) = function.decorator_list
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    if (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) != "pipeline":
        raise _Unclear
    if not isinstance(decorator, ast.Call):
        return {}
    if decorator.args:
        raise _Unclear
    return {k.arg or "**": _constant(k.value) for k in decorator.keywords}


def _signature(arguments: ast.arguments) -> Signature:
    if arguments.vararg is not None or arguments.kwarg is not None:
        raise _Unclear
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(plain) - len(arguments.defaults)) + arguments.defaults
    given = zip([*plain, *arguments.kwonlyargs], [*defaults, *arguments.kw_defaults], strict=True)
    named = [Parameter(a.arg, Parameter.KEYWORD_ONLY, default=Parameter.empty if d is None else _default(d)) for a, d in given]
    return Signature(named)


def _default(node: ast.expr) -> Any:
    try:
        return _constant(node)
    except _Unclear:
        return _LATER


def _constant(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise _Unclear from None


def _kind(node: ast.expr) -> Any:
    """The type that an annotation names, if it is made of plain ones; otherwise `_LATER`."""
    if isinstance(node, ast.Constant):
        return None if node.value is None else _LATER
    if isinstance(node, ast.Name):
        return _PLAIN.get(node.id, _LATER)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = _kind(node.left), _kind(node.right)
        return _LATER if _LATER in sides else sides[0] | sides[1]
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in _GENERIC:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        kinds = tuple(_kind(part) for part in parts)
        return _LATER if _LATER in kinds else _GENERIC[node.value.id][kinds]
    return _LATER
