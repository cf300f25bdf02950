"""The run of one claimed execution, from its claim to its end."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from ostinato.kernel.clock import Clock
from ostinato.kernel.errors import NotFound, StepFailed
from ostinato.pipelines.claims import RUN_STATE, Claims
from ostinato.pipelines.context import entering
from ostinato.pipelines.definition import Pipeline, locate
from ostinato.pipelines.engine import Body
from ostinato.pipelines.invoke import error_line
from ostinato.pipelines.leases import Claim, Halted, Lease, LeaseLost
from ostinato.pipelines.recording import Recorder
from ostinato.pipelines.serialization import Packer, dumps, refs_in, revive
from ostinato.storage.rows.lease import LeaseClock
from ostinato.storage.rows.rows import Rows
from ostinato.tracking.service import Runs


def execute(
    claim: Claim,
    pipeline: Pipeline[..., Any] | None,
    *,
    app: Any,
    rows: Rows,
    packer: Packer,
    clock: Clock,
    runs: Runs,
    recorder: Recorder,
    claims: Claims,
    leases: LeaseClock,
    lease_s: float,
    stopping: Callable[[], bool],
) -> None:
    """Run the body of a claimed execution and end it. Without `pipeline`, it is looked up, and whoever claims next may go on."""
    lease, span, state = Lease(rows, recorder, leases, claim, lease_s, stopping), None, "lost"
    try:
        body = Body(app, claim, lease, rows, packer, clock, runs)
        span = body.span
        with span.current():
            ended = _run(body, claim, pipeline, packer)
        lease.flush()
        lease.insist(lambda: claims.end(claim, **ended))
        state = ended["state"]
        body.finish(RUN_STATE[ended["state"]])
    except LeaseLost:
        return  # whoever holds it now goes on, and nothing of ours arrives any more
    except Halted as halt:
        lease.flush()
        state = halt.why
        lease.insist(lambda: claims.end(claim, "cancelled") if state == "cancelled" else claims.release(claim))
    except BaseException as error:
        _interrupted(claims, claim, pipeline, error)
        raise
    finally:
        lease.close()
        if span is not None:
            span.end(failed=state == "failed", state=state)


def _interrupted(claims: Claims, claim: Claim, pipeline: Pipeline[..., Any] | None, error: BaseException) -> None:
    """Leave the execution to whoever claims next; one that only this process can do is over."""
    if pipeline is None:
        claims.release(claim)
    else:
        claims.end(claim, "cancelled", error=f"interrupted by {type(error).__name__}")


def _run(body: Body, claim: Claim, pipeline: Pipeline[..., Any] | None, packer: Packer) -> dict[str, Any]:
    """Run the body; returns how it ended."""
    try:
        found = locate(claim.target) if pipeline is None else pipeline
        if not isinstance(found, Pipeline):
            raise NotFound(f"{claim.target!r} is not a pipeline")
        given = {name: revive(packer.unpack(tree), found.hints.get(name)) for name, tree in claim.parameters.items()}
        with entering(body, body):
            result = found.call(found.bind((), given))
        body.flush()
        tree = packer.pack(result, "result")
        return {"state": "finished", "output": dumps(tree).decode(), "outputs": list(refs_in(result))}
    except StepFailed as error:
        return {"state": "failed", "error": error.message, "traceback": error.traceback}
    except Exception as error:
        return {"state": "failed", "error": error_line(error), "traceback": traceback.format_exc()}
    finally:
        body.close()  # before anybody else may claim it
