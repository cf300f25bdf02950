"""Validation of the definition of a feature view."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ostinato.data.types import Dataset
from ostinato.features.types import Feature, FeatureView
from ostinato.kernel.errors import Invalid, NotFound

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_WINDOW_MAX_HOURS = 1_000_000
_NUMBERS = ("int64", "double", "bool")


def validated(view: FeatureView, schema: Mapping[str, str], dataset: Dataset) -> FeatureView:
    """The view, with the key of its dataset's contract as the row id if it names none.

    Raises:
        NotFound: a column is not in the schema; the hint proposes the nearest.
        Invalid: a name, a type or a window does not do.
    """
    view = view if view.row_id else replace(view, row_id=list(dataset.contract.key))
    if dataset.mode != "append":
        raise Invalid(f"{dataset.name} replaces its rows, and events stay", hint="take a dataset in the mode append", field="dataset")
    if not view.row_id:
        raise Invalid(f"view {view.name} cannot tell events apart", hint="give row_id=[…], or the dataset's contract a key", field="row_id")
    if not view.entity or not view.features:
        raise Invalid("a view needs an entity and features", field="entity" if not view.entity else "features")
    names = [f.name for f in view.features]
    for name in (view.name, *names):
        if not _NAME.fullmatch(name) or "__" in name:
            raise Invalid(f"not a name of a view or feature: {name!r}", hint="letters, digits and single _, a letter first", field="name")
    if len(set(names)) < len(names):
        raise Invalid(f"view {view.name} names a feature twice", field="features")
    for column in (*view.entity, view.timestamp, *view.row_id, *view.columns):
        if column not in schema:
            raise NotFound.named(f"column of {view.dataset}", column, schema)
    if schema[view.timestamp] != "timestamp":
        raise Invalid(f"{view.timestamp} holds {schema[view.timestamp]}, not instants", hint='types={"…": "timestamp"}', field="timestamp")
    if doubles := [c for c in view.entity if schema[c] == "double"]:
        raise Invalid(f"{doubles[0]} holds doubles, which identify nothing", field="entity")
    for feature in view.features:
        _check_feature(feature, schema)
    return view


def _check_feature(feature: Feature, schema: Mapping[str, str]) -> None:
    if feature.column is None and feature.kind != "count":
        raise Invalid(f"feature {feature.name}: {feature.kind} needs a column", field="column")
    if feature.column is not None and schema[feature.column] not in _NUMBERS:
        raise Invalid(f"feature {feature.name}: {feature.column} holds {schema[feature.column]}, not numbers", field="column")
    if feature.window_hours is not None and not 0 < feature.window_hours <= _WINDOW_MAX_HOURS:
        raise Invalid(f"feature {feature.name}: a window lasts more than 0 and at most a million hours", field="window_hours")
