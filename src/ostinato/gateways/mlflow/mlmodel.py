"""Mlmodel: what of the file `MLmodel` this store understands: the signature."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ostinato.registry.types import Dtype, Field, Signature

_PART = re.compile(r"^  (inputs|outputs): '((?:[^']|'')*)'", re.MULTILINE)
_SIGNATURE = re.compile(r"^signature:\n((?:  .*\n|\s*\n)*)", re.MULTILINE)
_TYPES: dict[str, Dtype] = {
    "boolean": "bool", "integer": "int64", "long": "int64", "float": "float64", "double": "float64", "string": "string",
}  # fmt: skip


def signature_in(content: bytes) -> Signature:
    """The columns that the file names, those of kinds that this store has no type for left out; none, if it says nothing of them.

    >>> signature_in(b"signature:\\n  inputs: '[{\\"name\\": \\"x\\", \\"type\\": \\"double\\"}]'\\n").inputs
    [Field(name='x', dtype='float64', nullable=False, categories=None)]
    """
    found = _SIGNATURE.search(content.decode("utf-8", "replace") + "\n")
    parts = {part[1]: re.sub(r"\s*\n\s*", " ", part[2]).replace("''", "'") for part in _PART.finditer(found[1] if found else "")}
    return Signature(inputs=_fields(parts.get("inputs", "")), outputs=_fields(parts.get("outputs", "")))


def _fields(text: str) -> list[Field]:
    try:
        columns: Any = msgspec.json.decode(text) if text else []
    except (msgspec.DecodeError, RecursionError):
        return []
    return [
        Field(name=column["name"], dtype=_TYPES[column["type"]], nullable=not column.get("required", True))
        for column in (columns if isinstance(columns, list) else [])
        if isinstance(column, dict) and isinstance(column.get("name"), str) and column.get("type") in _TYPES
    ]
