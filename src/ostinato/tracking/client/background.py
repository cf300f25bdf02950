"""What a run records by itself in a background thread, so that a slow `git` delays nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ostinato.kernel.errors import Invalid
from ostinato.tracking import capture
from ostinato.tracking.client.console import Console
from ostinato.tracking.client.journal import Journal
from ostinato.tracking.client.system import Sampler

ALL = ("code", "environment", "console", "system", "exit")
"""All that can be captured: the commit and the patch, the installed packages, what is printed, the machine, how the process ended."""
_SAMPLE_S = 10.0
_LAST_S = 1.0
_KNOWN_S = 15.0
_log = logging.getLogger("ostinato.tracking")


def parts_to_capture(asked: bool | Sequence[str] | None, setting: str) -> frozenset[str]:
    """The parts to capture: those requested, or else those of the setting.

    >>> sorted(parts_to_capture(None, "code, exit")), parts_to_capture(False, "all"), len(parts_to_capture(True, "none"))
    (['code', 'exit'], frozenset(), 5)
    """
    if asked is None:
        named = [name.strip() for name in setting.split(",") if name.strip()]
        return parts_to_capture({"all": True, "1": True, "none": False, "0": False}.get(setting.strip(), named), "")
    if isinstance(asked, bool):
        return frozenset(ALL if asked else ())
    if unknown := [name for name in asked if name not in ALL]:
        raise Invalid(f"nothing called {unknown[0]!r} is captured", hint=f"there are {', '.join(ALL)}", field="capture")
    return frozenset(asked)


class Background:
    """Captures for one run, into its journal."""

    def __init__(self, journal: Journal, which: frozenset[str]) -> None:
        self._journal = journal
        self._which = which
        self._known = threading.Event()
        self._over = threading.Event()
        self._sampler: Sampler | None = None
        self._sampled_s = 0.0
        self._samples = 0
        self._console = Console.begin(journal.folder) if "console" in which and journal.folder is not None else None
        if which & {"code", "environment", "system"}:
            threading.Thread(target=self._watch, name="ostinato-aside", daemon=True).start()
        else:
            self._known.set()

    def end(self) -> None:
        """Finish before the run ends: record what is still missing."""
        self._over.set()
        self._known.wait(_KNOWN_S)
        self.end_console()
        if self._sampler is not None and time.monotonic() - self._sampled_s >= _LAST_S:
            self._guarded(self._sample)

    def end_console(self) -> None:
        """Stop copying the output."""
        if self._console is not None:
            self._console.end()
            self._console = None

    def forked(self) -> None:
        """In the child of a fork: it captures nothing."""
        self._known = threading.Event()  # the old one's lock may be held by a thread that is not here
        self._known.set()
        self._over, self._sampler = threading.Event(), None
        if self._console is not None:
            self._console.forked()

    def _watch(self) -> None:
        self._guarded(self._tell_origin)
        self._guarded(self._tell_patch)
        if "system" in self._which:
            self._guarded(self._sample)
        self._known.set()
        while "system" in self._which and not self._over.wait(_SAMPLE_S):
            self._guarded(self._sample)

    def _guarded(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Exception:  # no capture is worth a training
            _log.debug("could not capture", exc_info=True)

    def _tell_origin(self) -> None:
        code = capture.code() if "code" in self._which else None
        environment = capture.environment() if "environment" in self._which else None
        if code is not None or environment is not None:
            self._note("origin", code=msgspec.to_builtins(code), environment=msgspec.to_builtins(environment))

    def _tell_patch(self) -> None:
        if "code" in self._which and self._journal.home is not None and (patch := capture.difference()):
            self._note("artifact", path="code.patch", file=self._journal.keep_file(patch)[0])

    def _note(self, verb: str, **told: Any) -> None:
        with self._journal.lock:
            if not self._journal.ended:
                self._journal.deed(verb, **told)

    def _sample(self) -> None:
        self._sampled_s = time.monotonic()
        self._sampler = self._sampler or Sampler()
        rank = self._journal.about.rank
        if found := self._sampler.sample():
            found = {f"system/rank_{rank}/{name.removeprefix('system/')}": value for name, value in found.items()} if rank else found
            with self._journal.lock:
                if not self._journal.ended:
                    self._journal.points(tuple(found), self._samples, time.time_ns() // 1000, found.values())
            self._samples += 1
