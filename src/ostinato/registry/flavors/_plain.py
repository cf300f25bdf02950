"""Plain: which artifacts of scikit-learn any process may load. They compute with numpy alone, or their tables are checked before each walk.

What holds another type is loaded apart: compiled code walks its tables without a look at their bounds, and they are what the artifact says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_TYPES = """
    pipeline.Pipeline compose._column_transformer.ColumnTransformer compose._target.TransformedTargetRegressor
    calibration.CalibratedClassifierCV calibration._CalibratedClassifier calibration._SigmoidCalibration
    ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier
    ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor
    ensemble._hist_gradient_boosting.binning._BinMapper ensemble._hist_gradient_boosting.predictor.TreePredictor
    _loss.link.HalfLogitLink _loss.link.IdentityLink _loss.link.Interval _loss.link.LogLink _loss.link.LogitLink
    _loss.loss.AbsoluteError _loss.loss.HalfBinomialLoss _loss.loss.HalfGammaLoss _loss.loss.HalfPoissonLoss
    _loss.loss.HalfSquaredError _loss.loss.PinballLoss _loss._loss.CyAbsoluteError _loss._loss.CyHalfBinomialLoss
    _loss._loss.CyHalfGammaLoss _loss._loss.CyHalfPoissonLoss _loss._loss.CyHalfSquaredError _loss._loss.CyPinballLoss
    linear_model._base.LinearRegression linear_model._logistic.LogisticRegression linear_model._logistic.LogisticRegressionCV
    linear_model._ridge.Ridge linear_model._ridge.RidgeCV linear_model._coordinate_descent.Lasso
    linear_model._coordinate_descent.ElasticNet decomposition._pca.PCA impute._base.SimpleImputer
    preprocessing._data.MinMaxScaler preprocessing._data.RobustScaler preprocessing._data.StandardScaler
    preprocessing._encoders.OrdinalEncoder preprocessing._function_transformer.FunctionTransformer preprocessing._label.LabelEncoder
    utils.validation.check_array
"""
_LOADERS = """
    DTypeNode DictNode FunctionNode JsonNode ListNode LossNode NdArrayNode ObjectNode PartialNode RandomGeneratorNode RandomStateNode
    SliceNode TupleNode TypeNode
"""
_PROTOCOL = 2
"""The edition of the format whose nodes name their types so; an older file is not plain."""
TYPES = frozenset(f"sklearn.{name}" for name in _TYPES.split())
LOADERS = frozenset(_LOADERS.split())


def is_plain(schema: dict[str, Any]) -> bool:
    """Whether everything in the schema of a skops file is on these lists, or not of scikit-learn or scipy at all."""
    return schema.get("protocol") == _PROTOCOL and all(
        loader in LOADERS and (kind in TYPES or not kind.startswith(("sklearn.", "scipy."))) for loader, kind in types_in(schema)
    )


def types_in(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """How each thing in a file is loaded, and its type."""
    waiting: list[Any] = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "__loader__" in part:
                yield str(part["__loader__"]), f"{part.get('__module__')}.{part.get('__class__')}"
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
