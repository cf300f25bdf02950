"""Growth: `python bench/growth.py LINES... > docs/growth.svg` draws what `bench/ledger.py --json` and `bench/storage.py --json` measured,
and docs/growth-tracking.svg what `bench/lists.py --json` and `bench/points.py --json` did.

One line per operation: CPU microseconds over the number of rows that are there, both axes logarithmic.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import defaultdict
from pathlib import Path

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 960, 460, 92, 320, 20, 44
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#777777")  # Okabe and Ito's, told apart by everybody
_STYLE = "text{font:13px system-ui,sans-serif;fill:#444}@media(prefers-color-scheme:dark){text{fill:#bbb}}path{fill:none;stroke-width:2}"
Curves = dict[str, list[tuple[int, float]]]


def curves(lines: list[dict[str, object]]) -> Curves:
    """Points (rows, CPU in µs) of each operation."""
    found: Curves = defaultdict(list)
    for line in lines:
        sized = re.fullmatch(r"at +([\d,]+): (.*)", str(line["name"]))
        if sized:
            found[sized[2]].append((int(sized[1].replace(",", "")), 1e3 * float(str(line["cpu_ms"]))))
        elif line["name"] == "ledger":
            for key, name in (("append_us", "append an event"), ("verify_us", "verify, per event"), ("proof_us", "prove an event")):
                found[name].append((int(str(line["rows"])), float(str(line[key]))))
    return found


def drawn(found: Curves) -> str:
    """The picture as SVG."""
    points = [point for curve in found.values() for point in curve]
    low_x, high_x = (math.log10(pick(x for x, _ in points)) for pick in (min, max))
    low_y, high_y = math.floor(math.log10(min(y for _, y in points))), math.ceil(math.log10(max(y for _, y in points)))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - low_x) / (high_x - low_x) * (_WIDTH - _LEFT - _RIGHT)
        return _LEFT + across, _HEIGHT - _BOTTOM - (y - low_y) / (high_y - low_y) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"><style>{_STYLE}</style>']
    for power in range(low_y, high_y + 1):
        left, height = place(low_x, power)
        parts.append(f'<path d="M{left} {height:.1f}H{_WIDTH - _RIGHT}" stroke="#8884" style="stroke-width:1"/>')
        parts.append(f'<text x="{left - 8}" y="{height + 4:.1f}" text-anchor="end">{10**power:,} µs</text>')
    for power in range(math.ceil(low_x), math.floor(high_x) + 1):
        across, bottom = place(power, low_y)
        parts.append(f'<text x="{across:.1f}" y="{bottom + 20:.1f}" text-anchor="middle">{10**power:,}</text>')
    middle, said = (_LEFT + _WIDTH - _RIGHT) / 2, "rows, runs or points that are there"
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{said}</text>')
    below = -math.inf
    for (name, curve), colour in zip(sorted(found.items(), key=lambda item: -item[1][-1][1]), _COLOURS, strict=False):
        path = " ".join("{:.1f} {:.1f}".format(*place(math.log10(x), math.log10(y))) for x, y in sorted(curve))
        end = place(math.log10(curve[-1][0]), math.log10(curve[-1][1]))
        below = max(end[1] + 4, below + 18)
        parts.append(f'<path d="M{path}" stroke="{colour}"/>')
        parts.append(f'<text x="{end[0] + 10:.1f}" y="{below:.1f}" style="fill:{colour}">{name}, {curve[-1][1]:,.0f} µs</text>')
    return "\n".join([*parts, "</svg>"])


if __name__ == "__main__":
    print(drawn(curves([json.loads(line) for name in sys.argv[1:] for line in Path(name).read_text().splitlines()])))
