"""Replies printed for people: a list as a table, a thing as two columns, anything else as text."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ostinato.cli.printable import printable
from ostinato.kernel.page import Page
from ostinato.kernel.ref import Ref

_PIPE = 10_000
"""Columns of a pipe: nothing is wrapped."""
_CELL_MAX = 60
"""Characters of a cell that abbreviates a structure, and of a text before it is folded on a terminal."""
_FOLDED_MIN = 30
"""Characters that a folded text must at least have in a line."""
_ID = 26
_DIGEST = 64
_DIGEST_SHOWN = 12


def show(reply: Any) -> None:
    """Print a reply. Into a pipe, rows are not wrapped and no column is left out."""
    if sys.stdout.isatty():
        _print(Console(highlight=False), reply)
        return
    page = io.StringIO()
    _print(Console(file=page, width=_PIPE), reply)
    for line in page.getvalue().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def _print(console: Console, reply: Any) -> None:
    if isinstance(reply, Page):
        _print(console, reply.items)
        if reply.next is not None:
            console.print(Text(f"more: --after {shlex.quote(reply.next)}"))
    elif isinstance(reply, (list, tuple)) and not reply:
        sys.stderr.write("none\n")
    elif isinstance(reply, (list, tuple)) and all(map(_is_thing, reply)):
        _print_table(console, [dict(_pairs(item)) for item in reply])
    elif isinstance(reply, (list, tuple)):
        for item in reply:
            console.print(Text(text_of(item)))
    elif _is_thing(reply):
        console.print(_card(reply))
    elif reply is not None:
        console.print(Text(text_of(reply)))


def text_of(value: Any) -> str:
    """One value as one line; structures by what they hold, long lists of them by their number.

    >>> text_of(0.123456789), text_of(None), text_of([1, 2]), text_of({"rate": 0.1, "steps": [{}, {}]})
    ('0.123457', '', '1, 2', 'rate=0.1, steps=2 items')
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(sentence := getattr(value, "sentence", None), str):
        return printable(sentence)
    if isinstance(value, (list, tuple)):
        if len(value) > 1 and any(map(_is_thing, value)):
            return f"{len(value)} items"
        return ", ".join(text_of(item) for item in value)
    if _is_thing(value):
        return ", ".join(f"{name}={text_of(inner)}" for name, inner in _pairs(value) if not _empty(inner))
    return printable(str(value))


def _is_thing(value: Any) -> bool:
    return isinstance(value, dict) or (is_dataclass(value) and not isinstance(value, Ref))


def _pairs(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(printable(str(key)), inner) for key, inner in value.items()]
    return [(f.name, getattr(value, f.name)) for f in fields(value)]


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {}, ())


def _structured(value: Any) -> bool:
    return (_is_thing(value) and not hasattr(value, "sentence")) or (isinstance(value, (list, tuple)) and any(map(_is_thing, value)))


def _print_table(console: Console, items: Sequence[dict[str, Any]]) -> None:
    """The columns that hold something, as many as the console has room for; the others are named below."""
    names = [name for name in items[0] if not all(_empty(item.get(name)) for item in items)]
    cells = {name: [_cell(item.get(name), console.width) for item in items] for name in names}
    widths = _fit(names, items, cells, console.width - 1)
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    shown = [name for name in names if name in widths]
    for name in shown:
        number = all(isinstance(item.get(name), (int, float, type(None))) for item in items)
        table.add_column(name, overflow="fold", justify="right" if number else "left", max_width=widths[name])
    for row in zip(*(cells[name] for name in shown), strict=True):
        table.add_row(*map(Text, row))
    console.print(table)
    if hidden := [name for name in names if name not in widths]:
        console.print(Text(f"not shown: {', '.join(hidden)} (--json prints all)"), style="dim")


def _fit(names: Sequence[str], items: Sequence[dict[str, Any]], cells: dict[str, list[str]], room: int) -> dict[str, int]:
    """The widths of the columns that find room: first those that tell rows apart, last the ids of other things and the structures."""

    def rank(name: str) -> int:
        if any(_structured(item.get(name)) for item in items):
            return 3
        if name == names[0]:
            return 0
        if all(not cell or _opaque(cell) for cell in cells[name]):
            return 2
        return int(len(items) > 1 and len(set(cells[name])) == 1)

    widths: dict[str, int] = {}
    for name in sorted(names, key=rank):
        longest = max(len(name), *map(len, cells[name]))
        width = longest if room >= _PIPE - 1 else min(longest, _CELL_MAX)
        if longest > _FOLDED_MIN and len(name) <= _FOLDED_MIN <= room - 3 < width and rank(name) < 2:
            width = room - 3
        if width + 3 <= room or not widths:
            widths[name] = width
            room -= 0 if room >= _PIPE - 1 else width + 3
    return widths


def _opaque(cell: str) -> bool:
    """A digest or an id, which tells a reader nothing; perhaps behind its kind."""
    return (len(bare := cell.rpartition(":")[2]) >= _ID and bare.isalnum()) or cell.endswith("…")


def _cell(value: Any, width: int) -> str:
    text = text_of(value)
    if width < _PIPE and len(text) == _DIGEST and text.isalnum():
        return text[:_DIGEST_SHOWN] + "…"
    return text[: _CELL_MAX - 1] + "…" if len(text) > _CELL_MAX and _structured(value) else text


def _card(reply: Any) -> Table:
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _pairs(reply):
        table.add_row(name, Text("\n".join(_lines(value))))
    return table


def _lines(value: Any) -> Iterator[str]:
    """A value within a card: a structure takes a line for each of its parts."""
    if isinstance(value, (list, tuple)) and len(value) > 1:
        yield from (text_of(item) for item in value)
    elif _is_thing(value):
        for name, inner in _pairs(value):
            if _structured(inner) and len(inner_lines := list(_lines(inner))) > 1:
                yield f"{name}:"
                yield from (f"  {line}" for line in inner_lines)
            elif not _empty(inner):
                yield f"{name}: {text_of(inner)}"
    else:
        yield text_of(value)
