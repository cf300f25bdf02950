"""Prophet: its own JSON forecasts by numpy alone as Prophet does, and what is none, or not whole, is refused."""

from __future__ import annotations

import json
import logging
import warnings
from typing import Any

import numpy as np
import pytest
from tests.registry.conftest import Works

from ostinato.kernel.errors import Invalid
from ostinato.registry.flavor import FLAVORS, is_plain
from ostinato.registry.flavors.prophet import Forecast
from ostinato.registry.types import Field, Signature

DAY = 86_400.0
ROWS = 200
T = np.arange(ROWS)


def written(**other: Any) -> bytes:
    """A trend that doubles its slope in the middle, a wave of a week and one holiday: as Prophet writes it, by hand."""
    table = [{"additive_terms": 1, "multiplicative_terms": 0}] * 2 + [{"additive_terms": 0, "multiplicative_terms": 1}]
    held = [{"holiday": "fair", "ds": "1970-01-03T00:00:00.000", "lower_window": 0, "upper_window": 1}]
    return json.dumps({
        "growth": "linear", "country_holidays": None, "extra_regressors": [[], {}], "logistic_floor": False, "scaling": "absmax",
        "y_min": 0.0, "seasonalities": [["weekly"], {"weekly": {"period": 7, "fourier_order": 1, "condition_name": None}}],
        "start": 0.0, "t_scale": 10 * DAY, "y_scale": 2.0, "changepoints_t": [0.5],
        "holidays": json.dumps({"data": held}), "train_component_cols": json.dumps({"data": [*table[:2], table[2], table[2]]}),
        "params": {"k": [[1.0]], "m": [[3.0]], "delta": [[1.0]], "beta": [[0.5, 0.0, 0.1, 0.2]]}, **other,
    }).encode()  # fmt: skip


def signature(*names: str) -> Signature:
    return Signature(inputs=[Field(name=name, dtype="string" if name == "ds" else "float64") for name in names])


def test_trend_wave_and_holidays_are_those_of_its_formula_from_dates_and_from_seconds() -> None:
    assert is_plain("prophet", written())
    loaded = FLAVORS.make("prophet").load(written(), signature("ds"))
    days = np.array([0, 1, 2, 3, 4, 9])
    trend = np.where(days / 10 >= 0.5, 2 * days / 10 - 0.5, days / 10) + 3.0
    held = np.array([0, 0, 0.1, 0.2, 0, 0])
    expected = 2 * trend * (1 + held) + 2 * 0.5 * np.sin(2 * np.pi * days / 7)
    named = np.array([f"1970-01-{day + 1:02}" for day in days], object)
    for column in (named, days * DAY, days.astype("datetime64[D]")):
        assert loaded.predict({"ds": column}) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "other",
    [
        {"growth": "quadratic"}, {"t_scale": 0.0}, {"y_scale": 1e999}, {"country_holidays": "US"}, {"changepoints_t": [0.5, 0.6]},
        {"params": {}}, {"holidays": '{"data":[{"holiday":"x","ds":"soon"}]}'},
        {"extra_regressors": [["x"], {"x": {"mu": 0, "std": 1, "predictor_spec": {}}}]},
        {"seasonalities": [["w"], {"w": {"period": 7, "fourier_order": 10**9, "condition_name": None}}]},
        {"holidays": '{"data":[{"holiday":"x","ds":"2020-01-01","lower_window":-99999,"upper_window":0}]}'},
    ],
)  # fmt: skip
def test_what_is_not_sound_or_not_whole_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        FLAVORS.make("prophet").load(written(**other), signature("ds"))


def test_other_bytes_other_inputs_and_other_dates_are_refused_by_name() -> None:
    flavor = FLAVORS.make("prophet")
    for content in (b"", b"\xff", b"[]", b"{}", b'{"country_holidays":null}'):
        with pytest.raises(Invalid):
            flavor.load(content, signature("ds"))
    with pytest.raises(Invalid, match="takes ds"):
        flavor.load(written(), signature("date"))
    loaded = flavor.load(written(), signature("ds"))
    for column in (["2020-01-01T00:00:00+02:00"], ["soon"], [None], ["2020-01-01", None], [np.nan]):
        with pytest.raises(Invalid) as refused:
            loaded.predict({"ds": np.array(column, object)})
        assert refused.value.field == "ds"


def test_it_is_registered_and_proved_by_an_example(works: Works) -> None:
    works.models.create("late")
    example = {"ds": ["1970-01-01", "1970-01-03"]}
    made = works.models.register("late", works.models.upload(written()), "prophet", signature("ds"), example=example)
    assert works.models.proof(str(made.ref)).scores[0] == pytest.approx(6.0)


@pytest.fixture(scope="module")
def library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pytest.importorskip("prophet", reason="needs prophet: make frameworks")
    logging.getLogger("cmdstanpy").setLevel(logging.WARNING)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["plain", "logistic", "flat", "multiplicative", "everything"])
def test_a_fitted_prophet_forecasts_the_same(library: Any, kind: str) -> None:
    import pandas as pd

    noise = np.random.default_rng(0).normal(size=(2, ROWS))
    table = pd.DataFrame({"ds": pd.date_range("2022-01-01", periods=ROWS), "y": 10 + T / 50 + np.sin(T / 7 * 2 * np.pi) + noise[0] / 9})
    table = table.assign(wet=noise[1], open=T % 2 == 0, cap=30.0, **({"floor": 1.0} if kind == "logistic" else {}))
    days = pd.to_datetime(["2022-03-01", "2022-08-01", "2022-06-01"])
    held = pd.DataFrame({"holiday": ["a", "a", "b"], "ds": days, "lower_window": -1, "upper_window": 1})
    none = {f"{name}_seasonality": False for name in ("daily", "weekly", "yearly")}
    how: dict[str, dict[str, Any]] = {
        "plain": {}, "logistic": {"growth": "logistic"}, "flat": {"growth": "flat", **none},
        "multiplicative": {"seasonality_mode": "multiplicative", "holidays": held}, "everything": {"scaling": "minmax", "holidays": held},
    }  # fmt: skip
    model = library.Prophet(**how[kind])
    if kind == "everything":
        model.add_regressor("wet")
        model.add_seasonality("odd", period=30.5, fourier_order=2, condition_name="open", mode="multiplicative")
    flavor, content = FLAVORS.make("prophet"), FLAVORS.make("prophet").dump(model.fit(table))
    future = table.assign(ds=pd.date_range("2022-07-10", periods=ROWS))
    expected = library.serialize.model_from_json(content.decode()).predict(future)["yhat"].to_numpy()
    names = Forecast.read(content).inputs
    given = {name: future[name].astype(str).to_numpy(object) if name == "ds" else future[name].to_numpy() for name in names}
    assert flavor.load(content, signature(*names)).predict(given) == pytest.approx(expected, rel=1e-9)
    if kind == "plain":
        with pytest.raises(Invalid, match="no fitted Prophet"):
            flavor.dump(library.Prophet())
        with pytest.raises(Invalid, match="holidays of a country"):
            flavor.dump(library.Prophet().add_country_holidays("US").fit(table))
