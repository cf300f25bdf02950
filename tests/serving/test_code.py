"""Models that may run code, behind endpoints: refused until they are allowed, then served from a sandbox, and the plane outlives them."""

from __future__ import annotations

import io
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from ostinato.app import Ostinato
from ostinato.data.types import Contract
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.clock import ReplayClock
from ostinato.kernel.errors import GateFailed, Invalid, NotFound, Unavailable
from ostinato.registry.flavor import FLAVORS
from ostinato.registry.proof_store import proof
from ostinato.registry.types import Field, ModelVersion, Signature
from ostinato.serving.plane.plan import read_plan, read_state

SIGNATURE = Signature(inputs=[Field(name="a"), Field(name="b")])
R = np.random.default_rng(5)
X = R.normal(size=(60, 2))
EXAMPLE: dict[str, Any] = {"a": X[:5, 0].tolist(), "b": X[:5, 1].tolist()}


class Sum:
    """A pickle whose model adds, and multiplies by a number."""

    def __init__(self, times: float = 1.0) -> None:
        self.times = times

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (f"lambda x: {self.times} * (x[:, 0] + x[:, 1])",)


class Deadly:
    """A pickle that takes its process down when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("__import__('os').abort()",)


class Fragile:
    """A pickle whose model takes its process down where the first input is above 100."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("lambda x: __import__('os').abort() if x[0, 0] > 100 else x[:, 0] + x[:, 1]",)


@pytest.fixture
def shop(tmp_path: Path, clock: ReplayClock, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ostinato]:
    """A store that lets pickles in, which its model `late` is trusted with."""
    monkeypatch.setenv("OSTINATO_CODE_FLAVORS", "pickle")
    with Ostinato.open(tmp_path / "store", clock=clock) as opened:
        opened.models.create("late", "late flights")
        opened.models.trust("late", ["pickle"], "a model of the old days")
        yield opened


def version(shop: Ostinato, content: bytes, flavor: str = "pickle", example: dict[str, Any] | None = None) -> ModelVersion:
    """An approved version."""
    made = shop.models.register("late", shop.models.upload(content), flavor, SIGNATURE, example=example)
    shop.models.check(str(made.ref))
    with calling(Caller(actor="person:rita")):
        return shop.models.approve(str(made.ref), "looks right")


def ask(shop: Ostinato, rows: np.ndarray[Any, Any], key: str = "") -> httpx.Response:
    inputs = [{"name": n, "shape": [len(rows)], "datatype": "FP64", "data": rows[:, i].tolist()} for i, n in enumerate("ab")]
    headers = {"Authorization": f"Bearer {key or shop.endpoints.key('late').secret}"}
    return httpx.post(f"{shop.endpoints.url('late')}/v2/models/late/infer", json={"inputs": inputs}, headers=headers, timeout=30)


def test_r59_code_is_refused_until_the_store_and_the_model_allow_it(app: Ostinato) -> None:
    app.models.create("late")
    digest = app.models.upload(FLAVORS.make("pickle").dump(Sum()))
    with pytest.raises(GateFailed, match="this store loads none") as refused:
        app.models.register("late", digest, "pickle", SIGNATURE)
    assert "OSTINATO_CODE_FLAVORS=pickle" in refused.value.hint
    assert app.models.history("late")[-1].verb == "model.refused"
    with pytest.raises(Invalid, match="needs no trust"):
        app.models.trust("late", ["linear"], "why not")
    with pytest.raises(Invalid, match="reason"):
        app.models.trust("late", ["pickle"], " ")
    with pytest.raises(NotFound):
        app.models.trust("later", ["pickle"], "a reason")


def test_r59_a_model_is_trusted_by_name_and_a_pickle_that_does_not_load_is_refused(shop: Ostinato) -> None:
    shop.models.create("early")
    with pytest.raises(GateFailed, match="early is not trusted with it"):
        shop.models.register("early", shop.models.upload(b"x"), "pickle", SIGNATURE)
    assert shop.models.trusted("early").flavors == []
    said = shop.models.trusted("late")
    assert (said.flavors, said.by, said.reason) == (["pickle"], "person:admin", "a model of the old days")
    assert shop.models.trust("late", ["pickle"], "a model of the old days") == said
    assert [event.verb for event in shop.models.history("late")].count("model.trusted") == 1
    for content, said_of in ((pickle.dumps(Deadly()), "took the process down"), (b"x", "does not load")):
        with pytest.raises(Invalid, match=said_of):
            shop.models.register("late", shop.models.upload(content), "pickle", SIGNATURE)
        assert shop.models.history("late")[-1].verb == "model.refused"
    for example, wrong in (({"a": [1.0]}, "has no input 'b'"), ({"a": [], "b": []}, "0 rows"), ({"a": [1.0], "b": [None]}, "answers")):
        with pytest.raises(Invalid, match=wrong):
            version(shop, pickle.dumps(Sum()), example=example)
    assert shop.models.versions("late") == []


def test_a_pickle_scores_behind_an_endpoint_and_in_a_batch_as_in_process(shop: Ostinato) -> None:
    made, expected = version(shop, FLAVORS.make("pickle").dump(Sum(0.1)), example=EXAMPLE), 0.1 * (X[:, 0] + X[:, 1])
    assert shop.models.proof(str(made.ref)).scores == expected[:5].tolist()
    shop.endpoints.deploy("late", "late@1")
    assert ask(shop, X).json()["outputs"][0]["data"] == expected.tolist(), "bit for bit"
    assert shop.endpoints.form("late").example != {}
    tried = shop.endpoints.try_out("late", {"a": X[0, 0], "b": X[0, 1]})
    assert [one.score for one in tried] == [expected[0]]
    shop.datasets.create("cases", Contract())
    file = io.BytesIO()
    pq.write_table(pa.table({"a": X[:, 0], "b": X[:, 1]}), file)
    shop.datasets.upload("cases", "first", file.getvalue())
    execution = shop.endpoints.batch("late", "cases@1", "all")
    while (claim := shop.pipelines.claim()) is not None:
        shop.pipelines.execute(claim, app=shop)
    assert shop.pipelines.get(execution.id).state == "finished"
    stored = shop.tables.read(shop.pipelines.output(execution.id)["digest"])
    assert stored["score"].to_pylist() == expected.tolist()


def test_a_model_that_dies_is_a_503_and_comes_back_and_the_plane_lives_on(shop: Ostinato) -> None:
    version(shop, FLAVORS.make("pickle").dump(Fragile()))
    shop.endpoints.deploy("late", "late@1")
    folder = shop.endpoints.log_folder("late").parent
    before = read_state(folder)
    assert ask(shop, np.array([[1.0, 2.0]])).json()["outputs"][0]["data"] == [3.0]
    died = ask(shop, np.array([[101.0, 2.0]]))
    assert (died.status_code, died.headers["retry-after"]) == (503, "1")
    assert "has died" in died.json()["error"]
    until = time.monotonic() + 30
    while (again := ask(shop, np.array([[1.0, 2.0]]))).status_code == 503:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert again.json()["outputs"][0]["data"] == [3.0]
    after = read_state(folder)
    assert before is not None
    assert after is not None
    assert after.pid == before.pid
    model = [child for child in psutil.Process(after.pid).children() if "ostinato.registry.sandbox" in child.cmdline()]
    assert len(model) == 1
    assert model[0].environ().get("OSTINATO_CODE_FLAVORS") is None, "it inherits nothing"
    psutil.Process(after.pid).kill()
    model[0].wait(20)


def test_a_version_that_no_longer_answers_its_example_is_not_served(shop: Ostinato) -> None:
    made = version(shop, FLAVORS.make("pickle").dump(Sum()), example=EXAMPLE)
    shop.endpoints.deploy("late", "late@1")
    folder = shop.endpoints.log_folder("late").parent
    plan, _ = read_plan(folder)
    assert plan.versions[0].proof == shop.models.proof(str(made.ref))
    assert plan.versions[0].limits is not None
    shop.rows.write(lambda tx: tx.execute(scored_otherwise()))
    version(shop, FLAVORS.make("pickle").dump(Sum(2.0)), example=EXAMPLE)
    key = shop.endpoints.key("late").secret
    shop.rows.write(lambda tx: tx.execute(scored_otherwise()))
    with pytest.raises(Unavailable, match="does not answer its input example as it did"):
        shop.endpoints.deploy("late", "late@2")
    assert ask(shop, X[:1], key).status_code == 200, "the version before goes on"


def test_a_plan_without_a_sandbox_loads_no_code(shop: Ostinato) -> None:
    version(shop, FLAVORS.make("pickle").dump(Sum()))
    shop.models.trust("late", [], "no longer")
    with pytest.raises(GateFailed, match="not trusted"):
        shop.endpoints.deploy("late", "late@1")
    with pytest.raises(GateFailed, match="not trusted"):
        shop.models.scorer("late@1")


def scored_otherwise() -> Any:
    """As if every version had once scored its example so."""
    return update(proof).values(scores=[0.5] * 5)
