"""The distances against what Evidently 0.7.23, NannyML 0.13.1, alibi-detect and SciPy compute on the same data."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ostinato.monitoring.distributions import chi_square, kolmogorov
from ostinato.monitoring.drift.chi_square import ChiSquare
from ostinato.monitoring.drift.hellinger import Hellinger
from ostinato.monitoring.drift.jensen_shannon import JensenShannon
from ostinato.monitoring.drift.ks import Ks
from ostinato.monitoring.drift.psi import Psi
from ostinato.monitoring.drift.wasserstein import Wasserstein

_HERE = Path(__file__).parent / "parity"
_spec = importlib.util.spec_from_file_location("anchordata", _HERE / "anchordata.py")
assert _spec is not None
assert _spec.loader is not None
anchordata = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(anchordata)

REFERENCE: dict[str, Any] = json.loads((_HERE / "reference.json").read_text())
NUMERIC = {k: tuple(v[np.isfinite(v)] for v in pair) for k, pair in anchordata.numeric().items()}
CATEGORICAL = {k: tuple(v[v != None] for v in pair) for k, pair in anchordata.categorical().items()}  # noqa: E711


def exact(pair: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both samples counted with a bin for every distinct value."""
    values = np.unique(np.concatenate([v.astype(str) if v.dtype == object else v for v in pair]))
    counts = [np.bincount(np.searchsorted(values, v.astype(values.dtype)), minlength=len(values)) for v in pair]
    return counts[0], counts[1], values


def binned(pair: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Evidently's bins: Sturges on both samples together, or one for each value where the reference has at most twenty."""
    if pair[0].dtype == object or len(np.unique(pair[0])) <= 20:
        return exact(pair)[:2]
    edges = np.histogram_bin_edges(np.concatenate(pair), bins="sturges")
    return np.histogram(pair[0], edges)[0], np.histogram(pair[1], edges)[0]


def theirs(library: str, kind: str, name: str, method: str) -> float:
    """The value that a library gave."""
    return float(REFERENCE[library][kind][name][method][0])


@pytest.mark.parametrize("name", NUMERIC)
def test_numeric_distances(name: str) -> None:
    pair = NUMERIC[name]
    reference, window, values = exact(pair)
    p, q = binned(pair)
    nothing = np.empty(0)
    assert Psi().effect(p, q, nothing) == pytest.approx(theirs("evidently", "numeric", name, "psi"), rel=1e-9, abs=1e-12)
    assert JensenShannon().effect(p, q, nothing) * np.log(2) ** 0.5 == pytest.approx(
        theirs("evidently", "numeric", name, "jensenshannon"), rel=1e-9, abs=1e-7
    )
    assert Ks().effect(reference, window, nothing) == pytest.approx(float(REFERENCE["alibi"]["numeric"][name]["ks"][1]), abs=1e-6)
    distance = float(Wasserstein().effect(reference, window, values))
    if name != "tiny_scale":
        assert distance == pytest.approx(theirs("evidently", "numeric", name, "wasserstein"), rel=1e-9, abs=1e-12)
    else:  # they divide by no less than 0.001 and miss a shift of half a standard deviation
        assert distance == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("name", [n for n, (a, b) in NUMERIC.items() if len(a) == len(b)])
def test_ks_p_value(name: str) -> None:
    reference, window, _ = exact(NUMERIC[name])
    expected = theirs("evidently", "numeric", name, "ks")
    if len(NUMERIC[name][0]) > 10_000:  # there SciPy, too, leaves the exact distribution
        assert Ks().p_value(reference, window) == pytest.approx(expected, abs=3e-3)
    else:
        assert Ks().p_value(reference, window) == pytest.approx(expected, rel=1e-8, abs=1e-300)


@pytest.mark.parametrize("name", CATEGORICAL)
def test_categorical_distances(name: str) -> None:
    reference, window, _ = exact(CATEGORICAL[name])
    nothing = np.empty(0)
    assert Psi().effect(reference, window, nothing) == pytest.approx(theirs("evidently", "categorical", name, "psi"), rel=1e-9)
    assert JensenShannon().effect(reference, window, nothing) * np.log(2) ** 0.5 == pytest.approx(
        theirs("evidently", "categorical", name, "jensenshannon"), rel=1e-9
    )
    p, q = reference / reference.sum(), window / window.sum()
    assert Hellinger().effect(reference, window, nothing) == pytest.approx(np.sqrt(((p**0.5 - q**0.5) ** 2).sum() / 2), abs=1e-9)
    table = np.stack([reference, window])
    expected = stats.chi2_contingency(table, correction=False)
    assert ChiSquare().statistic(reference, window) == pytest.approx(expected.statistic, rel=1e-12)
    assert ChiSquare().p_value(reference, window) == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-290)
    if name not in ("bin_same_n1000", "bin_shift_n1000", "disjoint_n2000"):  # for two categories alibi applies Yates' correction
        assert ChiSquare().p_value(reference, window) == pytest.approx(REFERENCE["alibi"]["categorical"][name][0], rel=1e-5)


def test_the_chi_square_does_not_take_the_reference_for_the_truth() -> None:
    """Evidently's goodness of fit gives 33 % false alarms here at a nominal 5 % (anchor 2.5.1); the two-sample test gives 5 %."""
    rng = np.random.default_rng(20_26)
    share = np.array([5, 4, 3, 2, 1]) / 15
    ours, fit = 0, 0
    for _ in range(400):
        reference, window = rng.multinomial(1000, share), rng.multinomial(1000, share)
        ours += ChiSquare().p_value(reference, window) < 0.05
        fit += stats.chisquare(window, reference).pvalue < 0.05
    assert stats.binomtest(ours, 400, 0.05).pvalue > 0.001
    assert fit > 80


def test_one_outlier_raises_nothing() -> None:
    """Evidently's normed distance gives 196.8 on one row of a million (anchor 2.5.2); the bins of the reference bound it."""
    import pyarrow as pa

    from ostinato.monitoring.windows import Blocks, Reference

    a, b = NUMERIC["outlier_n5000"]
    table = pa.table({"x": a, "score": np.full(len(a), 0.5), "label": np.arange(len(a)) % 2})
    reference = Reference.of(table, ["x"], "")
    counted = reference.count("x", pa.chunked_array([b]), Blocks.chunks(len(b), 64))
    centres = np.asarray(reference.grids["x"].centres)
    assert Wasserstein().effect(reference.counted["x"].bins.sum(axis=0), counted.bins.sum(axis=0), centres) < 0.1


@pytest.mark.parametrize("freedom", [1, 2, 5, 20, 199])
def test_chi_square_distribution(freedom: int) -> None:
    for statistic in (0.0, 0.01, 1.0, 5.0, 30.0, 250.0, 700.0):
        assert chi_square(statistic, freedom) == pytest.approx(stats.chi2.sf(statistic, freedom), rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(60, 800), (500, 700), (3000, 2600)])
def test_kolmogorov_distribution_of_unequal_sizes(n: int, m: int) -> None:
    for distance in (0.5, 1.0, 1.5, 2.0):
        distance *= ((n + m) / (n * m)) ** 0.5
        assert kolmogorov(distance, n, m) == pytest.approx(stats.kstwo.sf(distance, round(n * m / (n + m))), abs=1e-2)
