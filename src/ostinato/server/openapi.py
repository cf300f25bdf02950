"""OpenAPI 3.1 from the Ops, deterministic, so that docs/openapi.json can be compared."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import msgspec

from ostinato.app import SLICES
from ostinato.kernel.frozen import frozen
from ostinato.kernel.operation import Op
from ostinato.kernel.ref import Ref
from ostinato.kernel.signature import Parameter, Signature, placeholders, signature_of
from ostinato.server import sign_in, system
from ostinato.server.routes import shape

_CREDENTIALS = {
    "token": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-ostinato"},
}
_REFS = "#/components/schemas/{name}"


@frozen
class Problem:
    """The fields of every error; further ones depend on the type."""

    type: str
    message: str
    hint: str


@frozen
class Failure:
    """The body of every reply that is not a success."""

    error: Problem


def render(slices: Sequence[ModuleType]) -> bytes:
    """The document as JSON with sorted keys."""
    return json.dumps(document(slices), indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def document(slices: Sequence[ModuleType]) -> dict[str, Any]:
    """The document: a path per Op, a schema per type that travels."""
    ops = [(module.NAME, op, signature_of(op)) for module in [*slices, system, sign_in] for op in module.OPS]
    schemas = _Schemas([s for _, _, s in ops])
    paths: dict[str, dict[str, Any]] = {}
    first: dict[str, str] = {}
    for face, op, signature in ops:
        named = first.setdefault(shape(op.path), op.path)  # paths of one shape are one path, and name their placeholders alike
        names = dict(zip((n for n, _ in placeholders(op.path)), (n for n, _ in placeholders(named)), strict=True))
        paths.setdefault("/api/v1" + _template(named), {})[op.method.lower()] = _operation(face, op, signature, schemas, names)
    described = {
        "openapi": "3.1.0",
        "info": {"title": "Ostinato", "version": "1", "description": "The whole machine-learning lifecycle in one store."},
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": _CREDENTIALS},
        "security": [{name: []} for name in _CREDENTIALS],
    }
    plain: dict[str, Any] = msgspec.to_builtins(described, enc_hook=str)  # defaults of fields may be tuples or Refs
    return plain


class _Schemas:
    """JSON Schemas of all annotations of all Ops, with shared components."""

    def __init__(self, signatures: Sequence[Signature]) -> None:
        self._annotations: list[Any] = [Failure]
        for s in signatures:
            self._annotations += [*(p.annotation for p in s.parameters), s.returns]
        found, self.components = msgspec.json.schema_components(self._annotations, schema_hook=_hook, ref_template=_REFS)
        self._found = list(found)

    def of(self, annotation: Any) -> dict[str, Any]:
        """The schema of one annotation."""
        at = next(i for i, a in enumerate(self._annotations) if a is annotation or a == annotation)
        return self._found[at]


def _operation(face: str, op: Op, signature: Signature, schemas: _Schemas, names: Mapping[str, str]) -> dict[str, Any]:
    lines = (inspect.getdoc(op.verb) or op.name).split("\n")
    content = (
        {"application/octet-stream": {}} if signature.returns is bytes else {"application/json": {"schema": schemas.of(signature.returns)}}
    )
    described: dict[str, Any] = {
        "operationId": f"{face}.{op.name}",
        "tags": [face],
        "summary": lines[0],
        "description": "\n".join(lines[1:]).strip(),
        "parameters": [_parameter(p, schemas, names) for p in (*signature.at("path"), *signature.at("query"))],
        "responses": {
            str(op.status): {"description": "done", "content": content},
            "default": {"description": "an error", "content": {"application/json": {"schema": schemas.of(Failure)}}},
        },
        "x-permission": op.needs or "any signed-in actor",
    }
    if op.needs == "public":
        described["security"] = []
    if signature.at("raw"):
        described["requestBody"] = {"content": {"application/octet-stream": {}}}  # not required: no bytes are an empty file
    elif body := signature.at("body"):
        described["requestBody"] = _body(body, schemas)
    return described


def _parameter(p: Parameter, schemas: _Schemas, names: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"name": names.get(p.name, p.name), "in": p.place, "required": p.required or p.place == "path"}
    if p.scalar or p.repeated:
        return told | {"schema": schemas.of(p.annotation)}
    return told | {"content": {"application/json": {"schema": schemas.of(p.annotation)}}}


def _body(parameters: Sequence[Parameter], schemas: _Schemas) -> dict[str, Any]:
    properties = {p.name: schemas.of(p.annotation) for p in parameters}
    required = [p.name for p in parameters if p.required]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def _template(path: str) -> str:
    for name, converter in placeholders(path):
        path = path.replace(f"{{{name}:{converter}}}", f"{{{name}}}")
    return path


def _hook(kind: type) -> dict[str, Any]:
    if kind is Ref:
        return {"type": "string", "format": "ref", "examples": ["model:late@7"]}
    raise NotImplementedError(f"{kind.__name__} does not travel")


if __name__ == "__main__":
    sys.stdout.buffer.write(render(SLICES))
