"""What a logger records besides metrics: links, sources, files, candidates."""

from __future__ import annotations

import errno
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from ostinato.kernel.errors import Conflict
from ostinato.kernel.ids import new_id
from ostinato.kernel.ref import Ref
from ostinato.tracking.client.contents import content_of
from ostinato.tracking.client.journal import Journal
from ostinato.tracking.client.runs_protocol import RunsProtocol
from ostinato.tracking.paths import checked_path
from ostinato.tracking.types import Artifact, MetricFrame, Run, Scalar, Source, Use, scalar


class Outputs:
    """A mixin of Logger, which sets the attributes that are annotated here."""

    run: Run
    _runs: RunsProtocol | None
    _direct: RunsProtocol | None
    _journal: Journal
    _ended: bool

    @property
    def at_once(self) -> bool:
        """Whether everything but points is done at once, for code that answers for its run itself."""
        return self._direct is not None

    def artifact(self, path: str, content: Any) -> Artifact:
        """Store something under a path of the run, as it is now: bytes, text, the file of a `Path`.

        Others are written as the path ends: a figure as `.png` or `.svg`, an image as `.png`, a table as `.parquet`, an array as `.npy`,
        a dict or list as `.json`.

        Raises:
            Invalid: it is nothing of that kind, or no path within a run.
        """
        checked_path(path)
        data = content_of(path, content)
        if self._direct is not None:
            return self._direct.put_artifact(self.run.id, path, _read(data))
        if self._ended:
            raise self._over()
        try:
            file, digest, size = self._journal.keep_file(data)
        except FileNotFoundError:
            raise
        except OSError as error:
            if self._runs is None:
                raise
            self._warn(f"{path} is sent at once: {error.strerror or error}", "make room on the disk")
            return self._runs.put_artifact(self.run.id, path, _read(data))
        self._note("artifact", path=path, file=file)
        return Artifact(path=path, digest=digest, size=size, kept_at=datetime.now(UTC))

    def artifacts(self, folder: str | Path, under: str = "") -> list[Artifact]:
        """Store every file below a folder, under the path that it has there."""
        home = Path(folder)
        if not home.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "no such folder", str(home))
        files = sorted(file for file in home.rglob("*") if file.is_file())
        return [self.artifact(str(PurePosixPath(under, file.relative_to(home).as_posix())), file) for file in files]

    def input(self, ref: Ref | str) -> None:
        """Record that the run used something, such as `dataset:flights@4`."""
        self._link([as_ref(ref)], [])

    def output(self, ref: Ref | str) -> None:
        """Record that the run made something."""
        self._link([], [as_ref(ref)])

    def use(self, source: Source, context: str = "training", tags: Mapping[str, str] | None = None) -> None:
        """Record that the run used external data."""
        use = Use(source=source, context=context, tags=dict(tags or {}))
        if self._direct is not None:
            self._direct.use(self.run.id, [use])
        else:
            self._note("use", use=asdict(use))

    def candidate(
        self,
        name: str,
        files: Mapping[str, Any],
        *,
        type: str = "",
        params: Mapping[str, Scalar] | None = None,
        tags: Mapping[str, str] | None = None,
        step: int | None = None,
        measured: Mapping[str, float] | None = None,
        on: Source | None = None,
    ) -> Ref:
        """Add a candidate, a model that may become a registered version: its files, and what was measured of it, on which data.

        What was measured of it is measured by the run as well.

        Raises:
            OSError: a file cannot be read, or the disk has no room for its copy.
        """
        made = Ref("candidate", new_id())
        at_us, at = time.time_ns() // 1000, step or 0
        told: dict[str, Any] = {"id": made.name, "name": name, "type": type, "step": step, "tags": dict(tags or {})}
        told["params"] = {key: scalar(value) for key, value in (params or {}).items()}
        points = [(key, at, at_us, float(value)) for key, value in (measured or {}).items()]
        about: dict[str, Any] = {"candidate": made.name, "dataset_name": on.name if on else "", "dataset_digest": on.digest if on else ""}
        if self._direct is None:
            if self._ended:
                raise self._over()
            kept = {checked_path(path): self._journal.keep_file(content_of(path, content))[0] for path, content in files.items()}
            self._note("candidate", **told)
            for path, file in kept.items():
                self._note("candidate_file", candidate=made.name, path=path, file=file)
            self._note("candidate_ready", candidate=made.name)
            if points:
                self._note("measured", points=points, **about)
            return made
        self._direct.add_candidate(run=self.run.id, **told)
        for path, content in files.items():
            self._direct.put_candidate_artifact(made.name, path, _read(content_of(path, content)))
        self._direct.change_candidate(made.name, "ready")
        if points:
            self._direct.log(self.run.id, f"candidate/{made.name}", 0, replace(MetricFrame.of(points), **about))
        return made

    def _link(self, inputs: list[Ref], outputs: list[Ref]) -> None:
        if self._direct is not None:
            self.run = self._direct.link(self.run.id, inputs=inputs, outputs=outputs)
        else:
            self._note("link", inputs=[str(ref) for ref in inputs], outputs=[str(ref) for ref in outputs])
            self.run = replace(self.run, inputs=[*self.run.inputs, *inputs], outputs=[*self.run.outputs, *outputs])

    def _note(self, verb: str, **told: Any) -> None:
        """Write a deed into the journal."""
        with self._journal.lock:
            if self._ended:
                raise self._over()
            self._journal.deed(verb, **told)

    def _over(self) -> Conflict:
        return Conflict(f"run {self.run.id} has ended", hint="log inside the with block")

    def _warn(self, what: str, hint: str) -> None:
        raise NotImplementedError


def as_ref(ref: Ref | str) -> Ref:
    """The argument as a reference."""
    return ref if isinstance(ref, Ref) else Ref.parse(ref)


def _read(data: bytes | Path) -> bytes:
    return data.read_bytes() if isinstance(data, Path) else data
