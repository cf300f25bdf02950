"""The Open Inference Protocol V2 over REST: requests to columns, scores to replies, in JSON and in binary tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import orjson

from ostinato.kernel.errors import Invalid, OstinatoError
from ostinato.kernel.instant import instant_from
from ostinato.registry.types import Field, Signature

Columns = dict[str, np.ndarray[Any, Any]]
DATATYPES = {"float64": "FP64", "int64": "INT64", "bool": "BOOL", "string": "BYTES"}
"""The datatype of a tensor for each type of a signature's column."""
_WIRE: dict[str, np.dtype[Any]] = {
    name: np.dtype(code)
    for name, code in {
        "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
        "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
    }.items()
}  # fmt: skip
_ROWS_MAX = 100_000
_EXACT = 2**53


class RequestError(OstinatoError):
    """A request that cannot be served: the status, and the sentence for the body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Tensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] = {}
    data: Any = msgspec.UNSET


class _Output(msgspec.Struct):
    name: str
    parameters: dict[str, Any] = {}


class _Body(msgspec.Struct):
    inputs: list[_Tensor]
    id: str | None = None
    parameters: dict[str, Any] = {}
    outputs: list[_Output] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request that fits the signature: equally long columns, the sticky key, the business time, how to reply."""

    id: str | None
    key: str | None
    at: datetime
    columns: Columns
    rows: int
    binary: bool


_decoder = msgspec.json.Decoder(_Body)


def read(body: bytes, header_length: str | None, signature: Signature) -> Request:
    """The request in `body`; with the header `Inference-Header-Content-Length`, tensors follow the JSON as raw bytes.

    Raises:
        RequestError: 400 with the path of what is wrong.
    """
    cut = _json_length(body, header_length)
    try:
        given = _decoder.decode(body[:cut] if cut < len(body) else body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(400, f"not an inference request: {error}") from None
    columns = _columns(given.inputs, memoryview(body)[cut:], signature)
    rows = len(next(iter(columns.values()))) if columns else 0
    if not 1 <= rows <= _ROWS_MAX:
        raise RequestError(400, f"$.inputs: {rows} rows; 1 to {_ROWS_MAX} can be asked for at once")
    key = given.parameters.get("key")
    return Request(
        given.id or None,
        None if key is None else str(key),
        _instant(given.parameters.get("at")),
        columns,
        rows,
        _wants_binary(given, signature),
    )


def reply(model: str, version: int, request_id: str, request: Request, scores: list[float]) -> tuple[bytes, int | None]:
    """The body of the answer, and the length of its JSON part when a binary tensor follows it."""
    output: dict[str, Any] = {"name": "score", "datatype": "FP64", "shape": [len(scores)]}
    head: dict[str, Any] = {
        "model_name": model,
        "model_version": str(version),
        "parameters": {"request_id": request_id},
        "outputs": [output],
    }
    if request.id is not None:
        head["id"] = request.id
    if not request.binary:
        output["data"] = scores
        return orjson.dumps(head), None
    raw = np.asarray(scores, "<f8").tobytes()
    output["parameters"] = {"binary_data_size": len(raw)}
    text = orjson.dumps(head)
    return text + raw, len(text)


def metadata(model: str, versions: list[int], flavor: str, signature: Signature) -> dict[str, Any]:
    """The answer to a question for a model's metadata."""
    return {
        "name": model,
        "versions": [str(v) for v in versions],
        "platform": f"ostinato_{flavor}",
        "inputs": [{"name": f.name, "datatype": DATATYPES[f.dtype], "shape": [-1]} for f in signature.inputs],
        "outputs": [{"name": "score", "datatype": "FP64", "shape": [-1]}],
    }


def blank(signature: Signature) -> Columns:
    """One row that fits the signature, to warm a model up."""
    values: dict[str, Any] = {"float64": 0.0, "int64": 0, "bool": False}
    return {f.name: _array(f, [values[f.dtype] if f.dtype in values else (f.categories or [""])[0]]) for f in signature.inputs}


def _json_length(body: bytes, header_length: str | None) -> int:
    if header_length is None:
        return len(body)
    if not header_length.isdecimal() or len(header_length) > 18 or not 0 < int(header_length) <= len(body):
        raise RequestError(400, f"Inference-Header-Content-Length is {header_length[:30]!r}, the body has {len(body)} bytes")
    return int(header_length)


def _instant(text: Any) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        return instant_from(str(text), "$.parameters.at")
    except Invalid as error:
        raise RequestError(400, f"{error.message}; {error.hint}") from None


def _wants_binary(given: _Body, signature: Signature) -> bool:
    binary = bool(given.parameters.get("binary_data_output", False))
    known = [f.name for f in signature.outputs] or ["score"]
    for place, output in enumerate(given.outputs or []):
        if output.name not in known:
            raise RequestError(400, f"$.outputs[{place}].name: no output {output.name!r}; known: {', '.join(known)}")
        binary = bool(output.parameters.get("binary_data", binary))
    return binary


def _columns(tensors: list[_Tensor], raw: memoryview, signature: Signature) -> Columns:
    fields = {f.name: f for f in signature.inputs}
    found: Columns = {}
    rows = -1
    for place, tensor in enumerate(tensors):
        path = f"$.inputs[{place}]"
        field = fields.get(tensor.name)
        if field is None:
            raise RequestError(400, f"{path}.name: no input {tensor.name!r}; known: {', '.join(fields)}")
        if tensor.name in found:
            raise RequestError(400, f"{path}.name: {tensor.name!r} is given twice")
        count = _length(tensor, path)
        if rows not in (-1, count):
            raise RequestError(400, f"{path}.shape: {count} rows, the inputs before it have {rows}")
        rows = count
        size = tensor.parameters.get("binary_data_size")
        values: list[Any] | np.ndarray[Any, Any]
        if size is None:
            values = _from_json(tensor, count, path)
        else:
            if not isinstance(size, int) or not 0 <= size <= len(raw):
                raise RequestError(400, f"{path}.parameters.binary_data_size: {size} bytes, {len(raw)} are left in the body")
            values, raw = _from_binary(tensor, count, raw[:size], path), raw[size:]
        found[tensor.name] = _fit(field, tensor.datatype, values, path)
    if len(raw):
        raise RequestError(400, f"{len(raw)} bytes follow the last tensor")
    missing = [name for name in fields if name not in found]
    if missing:
        raise RequestError(400, f"$.inputs: missing {', '.join(missing)}")
    return found


def _length(tensor: _Tensor, path: str) -> int:
    if tensor.datatype not in _WIRE and tensor.datatype != "BYTES":
        raise RequestError(400, f"{path}.datatype: unknown datatype {tensor.datatype!r}")
    if len(tensor.shape) not in (1, 2) or tensor.shape[1:] not in ([], [1]) or tensor.shape[0] < 0:
        raise RequestError(400, f"{path}.shape: {tensor.shape}; a column is [rows] or [rows, 1]")
    return tensor.shape[0]


def _from_json(tensor: _Tensor, count: int, path: str) -> list[Any]:
    if not isinstance(tensor.data, list):
        raise RequestError(400, f"{path}.data: a list of values is missing")
    data = tensor.data
    if len(tensor.shape) == 2 and data and all(isinstance(row, list) and len(row) == 1 for row in data):
        data = [row[0] for row in data]
    if len(data) != count:
        raise RequestError(400, f"{path}.data: {len(data)} values, the shape says {count}")
    return data


def _from_binary(tensor: _Tensor, count: int, raw: memoryview, path: str) -> list[Any] | np.ndarray[Any, Any]:
    if tensor.datatype != "BYTES":
        kind = _WIRE[tensor.datatype]
        if len(raw) != count * kind.itemsize:
            raise RequestError(400, f"{path}: {len(raw)} bytes, {count} values of {tensor.datatype} have {count * kind.itemsize}")
        return np.frombuffer(raw, kind)
    texts: list[Any] = []
    while len(raw):
        size = int.from_bytes(raw[:4], "little")
        if len(raw) < 4 or len(raw) - 4 < size:
            raise RequestError(400, f"{path}: element {len(texts)} is cut off")
        try:
            texts.append(str(raw[4 : 4 + size], "utf-8"))
        except UnicodeDecodeError:
            raise RequestError(400, f"{path}: element {len(texts)} is not UTF-8") from None
        raw = raw[4 + size :]
    if len(texts) != count:
        raise RequestError(400, f"{path}: {len(texts)} elements, the shape says {count}")
    return texts


def _fit(field: Field, datatype: str, values: list[Any] | np.ndarray[Any, Any], path: str) -> np.ndarray[Any, Any]:
    """The values as the column that the model wants, refusing what would lose something."""
    if (datatype == "BYTES") != (field.dtype == "string"):
        raise RequestError(400, f"{path}.datatype: {field.name} is {DATATYPES[field.dtype]}, not {datatype}")
    if isinstance(values, list):
        _check_values(field, datatype, values, path)
    try:
        column = _array(field, values)
    except (OverflowError, ValueError, TypeError):
        raise RequestError(400, f"{path}.data: a value does not fit {DATATYPES[field.dtype]}") from None
    if not isinstance(values, list) and column.dtype.kind == "f":
        odd = np.isinf(column) | (np.isnan(column) & (not field.nullable))
        if odd.any():
            raise RequestError(400, f"{path}.data[{int(odd.argmax())}]: {field.name} must be a finite number")
        if field.dtype == "int64" and not (np.isnan(column) | (column == np.floor(column))).all():
            raise RequestError(400, f"{path}.data: {field.name} takes whole numbers")
    return column


def _check_values(field: Field, datatype: str, values: list[Any], path: str) -> None:
    """What came as JSON, value by value: for the few rows of a request this is faster than arrays."""
    wanted = str if field.dtype == "string" else bool if datatype == "BOOL" else (int, float)
    for row, value in enumerate(values):
        if value is None:
            if not field.nullable:
                raise RequestError(400, f"{path}.data[{row}]: {field.name} must not be null")
        elif not isinstance(value, wanted) or (value.__class__ is bool and wanted is not bool):
            raise RequestError(400, f"{path}.data[{row}]: {value!r} is not {datatype}")
        elif value.__class__ is float:
            if not math.isfinite(value):
                raise RequestError(400, f"{path}.data[{row}]: {field.name} must be a finite number")
            if field.dtype == "int64" and not value.is_integer():
                raise RequestError(400, f"{path}.data[{row}]: {field.name} takes whole numbers")


def _array(field: Field, values: list[Any] | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Strings as objects; numbers as the column's type, or as floats with NaN for null where one is missing or fractional."""
    if field.dtype == "string":
        column = np.empty(len(values), object)
        column[:] = values
        return column
    if field.dtype == "float64":
        return np.asarray(values, np.float64)
    array = np.asarray([math.nan if v is None else v for v in values]) if isinstance(values, list) else values
    if array.dtype.kind == "f":
        whole = not np.isnan(array).any() and bool((array == np.floor(array)).all())
        if field.dtype == "int64" and (np.abs(array) > _EXACT).any():
            raise OverflowError("beyond the whole numbers that a float holds exactly")
        return array.astype(np.int64) if whole and field.dtype == "int64" else array.astype(np.float64)
    column = array.astype(bool if field.dtype == "bool" else np.int64)
    if not np.array_equal(column, array):
        raise OverflowError("a value would change")
    return column
