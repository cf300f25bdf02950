"""Prophet: forecasts of Prophet from the JSON that it writes itself, computed with numpy alone."""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar

import msgspec
import numpy as np

from ostinato.kernel.errors import Invalid, MissingExtra
from ostinato.registry.flavor import Care, Columns, Predictor
from ostinato.registry.matrix import Floats
from ostinato.registry.types import Signature

_PROVED_ROWS = 500
_ORDER_MAX = _WINDOW_MAX = 1000
_DAY_S = 86_400.0
_MODES = ("additive_terms", "multiplicative_terms")
_BROKEN = (msgspec.DecodeError, KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class Prophet:
    """A fitted Prophet as its own JSON; inputs: `ds` (ISO dates, or seconds since 1970) and what it was fitted with. No extra to load.

    The file also holds the series that it was fitted on, and `prophet.serialize.model_from_json` opens it. Not with the holidays of a
    country, which its library alone knows of years to come, nor with regressors that are themselves forecast.
    """

    care: ClassVar[Care] = "none"

    def dump(self, model: Any) -> bytes:
        """Its JSON, if numpy gives the forecasts that Prophet gives, of the dates that it was fitted on and of as many to come."""
        try:
            told = importlib.import_module("prophet.serialize")
        except ModuleNotFoundError as error:
            raise MissingExtra("this needs prophet, which is not installed", hint="pip install prophet") from error
        if not isinstance(model, importlib.import_module("prophet").Prophet) or model.history is None:
            raise Invalid(f"a {type(model).__name__} is no fitted Prophet", field="artifact")
        content: bytes = told.model_to_json(model).encode()
        made, again = Forecast.read(content), told.model_from_json(content.decode())
        again.uncertainty_samples = 0  # they would draw random numbers
        for rows in _proofs(again, made):
            found = made.scores({name: rows[name].to_numpy() for name in made.inputs})
            if not np.allclose(found, again.predict(rows)["yhat"].to_numpy(), rtol=1e-9, atol=1e-9 * made.y_scale):
                raise Invalid("read from its JSON, this Prophet forecasts otherwise", hint="keep it as mlflow", field="artifact")
        return content

    def load(self, content: bytes, signature: Signature) -> Predictor:
        """The forecast; the inputs of the signature must be those that it takes, in any order."""
        made = Forecast.read(content)
        if sorted(made.inputs) != sorted(signature.names):
            raise Invalid(f"the model takes {', '.join(made.inputs)}", hint="name the inputs of the signature so", field="signature")
        return Predictor(signature, made.scores, lambda columns: columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Trend · (1 + multiplicative terms) + additive terms; times are seconds since 1970, those of the trend parts of `t_scale`.

    Paper: Taylor & Letham (2018), Forecasting at scale, The American Statistician 72(1).
    """

    growth: str
    start: float
    t_scale: float
    y_scale: float
    floor: float | None
    k: float
    m: float
    changes: Floats
    deltas: Floats
    seasonalities: list[tuple[float, int, str | None]]
    holidays: dict[str, set[date]]
    regressors: dict[str, tuple[float, float]]
    weights: Floats

    @classmethod
    def read(cls, content: bytes) -> Forecast:
        """Parse the JSON of Prophet.

        Raises:
            Invalid: it is another JSON, or not sound, or says something that numpy alone cannot compute.
        """
        try:
            made = _read(msgspec.json.decode(content))
        except _BROKEN as error:
            raise Invalid(f"not a model of Prophet: {type(error).__name__}: {str(error)[:300]}", field="artifact") from error
        numbers = [made.start, made.t_scale, made.y_scale, made.floor or 0.0, made.k, made.m]
        numbers += [*made.changes, *made.deltas, *made.weights.flat]
        features = 2 * sum(order for _, order, _ in made.seasonalities) + len(made.holidays) + len(made.regressors)
        sound = (
            made.growth in ("linear", "logistic", "flat") and all(map(math.isfinite, numbers)) and made.t_scale > 0 and made.y_scale > 0
            and made.changes.shape == made.deltas.shape and made.weights.shape == (2, max(1, features))
            and all(1 <= order <= _ORDER_MAX and 0 < period < math.inf for period, order, _ in made.seasonalities)
            and all(math.isfinite(mean) and math.isfinite(spread) and spread != 0 for mean, spread in made.regressors.values())
        )  # fmt: skip
        if not sound:
            raise Invalid("not a sound model of Prophet", field="artifact")
        return made

    @property
    def inputs(self) -> list[str]:
        """The columns that it takes: `ds`, and what its growth, its conditions and its regressors need."""
        limits = [*(["cap"] if self.growth == "logistic" else []), *(["floor"] if self.floor is None else [])]
        conditions = [name for _, _, name in self.seasonalities if name is not None]
        return list(dict.fromkeys(["ds", *limits, *conditions, *self.regressors]))

    def scores(self, columns: Columns) -> Floats:
        """The forecast (`yhat`) of each row."""
        at = _seconds(columns["ds"])
        given = {name: _numbers(name, columns[name], at.size) for name in self.inputs if name != "ds"}
        floor = given["floor"] if self.floor is None else np.full(at.size, self.floor)
        t = (at - self.start) / self.t_scale
        trend = self._trend(t, (given["cap"] - floor) / self.y_scale if "cap" in given else t) * self.y_scale + floor
        additive, multiplicative = self.weights @ self._features(at, given).T
        return np.asarray(trend * (1 + multiplicative) + additive * self.y_scale, np.float64)

    def _trend(self, t: Floats, cap: Floats) -> Floats:
        if self.growth == "flat":
            return np.full(t.size, self.m)
        over = (self.changes[None, :] <= t[:, None]).astype(np.float64)
        rate = over @ self.deltas + self.k
        if self.growth == "linear":
            return np.asarray(rate * t + over @ (-self.changes * self.deltas) + self.m)
        rates = np.concatenate([[self.k], self.k + np.cumsum(self.deltas)])
        shifts = np.zeros(self.changes.size)
        for n, change in enumerate(self.changes):
            shifts[n] = (change - self.m - shifts.sum()) * (1 - rates[n] / rates[n + 1])
        return np.asarray(cap / (1 + np.exp(-rate * (t - self.m - over @ shifts))))

    def _features(self, at: Floats, given: dict[str, Floats]) -> Floats:
        """A column per weight: waves, holidays, regressors."""
        found: list[Any] = []
        for period, order, condition in self.seasonalities:
            for n in range(1, order + 1):
                waves = (wave(n / period * (2 * np.pi * at / _DAY_S)) for wave in (np.sin, np.cos))
                found.extend(wave if condition is None else np.where(given[condition] != 0, wave, 0.0) for wave in waves)
        days = np.floor(at / _DAY_S).astype(np.int64)
        epoch = date(1970, 1, 1)
        found.extend(np.isin(days, [(day - epoch).days for day in held]).astype(np.float64) for held in self.holidays.values())
        found.extend((given[name] - mean) / spread for name, (mean, spread) in self.regressors.items())
        return np.column_stack(found) if found else np.zeros((at.size, 1))


def _read(told: dict[str, Any]) -> Forecast:
    if told["country_holidays"] is not None:
        raise ValueError("the holidays of a country are not in it: give Prophet a table of holidays, as far as it is to forecast")
    regressors = {str(name): told["extra_regressors"][1][name] for name in told["extra_regressors"][0]}
    if any(props.get("predictor_spec") is not None for props in regressors.values()):
        raise ValueError("a regressor is itself forecast")
    waves = [told["seasonalities"][1][name] for name in told["seasonalities"][0]]
    used = msgspec.json.decode(told["train_component_cols"])["data"]
    widths = {"k": 1, "m": 1, "delta": len(told["changepoints_t"]), "beta": len(used)}
    params = {name: np.array(told["params"][name], np.float64).reshape(-1, width).mean(axis=0) for name, width in widths.items()}
    return Forecast(
        growth=told["growth"], start=float(told["start"]), t_scale=float(told["t_scale"]), y_scale=float(told["y_scale"]),
        floor=None if told["logistic_floor"] else float(told["y_min"]) if told.get("scaling") == "minmax" else 0.0,
        k=float(params["k"][0]), m=float(params["m"][0]), changes=np.array(told["changepoints_t"], np.float64), deltas=params["delta"],
        seasonalities=[(float(p["period"]), int(p["fourier_order"]), p["condition_name"]) for p in waves],
        holidays=_holidays(told["holidays"]), regressors={name: (float(p["mu"]), float(p["std"])) for name, p in regressors.items()},
        weights=np.array([[row[mode] for row in used] for mode in _MODES], np.float64) * params["beta"],
    )  # fmt: skip


def _holidays(told: str | None) -> dict[str, set[date]]:
    """The days of each column of holidays, in the order of Prophet's: by name and by distance from the holiday."""
    found: dict[str, set[date]] = {}
    for row in msgspec.json.decode(told)["data"] if told is not None else ():
        windows = [row.get("lower_window"), row.get("upper_window")]
        before, after = (0, 0) if any(w is None for w in windows) else (int(w) for w in windows)
        if not -_WINDOW_MAX <= before <= after <= _WINDOW_MAX:
            raise ValueError("the window of a holiday is too wide")
        for away in range(before, after + 1):
            name = f"{row['holiday']}_delim_{'+' if away >= 0 else '-'}{abs(away)}"
            found.setdefault(name, set()).add(date.fromisoformat(row["ds"][:10]) + timedelta(days=away))
    return dict(sorted(found.items()))


def _seconds(column: Any) -> Floats:
    """Times as seconds since 1970; those that are written must bear no time zone, as Prophet takes them."""
    values = np.asarray(column)
    try:
        if values.dtype.kind == "O" and any(isinstance(value, str) for value in values):
            values = np.array([np.datetime64(_zoneless(value), "us") for value in values])
        found: Floats = values.astype("datetime64[us]").astype(np.float64) / 1e6 if values.dtype.kind in "MU" else values.astype(np.float64)
    except (TypeError, ValueError) as error:
        hint = "ISO 8601 without a zone, or seconds since 1970"
        raise Invalid(f"column 'ds' holds what is no date: {error}", hint=hint, field="ds") from error
    if values.ndim != 1 or not np.isfinite(found).all() or (values.dtype.kind in "MU" and np.isnat(values.astype("datetime64[us]")).any()):
        raise Invalid("column 'ds' has rows without a date", field="ds")
    return found


def _zoneless(value: Any) -> str:
    text = str(value)
    if text[10:].rstrip("0123456789:.T ") != "":
        raise ValueError(f"{text[:50]!r} bears a time zone, or is no date")
    return text


def _numbers(name: str, column: Any, rows: int) -> Floats:
    try:
        found: Floats = np.asarray(column, np.float64)
    except (TypeError, ValueError) as error:
        raise Invalid(f"column {name!r} is not a column of numbers: {error}", field=name) from error
    if found.shape != (rows,) or not np.isfinite(found).all():
        raise Invalid(f"column {name!r} needs one number per row", hint="Prophet takes no nulls", field=name)
    return found


def _proofs(model: Any, made: Forecast) -> list[Any]:
    """Rows as a fitted Prophet was given them, and the same ones after the last."""
    kept = model.history.iloc[np.unique(np.linspace(0, len(model.history) - 1, _PROVED_ROWS).astype(np.int64))]
    rows = kept[made.inputs].copy()
    for name, (mean, spread) in made.regressors.items():
        rows[name] = rows[name] * spread + mean
    return [rows, rows.assign(ds=rows["ds"] + (rows["ds"].max() - rows["ds"].min()))]
