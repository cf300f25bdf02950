"""Numbers formatted for sentences."""

from __future__ import annotations

import math

_NAMED = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def format_number(value: float, digits: int = 3) -> str:
    """A number with `digits` significant digits and no exponent; from a thousand on a whole number.

    >>> [format_number(x) for x in (3740.95, 0.04567, -2.0, 7.3e9, 1e30)], format_number(0.00001234, 2)
    (['3,741', '0.0457', '-2', '7.3 billion', 'over a trillion'], '0.000012')
    """
    if not math.isfinite(value):
        return "no number" if math.isnan(value) else "beyond all bounds"
    size = abs(value)
    if size >= 1e15:
        return f"{'below minus' if value < 0 else 'over'} a trillion"
    for unit, name in _NAMED:
        if size >= unit:
            return f"{value / unit:.{digits}g} {name}" if size < 1000 * unit else f"{value / unit:,.0f} {name}"
    if size >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.{digits}g}"
    return text if "e" not in text else f"{value:.{digits - 1 - math.floor(math.log10(size))}f}"
