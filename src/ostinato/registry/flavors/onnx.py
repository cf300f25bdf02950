"""Onnx: graphs of the standard operators, run by ONNX Runtime; estimators of scikit-learn where they convert and prove equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ostinato.kernel.errors import Invalid, MissingExtra
from ostinato.registry.flavor import Care, Columns, Predictor
from ostinato.registry.flavors._scores import check_width, scoring_of
from ostinato.registry.matrix import Encoder, Floats
from ostinato.registry.signature import infer
from ostinato.registry.types import Signature

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
"""Whose operators a graph may use: those of the standard, none that a library adds."""
TOLERANCE = 1e-5
"""How far a converted model may be from its estimator: ONNX keeps the leaves of trees as float32."""
_KINDS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64}


@dataclass(frozen=True, slots=True)
class Onnx:
    """A model in ONNX of one matrix of numbers; the score is its last output, of two probabilities the second."""

    care: ClassVar[Care] = "parser"

    def dump(self, model: Any) -> bytes:
        """The ModelProto, or its bytes, after the audit."""
        _onnx()
        content = model if isinstance(model, bytes) else getattr(model, "SerializeToString", lambda: None)()
        if content is None:
            raise Invalid(
                f"a {type(model).__name__} is no model in ONNX",
                hint="Onnx().converted(estimator, example) makes one of scikit-learn",
                field="artifact",
            )
        _audit(content)
        return bytes(content)

    def converted(self, model: Any, example: Columns) -> bytes:
        """An estimator of scikit-learn as ONNX, if it gives the scores of the estimator on the example, within 1e-5.

        Raises:
            Invalid: it does not convert, or its scores differ.
        """
        signature = infer(example)
        matrix = Encoder(signature).matrix(example)
        content = self.dump(_converted(model, matrix[:1]))
        away = np.abs(self.load(content, signature).predict(example) - np.asarray(scoring_of(model)(matrix), np.float64))
        if not (away <= TOLERANCE).all():
            raise Invalid(
                f"converted to ONNX, the model answers otherwise, by up to {np.nanmax(away):.2g}",
                hint="keep it as sklearn",
                field="artifact",
            )
        return content

    def load(self, content: bytes, signature: Signature) -> Predictor:
        """A session of ONNX Runtime on the CPU with one thread, after the audit."""
        _audit(content)
        runtime = _runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no common root
            raise Invalid(f"ONNX Runtime does not load the model: {str(error)[:300]}", field="artifact") from error
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1 or inputs[0].type not in _KINDS or len(inputs[0].shape) != 2:
            raise Invalid(
                "the model does not take one matrix of numbers", hint="export it with one input of shape [None, columns]", field="artifact"
            )
        if not outputs[-1].type.startswith("tensor("):
            raise Invalid(f"the model answers {outputs[-1].type}", hint="convert with options={'zipmap': False}", field="artifact")
        if isinstance(inputs[0].shape[1], int):
            check_width(inputs[0].shape[1], signature)
        kind, take, give = _KINDS[inputs[0].type], inputs[0].name, outputs[-1].name
        return Predictor(signature, lambda x: column_of(session.run([give], {take: x.astype(kind)})[0]))


def column_of(found: Any) -> Any:
    """One number per row: a column, or the second of two probabilities.

    Raises:
        Invalid: there are more.
    """
    if found.ndim == 2 and found.shape[1] in (1, 2):
        found = found[:, -1]
    if found.ndim != 1:
        raise Invalid(f"the model answers with the shape {found.shape}", hint="it has to give one number per row", field="artifact")
    return found


def _converted(model: Any, row: Floats) -> Any:
    """With doubles, which tell neighbouring numbers apart, or else with floats, which some converters want."""
    try:
        from skl2onnx import to_onnx
    except ModuleNotFoundError as error:
        raise MissingExtra.of("skl2onnx", "onnx") from error
    options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
    said = ""
    for kind in (np.float64, np.float32):
        try:
            return to_onnx(model, row.astype(kind), options=options)
        except Exception as error:  # a converter may raise anything
            said = f"{type(error).__name__}: {str(error)[:200]}"
    raise Invalid(f"the model does not convert to ONNX: {said}", hint="keep it as sklearn", field="artifact")


def _audit(content: bytes) -> None:
    """Refuse operators beyond the standard, and weights that lie in other files."""
    onnx = _onnx()
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf raises what its parser of the day does
        raise Invalid(f"not a model in ONNX: {str(error)[:300]}", field="artifact") from error
    if not model.graph.node:
        raise Invalid("the model in ONNX is empty", field="artifact")
    foreign = {f"{node.domain}.{node.op_type}" for node in _nodes(model) if node.domain not in DOMAINS} - {
        f"{own.domain}.{own.name}" for own in model.functions
    }
    if foreign:
        raise Invalid(f"the model uses operators that are not of the standard: {', '.join(sorted(foreign))}", field="artifact")
    if b"external_data" in content or any(t.data_location == onnx.TensorProto.EXTERNAL for t in _tensors(model)):
        raise Invalid("weights of the model lie in another file", hint="save it as one file", field="artifact")


def _nodes(model: Any) -> Iterator[Any]:
    waiting = [*model.graph.node, *(node for own in model.functions for node in own.node)]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                waiting.extend(graph.node)


def _tensors(model: Any) -> Iterator[Any]:
    yield from model.graph.initializer
    for sparse in model.graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in _nodes(model):
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for graph in (attribute.g, *attribute.graphs):
                yield from graph.initializer


def _onnx() -> Any:
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise MissingExtra.of("onnx", "onnx") from error
    return onnx


def _runtime() -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise MissingExtra.of("onnxruntime", "onnx") from error
    return onnxruntime
