"""Replies for the eye: a table for a list, a two-column table for a thing, plain text for the rest."""

from __future__ import annotations

import io
import sys
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ostinato.kernel.page import Page
from ostinato.kernel.signature import to_wire

_WIDE = 10_000
_COLUMNS_MAX = 9


def show(reply: Any) -> None:
    """Print a reply. Into a pipe, lines are not cut."""
    if sys.stdout.isatty():
        _print(Console(), reply)
        return
    page = io.StringIO()
    _print(Console(file=page, width=_WIDE), reply)
    for line in page.getvalue().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def _print(console: Console, reply: Any) -> None:
    if isinstance(reply, Page):
        _print(console, reply.items)
        if reply.next is not None:
            console.print(Text(f"more: --after {reply.next}"))
    elif isinstance(reply, (list, tuple)) and reply and all(map(is_dataclass, reply)):
        console.print(_table(reply))
    elif isinstance(reply, (list, tuple)):
        for item in reply:
            console.print(Text(text_of(item)))
    elif is_dataclass(reply) or isinstance(reply, dict):
        console.print(_card(reply))
    elif reply is not None:
        console.print(Text(text_of(reply)))


def text_of(value: Any) -> str:
    """One value as one line.

    >>> text_of(0.123456789), text_of(None), text_of([1, 2])
    ('0.123457', '', '[1,2]')
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (str, int)):
        return str(value)
    if is_dataclass(value) or isinstance(value, (list, tuple, dict, bytes)):
        return msgspec.json.encode(value, enc_hook=to_wire).decode()
    return str(value)


def _table(items: list[Any] | tuple[Any, ...]) -> Table:
    names = [f.name for f in fields(items[0]) if any(getattr(item, f.name, None) not in (None, "", [], {}, ()) for item in items)]
    table = Table(box=SIMPLE_HEAD)
    for name in names[:_COLUMNS_MAX]:
        table.add_column(name, overflow="fold")
    for item in items:
        table.add_row(*(Text(text_of(getattr(item, name, None))) for name in names[:_COLUMNS_MAX]))
    return table


def _card(reply: Any) -> Table:
    pairs = reply.items() if isinstance(reply, dict) else [(f.name, getattr(reply, f.name)) for f in fields(reply)]
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(str(name), Text(text_of(value)))
    return table
