"""The verbs of `Runs` that the logging client calls, as a protocol; the store and the remote client both satisfy it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

from ostinato.kernel.ref import Ref
from ostinato.storage.blobs.sending import Received
from ostinato.tracking.types import (
    Artifact,
    Candidate,
    CandidateState,
    Code,
    Environment,
    Metric,
    MetricFrame,
    Run,
    Scalar,
    Spent,
    State,
    Use,
)


class RunsProtocol(Protocol):
    """The verbs that start, write and end runs."""

    def start(
        self,
        experiment: str,
        name: str = "",
        params: dict[str, Scalar] | None = None,
        tags: dict[str, str] | None = None,
        parent: str | None = None,
        inputs: list[Ref] | None = None,
        id: str | None = None,
        code: Code | None = None,
        environment: Environment | None = None,
        lease_s: int | None = None,
        note: str = "",
        started_at: datetime | None = None,
        state: Literal["running", "scheduled"] = "running",
        amendable: bool = False,
    ) -> Run: ...
    def get(self, run: str) -> Run: ...
    def resume(self, run: str, lease_s: int | None = None) -> Run: ...
    def origin(self, run: str, code: Code | None = None, environment: Environment | None = None) -> Run: ...
    def beat(self, run: str, lease_s: int) -> None: ...
    def log(self, run: str, client: str, seq: int, frame: MetricFrame) -> None: ...
    def params(self, run: str, values: dict[str, Scalar]) -> Run: ...
    def tag(self, run: str, tags: dict[str, str | None]) -> Run: ...
    def link(self, run: str, inputs: list[Ref] | None = None, outputs: list[Ref] | None = None) -> Run: ...
    def finish(
        self,
        run: str,
        state: State = "finished",
        outputs: list[Ref] | None = None,
        error: str = "",
        spent: Spent | None = None,
        ended_at: datetime | None = None,
    ) -> Run: ...
    def metrics(self, run: str) -> dict[str, Metric]: ...
    def put_artifact(self, run: str, path: str, content: bytes) -> Artifact: ...
    def put_artifact_sent(self, run: str, path: str, upload: str, size: int) -> Artifact: ...
    def send_part(self, upload: str, start: int, content: bytes) -> Received: ...
    def received(self, upload: str) -> Received: ...
    def use(self, run: str, uses: list[Use]) -> list[Use]: ...
    def add_candidate(
        self,
        name: str,
        run: str | None = None,
        experiment: str | None = None,
        id: str | None = None,
        type: str = "",
        params: dict[str, Scalar] | None = None,
        tags: dict[str, str] | None = None,
        step: int | None = None,
    ) -> Candidate: ...
    def put_candidate_artifact(self, candidate: str, path: str, content: bytes) -> Artifact: ...
    def put_candidate_artifact_sent(self, candidate: str, path: str, upload: str, size: int) -> Artifact: ...
    def change_candidate(
        self,
        candidate: str,
        state: CandidateState | None = None,
        message: str | None = None,
        tags: dict[str, str | None] | None = None,
        params: dict[str, Scalar] | None = None,
        step: int | None = None,
    ) -> Candidate: ...
