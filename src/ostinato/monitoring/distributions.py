"""Distribution functions of the classical tests for independent rows; the tests compare them with SciPy."""

from __future__ import annotations

import math

_EXACT_MAX = 10_000


def chi_square(statistic: float, freedom: int) -> float:
    """P(X ≥ statistic) for a chi-square variable (series and continued fraction, Abramowitz & Stegun 6.5.29, 6.5.31).

    >>> round(chi_square(3.841, 1), 3)
    0.05
    """
    a, x = freedom / 2, statistic / 2
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        k = a
        while abs(term) > 1e-17 * abs(total):
            k += 1
            term *= x / k
            total += term
        return max(0.0, 1 - front * total)
    return front * _fraction(a, x)


def _fraction(a: float, x: float) -> float:
    """The continued fraction of the upper incomplete gamma function, by Lentz's method."""
    b = x + 1 - a
    c, d = 1e300, 1 / b
    h = d
    for i in range(1, 10_000):
        step = -i * (i - a)
        b += 2
        d = 1 / (step * d + b)
        c = b + step / c
        h *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return h


def kolmogorov(distance: float, n: int, m: int) -> float:
    """P(D ≥ distance) for the largest gap between two samples of n and m rows from one continuous distribution.

    Exact for n = m ≤ 10,000 (Hodges 1958); otherwise the limit with the correction of Stephens (1970), whose error
    is below 0.01 from 50 rows on.

    >>> round(kolmogorov(0.1, 1000, 1000), 6)
    9e-05
    """
    if distance <= 0:
        return 1.0
    if n == m and n <= _EXACT_MAX:
        return _equal_sizes(round(distance * n), n)
    root = math.sqrt(n * m / (n + m))
    x = (root + 0.12 + 0.11 / root) * distance
    if x < 0.2:
        return 1.0
    return min(1.0, 2 * math.fsum((-1) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 101)))


def _equal_sizes(h: int, n: int) -> float:
    middle = 2 * math.lgamma(n + 1)
    terms = ((-1) ** (k - 1) * math.exp(middle - math.lgamma(n - k * h + 1) - math.lgamma(n + k * h + 1)) for k in range(1, n // h + 1))
    return min(1.0, 2 * math.fsum(terms))
