"""Torch: an exported program of PyTorch as data: its weights in safetensors, its graph as JSON of PyTorch's core operators.

Neither torch.load nor torch.export.load is ever called: the one unpickles, the other evaluates expressions and compiles Python.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import numpy as np

from ostinato.kernel.errors import Invalid, MissingExtra
from ostinato.registry.flavor import Care, Predictor
from ostinato.registry.flavors.onnx import column_of
from ostinato.registry.matrix import Floats
from ostinato.registry.types import Signature

_FORMAT = "ostinato.torch/1"
_PYTHON: dict[str, Callable[..., Any]] = {
    f"operator.{name}": getattr(operator, name) for name in ("getitem", "add", "sub", "mul", "floordiv", "neg")
}
"""What a graph does with sizes and with operators of several results."""
_DTYPES = ("float16", "bfloat16", "float32", "float64", "bool", "int8", "int16", "int32", "int64", "uint8")
_SKIPPED = ("aten._assert_tensor_metadata.default", "aten._assert_scalar.default")


class Step(msgspec.Struct, array_like=True):
    """A node: its name, its operator, what it is given."""

    name: str
    op: str
    args: list[Any]
    kwargs: dict[str, Any]


class Program(msgspec.Struct):
    """A graph: the name and dtype of its input, of each name the weight that it stands for, its steps, and what it answers."""

    format: str
    takes: str
    dtype: str
    weights: dict[str, str]
    steps: list[Step]
    gives: str


@dataclass(frozen=True, slots=True)
class Torch:
    """A `torch.export` of a module of one matrix that answers one number per row; weights as safetensors, the graph as JSON beside them."""

    care: ClassVar[Care] = "parser"

    def dump(self, model: Any) -> bytes:
        """The exported program, cut down to PyTorch's core operators; export it with a dynamic first dimension."""
        torch = _torch()
        if not isinstance(model, torch.export.ExportedProgram):
            hint = "torch.export.export(module.eval(), (x,), dynamic_shapes=({0: torch.export.Dim('rows')},))"
            raise Invalid(f"a {type(model).__name__} is no exported program", hint=hint, field="artifact")
        program, tensors = _serialized(model.run_decompositions())
        for step in program.steps:
            _operator(step.op)
        return bytes(_safetensors().save(tensors, metadata={"program": msgspec.json.encode(program).decode()}))

    def load(self, content: bytes, signature: Signature) -> Predictor:
        """The graph, step by step, on the CPU; every operator must be one that PyTorch tags as its core."""
        torch, program = _torch(), _read(content)
        try:
            tensors = _safetensors().load(content)
        except Exception as error:  # as its reader in Rust says it
            raise Invalid(f"the weights cannot be read: {error}", field="artifact") from error
        if set(program.weights.values()) - set(tensors) or program.dtype not in _DTYPES:
            raise Invalid("the program names weights or types that are not there", field="artifact")
        weights = {name: tensors[key] for name, key in program.weights.items()}
        steps = [(step, _operator(step.op)) for step in program.steps]
        dtype = getattr(torch, program.dtype)

        def score(x: Floats) -> Any:
            held = weights | {program.takes: torch.from_numpy(np.ascontiguousarray(x)).to(dtype)}
            try:
                with torch.inference_mode():
                    for step, call in steps:
                        held[step.name] = call(
                            *(_argument(a, held) for a in step.args), **{k: _argument(v, held) for k, v in step.kwargs.items()}
                        )
                found = held[program.gives]
            except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
                raise Invalid(f"the program fails: {type(error).__name__}: {str(error)[:300]}", field="artifact") from error
            return column_of(found.to(torch.float64).numpy())

        return Predictor(signature, score)


def _read(content: bytes) -> Program:
    """The graph in the header of the safetensors."""
    try:
        size = int.from_bytes(content[:8], "little")
        header = msgspec.json.decode(content[8 : 8 + size]) if size <= len(content) else {}
        program = msgspec.json.decode(header["__metadata__"]["program"], type=Program)
    except (msgspec.DecodeError, KeyError, TypeError, RecursionError) as error:
        raise Invalid(
            f"not a program of PyTorch as ostinato writes it: {error}", hint="FLAVORS.make('torch').dump(exported)", field="artifact"
        ) from error
    if program.format != _FORMAT:
        raise Invalid(f"not a program of format {_FORMAT}", field="artifact")
    return program


def _serialized(exported: Any) -> tuple[Program, dict[str, Any]]:
    signature, weights, tensors = exported.graph_signature, {}, {}
    kept = {**signature.inputs_to_parameters, **signature.inputs_to_buffers, **signature.inputs_to_lifted_tensor_constants}
    for name, key in kept.items():
        weights[name] = key
        held = exported.state_dict[key] if key in exported.state_dict else exported.constants[key]
        tensors[key] = held.detach().clone().contiguous()
    takes, gives = signature.user_inputs, signature.user_outputs
    if len(takes) != 1 or len(gives) != 1 or len(signature.output_specs) != 1:
        raise Invalid("the program takes or answers several tensors, or changes its own", hint="one matrix in, one number per row out")
    nodes = [node for node in exported.graph.nodes if node.op == "call_function" and _operator_name(node.target) not in _SKIPPED]
    given = next(node for node in exported.graph.nodes if node.name == takes[0])
    steps = [
        Step(n.name, _operator_name(n.target), [_to_json(a) for a in n.args], {k: _to_json(v) for k, v in n.kwargs.items()}) for n in nodes
    ]
    dtype = str(given.meta["val"].dtype).removeprefix("torch.")
    return Program(format=_FORMAT, takes=takes[0], dtype=dtype, weights=weights, steps=steps, gives=gives[0]), tensors


def _operator_name(target: Any) -> str:
    name = getattr(target, "__name__", "")
    return f"operator.{name}" if _PYTHON.get(f"operator.{name}") is target else str(target)


def _to_json(value: Any) -> Any:
    torch = _torch()
    if isinstance(value, torch.fx.Node):
        return {"node": value.name}
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    if isinstance(value, torch.device | torch.layout | torch.memory_format):
        return None  # the CPU, dense
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, bool | int | float | str | None):
        return value
    raise Invalid(f"the program holds a {type(value).__name__}, which is not data", field="artifact")


def _argument(value: Any, held: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_argument(item, held) for item in value]
    if not isinstance(value, dict):
        return value
    if "node" in value:
        return held[value["node"]]
    return getattr(_torch(), value["dtype"]) if value.get("dtype") in _DTYPES else float(value["float"])


def _operator(name: str) -> Callable[..., Any]:
    """The operator, if it is on the list: of ATen, tagged as core, changing nothing that it is given."""
    if name in _PYTHON:
        return _PYTHON[name]
    torch, parts = _torch(), name.split(".")
    found = getattr(getattr(torch.ops.aten, parts[1], None), parts[2], None) if len(parts) == 3 and parts[0] == "aten" else None
    if not isinstance(found, torch._ops.OpOverload) or torch.Tag.core not in found.tags or found._schema.is_mutable:
        raise Invalid(f"the program uses {name[:100]!r}, which is no core operator of PyTorch", field="artifact")
    call: Callable[..., Any] = found
    return call


def _torch() -> Any:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise MissingExtra.of("torch", "torch") from error
    return torch


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ModuleNotFoundError as error:
        raise MissingExtra.of("safetensors", "torch") from error
    return safetensors.torch
