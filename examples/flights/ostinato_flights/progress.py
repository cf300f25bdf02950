"""What the replay shows while it works, and at the end."""

from __future__ import annotations

import calendar
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

TO_LOOK_AT = (
    "endpoints rollouts late",
    "monitors findings",
    "models card late@champion",
    "endpoints production late --at 2013-05-03T18:00:00Z",
)
"""Commands for who has just seen a replay."""


class Progress:
    """Lines as things happen: a heading per month, one line per act, with the seconds it took."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
        self._started = time.monotonic()

    def say(self, text: str, *, mark: str = "·") -> None:
        """One line."""
        line = Table.grid(padding=(0, 1))
        for width in (6, 1, None):
            line.add_column(justify="right" if width == 6 else "left", width=width, overflow="fold")
        line.add_row(f"[dim]{time.monotonic() - self._started:.0f}s[/dim]", mark, Text(text))
        self._console.print(line)

    def good(self, text: str) -> None:
        """Something that was to be achieved."""
        self.say(text, mark="[green]✓[/green]")

    def warn(self, text: str) -> None:
        """Something that went wrong and was caught."""
        self.say(text, mark="[yellow]![/yellow]")

    @contextmanager
    def month(self, month: int, last: int) -> Iterator[None]:
        """The heading of a month."""
        self._console.print(f"[bold]{calendar.month_name[month]} 2013[/bold] [dim]({month} of {last})[/dim]")
        yield

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table; the first column is left-aligned, the others are numbers."""
        table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        for position, name in enumerate(head):
            table.add_column(name, justify="left" if position == 0 else "right")
        for row in rows:
            table.add_row(*row)
        self._console.print(table)

    def keep_up(self, url: str, data: Path) -> None:
        """Keep the server up until it is interrupted."""
        self._console.print(f"\nThe server stays up at [bold]{url}[/bold] until Ctrl-C. To look around, in another terminal:\n")
        for line in (
            f"export OSTINATO_URL={url} OSTINATO_TOKEN=$(cat {shlex.quote(str(data / 'admin-token'))})",
            *(f"{shlex.quote(sys.argv[0])} {words}" for words in TO_LOOK_AT),
        ):
            self._console.print(Text(f"  {line}", overflow="ignore", no_wrap=True), soft_wrap=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            signal.pause()
        except KeyboardInterrupt:
            self._console.print("bye")
