"""Sklearn: scikit-learn estimators in the skops format, loaded through an exact list of types."""

from __future__ import annotations

import io
import json
import pickletools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ostinato.kernel.errors import Invalid, MissingExtra, TooLarge
from ostinato.registry.flavor import Care, Predictor
from ostinato.registry.flavors._plain import is_plain, types_in
from ostinato.registry.flavors._trees import check_trees
from ostinato.registry.matrix import Floats
from ostinato.registry.types import Signature
from ostinato.tracking.fits.skops import skops_of

ALLOWED = (
    "functools.partial",  # the encoder in HistGradientBoosting wraps check_array in it; what it wraps is audited as well
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
)
"""Types, beyond the estimators that skops itself trusts, that an artifact may hold."""

_UNPACKED_MAX = 1 << 30


@dataclass(frozen=True, slots=True)
class Sklearn:
    """A scikit-learn classifier of two classes, a regressor, or a pipeline of either, in the skops format; needs the extra `ml`."""

    care: ClassVar[Care] = "none"

    def care_for(self, content: bytes) -> Care:
        """How this artifact can be loaded: in any process if it is plain, else in a separate process."""
        _bounded(content)
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                return "none" if is_plain(json.loads(packed.read("schema.json"))) else "parser"
        except Exception as error:  # as in load
            raise _unreadable(error) from error

    def types(self, content: bytes) -> dict[str, Literal["format", "ostinato"]]:
        """The types in an artifact, and on whose list each is: that of skops, or the exact one above."""
        _audit(content)
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return {kind: "ostinato" if kind in ALLOWED else "format" for _, kind in types_in(json.loads(packed.read("schema.json")))}

    def dump(self, model: Any) -> bytes:
        """The fitted estimator in the skops format."""
        content = skops_of(model)
        _audit(content)
        return content

    def load(self, content: bytes, signature: Signature) -> Predictor:
        """The estimator, after an audit that names every type that is not on the list; nothing is imported before it."""
        _audit(content)
        try:
            model = _skops().loads(content, trusted=list(ALLOWED))
            check_trees(model)
        except Invalid:
            raise
        except Exception as error:  # a crafted file can break the reader anywhere; whatever it raises, the file is refused
            raise _unreadable(error) from error
        width = len(signature.inputs)
        if getattr(model, "n_features_in_", None) != width:
            takes = getattr(model, "n_features_in_", "an unknown number of")
            raise Invalid(f"the model takes {takes} columns, the signature has {width}", field="signature")
        return Predictor(signature, _scoring(model))


def _scoring(model: Any) -> Callable[[Floats], Any]:
    if not hasattr(model, "predict_proba"):
        return model.predict  # type: ignore[no-any-return]
    if len(model.classes_) != 2:
        raise Invalid(f"the model has {len(model.classes_)} classes", hint="register a classifier of two classes", field="artifact")
    return lambda x: model.predict_proba(x)[:, 1]


def _bounded(content: bytes) -> None:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise Invalid(
            f"the artifact is not in the skops format: {_file_kind(content)}",
            hint="use skops: FLAVORS.make('sklearn').dump(model)",
            field="artifact",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
    except Exception as error:  # as in load
        raise _unreadable(error) from error
    if unpacked > _UNPACKED_MAX:
        raise TooLarge(f"the artifact unpacks to {unpacked} bytes", hint=f"at most {_UNPACKED_MAX}")


def _audit(content: bytes) -> None:
    _bounded(content)
    try:
        unknown = sorted(set(_skops().get_untrusted_types(data=content)) - set(ALLOWED))
    except MissingExtra:
        raise
    except Exception as error:  # as in load
        raise _unreadable(error) from error
    if unknown:
        raise Invalid(
            f"the artifact holds types that are not allowed: {', '.join(unknown)}",
            hint="a model may hold only types that cannot run code on load; use estimators of scikit-learn itself",
            field="artifact",
        )


def _unreadable(error: Exception) -> Invalid:
    return Invalid(f"the artifact cannot be read: {type(error).__name__}: {error}", field="artifact")


def _file_kind(content: bytes) -> str:
    """A description of a file that is no zip archive; a pickle is disassembled, never run."""
    strings: list[str] = []
    found: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name in ("GLOBAL", "INST"):
                found.append(str(argument).replace(" ", "."))
            elif opcode.name == "STACK_GLOBAL":
                found.append(".".join(strings[-2:]))
            elif isinstance(argument, str):
                strings.append(argument)
    except Exception:  # not a pickle, or not only: what was found until then is named
        return f"a pickle that calls {', '.join(found)}" if found else "not a zip archive"
    return f"a pickle that calls {', '.join(found) or 'nothing'}; pickles run code on load"


def _skops() -> Any:
    try:
        import skops.io as sio
    except ModuleNotFoundError as error:
        raise MissingExtra.of("skops", "ml") from error
    return sio
