"""Ostinato: the whole machine-learning lifecycle in one install, one store and one loop.

>>> import ostinato as ost
>>> sorted(ost.__all__) == ost.__all__
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ostinato.data.types import CheckSpec, Contract, SourceSpec
    from ostinato.evaluation.types import CostMatrix
    from ostinato.face import autolog, connect, current, open, run
    from ostinato.features.types import Feature, FeatureView
    from ostinato.kernel.errors import OstinatoError
    from ostinato.kernel.ref import Ref
    from ostinato.pipelines.definition import pipeline, step
    from ostinato.registry.types import Field, GateSpec, Policy, Signature
    from ostinato.serving.types import RolloutPlan

_HOMES = {
    "CheckSpec": "data.types",
    "Contract": "data.types",
    "CostMatrix": "evaluation.types",
    "Feature": "features.types",
    "FeatureView": "features.types",
    "Field": "registry.types",
    "GateSpec": "registry.types",
    "OstinatoError": "kernel.errors",
    "Policy": "registry.types",
    "Ref": "kernel.ref",
    "RolloutPlan": "serving.types",
    "Signature": "registry.types",
    "SourceSpec": "data.types",
    "autolog": "face",
    "connect": "face",
    "current": "face",
    "open": "face",
    "pipeline": "pipelines.definition",
    "run": "face",
    "step": "pipelines.definition",
}

__all__ = [
    "CheckSpec",
    "Contract",
    "CostMatrix",
    "Feature",
    "FeatureView",
    "Field",
    "GateSpec",
    "OstinatoError",
    "Policy",
    "Ref",
    "RolloutPlan",
    "Signature",
    "SourceSpec",
    "autolog",
    "connect",
    "current",
    "open",
    "pipeline",
    "run",
    "step",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ostinato' has no attribute {name!r}")
    return getattr(importlib.import_module(f"ostinato.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
