"""Onnx: graphs of the standard operators, run by ONNX Runtime; estimators of scikit-learn where they convert and prove equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ostinato.kernel.errors import Invalid, MissingExtra
from ostinato.registry.flavor import Care, Columns, Predictor
from ostinato.registry.flavors._scores import check_width, scoring_of
from ostinato.registry.matrix import Encoder, Floats
from ostinato.registry.signature import infer
from ostinato.registry.types import Field, Signature

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
"""Whose operators a graph may use: those of the standard, none that a library adds."""
TOLERANCE = 1e-5
"""How far a converted model may be from its estimator: ONNX keeps the leaves of trees as float32."""
_PAIRS, _HALVINGS = 64, 60
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
        """An estimator of scikit-learn as ONNX, if it gives the scores of the estimator, within 1e-5: on the example, on its least and
        greatest values, and on both sides of the steps that the scores make between its rows, where rounding shows.

        Raises:
            Invalid: it does not convert, or its scores differ; the first row where they do is named.
        """
        given, score = Encoder(infer(example)).matrix(example), scoring_of(model)
        signature = Signature(inputs=[Field(name=name) for name in example])  # of categories their codes
        rows = np.concatenate([given, _corners(given), _steps(score, given)])
        expected, said = np.asarray(score(rows), np.float64), ""
        for made in _converted(model, given[:1]):
            try:
                content = self.dump(made)
                found = self.load(content, signature).predict(dict(zip(signature.names, rows.T, strict=True)))
            except Invalid as error:  # ONNX Runtime does not take all that the converter makes
                said = error.message
                continue
            differing = np.flatnonzero(~(np.abs(found - expected) <= TOLERANCE))
            if not differing.size:
                return content
            row = int(differing[0])
            shown = ", ".join(f"{name}={value!r}" for name, value in zip(signature.names, rows[row].tolist(), strict=True))
            said = f"it answers otherwise: of {shown[:500]} it makes {found[row]:.9g}, the estimator {expected[row]:.9g}"
        raise Invalid(f"converted to ONNX, the model does not prove equal: {said}", hint="keep it as sklearn", field="artifact")

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


def _corners(rows: Floats) -> Floats:
    """Rows with one value each that is the least or the greatest of its column, or missing where some are."""
    made = []
    for column in range(rows.shape[1]):
        known = rows[:, column][~np.isnan(rows[:, column])]
        for value in {*([known.min(), known.max()] if known.size else []), *([np.nan] if known.size < len(rows) else [])}:
            made.append(rows[0].copy())
            made[-1][column] = value
    return np.array(made).reshape(-1, rows.shape[1])


def _steps(score: Callable[[Any], Any], rows: Floats) -> Floats:
    """Neighbouring numbers between pairs of rows, on both sides of where the scores step: found by halving, towards the greater change."""
    whole = rows[~np.isnan(rows).any(axis=1)][: 2 * _PAIRS]
    low, high = whole[: len(whole) // 2].copy(), whole[len(whole) // 2 :][: len(whole) // 2].copy()
    if not len(low):
        return whole
    at_low, at_high = (np.asarray(score(part), np.float64) for part in (low, high))
    for _ in range(_HALVINGS):
        middle = low + (high - low) / 2
        at_middle = np.asarray(score(middle), np.float64)
        up = np.abs(at_high - at_middle) > np.abs(at_middle - at_low)
        low[up], at_low[up], high[~up], at_high[~up] = middle[up], at_middle[up], middle[~up], at_middle[~up]
    return np.concatenate([low, high])


def _converted(model: Any, row: Floats) -> Iterator[Any]:
    """With doubles, which tell neighbouring numbers apart, and with floats, which some converters want, and trees compare by.

    Raises:
        Invalid: with neither.
    """
    try:
        from skl2onnx import to_onnx
    except ModuleNotFoundError as error:
        raise MissingExtra.of("skl2onnx", "onnx") from error
    options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
    said, made = "", 0
    for kind in (np.float64, np.float32):
        try:
            found = to_onnx(model, row.astype(kind), options=options)
        except Exception as error:  # a converter may raise anything
            said = f"{type(error).__name__}: {str(error)[:200]}"
            continue
        made += 1
        yield found
    if not made:
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
