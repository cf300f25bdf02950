"""Import of a TensorBoard folder into runs, once or while it grows; each event once, also after `kill -9`."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from ostinato.kernel.errors import Conflict, Exhausted, NotFound, Throttled, Unavailable
from ostinato.kernel.protobuf import Malformed
from ostinato.tracking.client.runs_protocol import RunsProtocol
from ostinato.tracking.client.shipping import LEASE_S
from ostinato.tracking.tensorboard.checkpoint import Mark, Note, boards
from ostinato.tracking.tensorboard.events import Media, Told, quantiles, tell
from ostinato.tracking.tensorboard.records import Piece, read
from ostinato.tracking.types import MetricFrame, Run

_LATER = (Unavailable, Throttled, Exhausted)
_ROUND_S = 1.0
_BEAT_S = 30.0
_IDLE_S = 600.0
_KEY_MAX = 200
_log = logging.getLogger("ostinato.tracking")


@dataclass(slots=True)
class Taken:
    """The result of the import of one folder; `damaged` are offsets of broken records, `left_out` counts what a run cannot hold."""

    folder: Path
    run: str
    points: int = 0
    files: int = 0
    histograms: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    damaged: list[str] = field(default_factory=list)
    waiting: int = 0


class Board:
    """One folder of event files, and the run that it becomes."""

    def __init__(self, folder: Path, name: str, run: str, experiment: str, runs: RunsProtocol, note: Note) -> None:
        self.taken = Taken(folder, run)
        self.grown_s = time.monotonic()
        self._name = name
        self._experiment = experiment
        self._runs = runs
        self._note = note
        self._new = not note.known
        self._run: Run | None = None
        self._beat_s = 0.0

    def take(self, files: list[Path], *, final: bool, following: bool) -> bool:
        """Import what is new in the files; `final` means that no more will come. Returns whether anything was new."""
        grown = False
        for path in files:
            while self._piece(path, final=final, following=following):
                grown = True
        if grown:
            self.grown_s = time.monotonic()
        return grown

    def _piece(self, path: Path, *, final: bool, following: bool) -> bool:
        mark = self._note.marks.setdefault(path.name, Mark())
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < max(mark.start, mark.end):
                self._damaged(path, size, "the file was cut, and what follows is not taken")
                return False
            if mark.end <= mark.start:
                piece = read(file, mark.start)
                if piece.end == mark.start and final and size > mark.start:
                    self.taken.waiting += size - mark.start
                if piece.end == mark.start:
                    return False
                mark.end = piece.end
                self._note.save()
            piece = read(file, mark.start, mark.end)
        self._send(path, mark, piece, following=following)
        mark.start = mark.end
        self._note.save()
        return True

    def _send(self, path: Path, mark: Mark, piece: Piece, *, following: bool) -> None:
        told = Told()
        for at, size, why in piece.damaged:
            self._damaged(path, at, f"{why} ({size} bytes)")
        for number, record in enumerate(piece.records):
            try:
                tell(told, record)
            except (Malformed, OverflowError, ValueError, IndexError) as error:
                self._damaged(path, piece.start, f"record {number} after it is no event: {error}")
        self._open(told, following=following)
        for media in told.media:
            self._runs.put_artifact(self.taken.run, path_of(media), media.content)
        if told.histograms:
            self._histograms(f"{path.name}-{piece.start}", told)
        if told.points:
            named = [(key_of(tag), step, at_us, value) for tag, step, at_us, value in told.points]
            frame = MetricFrame.of(named)
            self._runs.log(self.taken.run, f"tensorboard/{path.name}", mark.seq, frame)
            mark.seq += 1
        self.taken.points += len(told.points)
        self.taken.files += len(told.media)
        self.taken.left_out += told.left_out

    def _open(self, told: Told, *, following: bool) -> None:
        """The run, begun with its first event, and with the parameters that were said since."""
        note, run = self._note, self.taken.run
        if told.last_us is not None:
            note.last_us = max(note.last_us or told.last_us, told.last_us)
        if self._run is None:
            started = None if told.first_us is None else datetime.fromtimestamp(told.first_us / 1e6, UTC)
            tags = {"framework": "tensorboard"}
            self._run = self._runs.start(self._experiment, self._name, id=run, started_at=started, amendable=True, tags=tags)
            if self._new and self._runs.metrics(run):
                hint = "go on where that was, or take it as another run: --as NAME"
                raise Conflict(f"run {run} holds events of {self.taken.folder} already, and nothing here says how many", hint=hint)
            self._new = False
        if following and (note.ended or self._run.state != "running"):
            self._run = self._runs.resume(run, LEASE_S)
        note.ended = False
        if told.params:
            try:
                self._runs.params(run, {key_of(name): value for name, value in told.params.items()})
            except Conflict as error:
                self.taken.left_out["hparams"] += 1
                _log.warning("%s: %s", self.taken.folder, error)

    def _histograms(self, name: str, told: Told) -> None:
        """Histograms whole, as lines of a file, and their quantiles as metrics, which show how they move."""
        lines = "".join(json.dumps(asdict(histogram)) + "\n" for histogram in told.histograms)
        self._runs.put_artifact(self.taken.run, f"histograms/{name}.jsonl", lines.encode())
        self.taken.histograms += len(told.histograms)
        told.points.extend(
            (f"{h.tag[: _KEY_MAX - 4]}/{quantile}", h.step, h.at_us, value) for h in told.histograms for quantile, value in quantiles(h)
        )

    def beat(self) -> None:
        """Send a heartbeat of the run."""
        if self._run is not None and not self._note.ended and time.monotonic() - self._beat_s > _BEAT_S:
            self._beat_s = time.monotonic()
            self._runs.beat(self.taken.run, LEASE_S)

    def end(self) -> None:
        """The run has ended, with its last event; also one that was left open by a process that died."""
        note = self._note
        if note.ended or (self._run is None and not note.marks):
            return
        ended = None if note.last_us is None else datetime.fromtimestamp(note.last_us / 1e6, UTC)
        self._runs.finish(self.taken.run, "finished", ended_at=ended)
        note.ended = True
        note.save()

    def close(self) -> None:
        """Release the locks."""
        self._note.close()

    def _damaged(self, path: Path, at: int, why: str) -> None:
        line = f"{path.name} at {at}: {why}"
        if line not in self.taken.damaged:
            self.taken.damaged.append(line)


class Boards:
    """All folders with event files beneath one, taken into a store that `target` names; what was taken is noted in `home`.

    A run is known by its folder on this machine, or by the name that the whole is taken `called`.
    """

    def __init__(self, root: Path, runs: RunsProtocol, *, home: Path, target: str, experiment: str = "", called: str = "") -> None:
        self._root = root.resolve()
        self._runs = runs
        self._home = home / "tensorboard"
        self._target = target
        self._experiment = experiment or called or self._root.name or "tensorboard"
        self._called = called
        self._known: dict[Path, Board] = {}
        self._failed: dict[Path, str] = {}

    def take(self, *, final: bool, following: bool) -> Iterator[Board]:
        """One round through all folders; those in which something was new.

        Raises:
            NotFound: there are no event files.
            OstinatoError: the store refuses what is sent; of those that can wait, such as Unavailable, the same is sent the next time.
        """
        found = [*boards(self._root)]
        if not found and not following:
            raise NotFound(f"there are no event files of TensorBoard in {self._root}", hint="name the folder that is given to --logdir")
        for folder, files in found:
            board = self._known.get(folder) or self._known.setdefault(folder, self._board(folder))
            if board.take(files, final=final, following=following) or final:
                yield board

    def follow(self, stop: threading.Event, told: Callable[[Board], None], idle_s: float = _IDLE_S) -> None:
        """Import what arrives until `stop` is set; a run that does not grow for `idle_s` is ended, until it grows again."""
        while not stop.is_set():
            try:
                for board in self.take(final=False, following=True):
                    told(board)
                for board in self._known.values():
                    board.end() if time.monotonic() - board.grown_s > idle_s else board.beat()
            except _LATER as error:
                _log.warning("%s; it is tried again (hint: %s)", error, error.hint)
            stop.wait(_ROUND_S)

    def end(self) -> None:
        """The runs have ended."""
        for board in self._known.values():
            board.end()

    def close(self) -> None:
        """Release the locks."""
        for board in self._known.values():
            board.close()

    def _board(self, folder: Path) -> Board:
        within = folder.relative_to(self._root).as_posix()
        named = f"{self._called}|{within}" if self._called else f"{socket.gethostname()}|{folder}"
        run = f"tb-{blake2b(named.encode('utf-8', 'surrogateescape'), digest_size=10).hexdigest()}"
        name = (self._called or self._root.name) if within == "." else within
        return Board(folder, name, run, self._experiment, self._runs, Note(self._home, run, self._target))


def key_of(tag: str) -> str:
    r"""A tag as the name of a metric: printable, and of at most 200 characters.

    >>> key_of("loss"), key_of("a\nb"), len(key_of("x" * 300))
    ('loss', 'a_b', 200)
    """
    made = "".join(c if c.isprintable() else "_" for c in tag) or "unnamed"
    return made if len(made) <= _KEY_MAX else f"{made[: _KEY_MAX - 9]}~{blake2b(tag.encode('utf-8', 'replace'), digest_size=4).hexdigest()}"


def path_of(media: Media) -> str:
    """The path of a file of a step.

    >>> path_of(Media("images", "val/../a", 3, ".png", b""))
    'images/val/_/a/3.png'
    """
    parts = [part if part not in ("", ".", "..") else "_" for part in key_of(media.tag).split("/")]
    return "/".join([media.kind, *parts, f"{media.step}{media.suffix}"])
