"""Search for runs: the whole grammar, with the sets that it must find."""

from __future__ import annotations

import math
from collections.abc import Callable
from uuid import uuid4

import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def experiment(shared: MlflowClient) -> str:
    """Five runs; `auc` rises from a to c, is NaN in d, and absent in e."""
    made = shared.create_experiment(f"grammar {uuid4()}")  # tests of other files may come between these
    for at, (name, auc) in enumerate([("a", 0.1), ("b", 0.5), ("c", 0.9), ("d", math.nan), ("e", None)]):
        run = shared.create_run(made, start_time=1000 + at, run_name=name, tags={"mlflow.user": "ana" if at < 2 else "ben"}).info.run_id
        shared.log_batch(
            run, metrics=[Metric("auc", auc, 1, 0)] if auc is not None else [], params=[Param("my key", name.upper()), Param("n", str(at))],
            tags=[RunTag("kind", "Tree" if at % 2 else "line")] if name != "e" else [],
        )  # fmt: skip
        if name in "ab":
            shared.log_inputs(run, [DatasetInput(Dataset(f"data-{name}", "d1", "local", "x"), [InputTag("mlflow.data.context", "train")])])
        if name == "a":
            shared.log_metric(run, "va.l/lo-ss", 1.0)
            shared.set_terminated(run, "FAILED", end_time=5000)
    return made


@pytest.fixture
def found(shared: MlflowClient, experiment: str) -> Callable[..., str]:
    """The names of the runs that are found, in their order."""
    return lambda text="", **more: "".join(run.info.run_name for run in shared.search_runs([experiment], text, **more))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "edcba"),
        ("metrics.auc > 0.1", "cb"),
        ("metric.auc >= 0.1 and metrics.auc < .9", "ba"),
        ("metrics.auc != 0.5", "dca"),
        ("metrics.auc = 5e-1", "b"),
        ("metrics.auc <= -1", ""),
        ("metrics.`va.l/lo-ss` = 1", "a"),
        ('metrics."va.l/lo-ss" = 1', "a"),
        ("metrics.none > 0", ""),
        ("params.`my key` = 'A'", "a"),
        ("parameters.n = '1'", "b"),
        ("param.n != '1'", "edca"),
        ('params.n = "1"', "b"),
        ("tags.kind = 'line'", "ca"),
        ("tags.kind != 'line'", "db"),
        ("tags.kind LIKE 'T%'", "db"),
        ("tags.kind LIKE 't%'", ""),
        ("tags.kind ILIKE 't%'", "db"),
        ("tags.kind LIKE '_in%'", "ca"),
        ("tags.kind LIKE '%\\%'", ""),
        ("tags.kind IS NULL", "e"),
        ("tag.kind is not null", "dcba"),
        ("params.absent IS NULL", "edcba"),
        ("params.absent IS NOT NULL", ""),
        ("attributes.run_name = 'a'", "a"),
        ("attribute.run_name LIKE '%'", "edcba"),
        ("`run name` = 'b'", "b"),
        ("tags.`mlflow.runName` = 'c'", "c"),
        ("status = 'FAILED'", "a"),
        ("attr.status != 'FAILED'", "edcb"),
        ("user_id = 'ana'", "ba"),
        ("created > 1002", "ed"),
        ("run.start_time <= 1001", "ba"),
        ("end_time = 5000", "a"),
        ("datasets.name = 'data-a'", "a"),
        ("dataset.digest = 'd1' AND dataset.context = 'train'", "ba"),
        ("datasets.name IN ('data-b', 'x')", "b"),
        ("datasets.name LIKE 'data%' AND metrics.auc > 0.3", "b"),
        ("params.n = '0' AND params.n = '1'", ""),
        ("tags.kind = 'it''s'", ""),
    ],
)
def test_a_filter_finds_these(found: Callable[..., str], text: str, names: str) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (["metrics.auc ASC"], "abcde"),
        (["metrics.auc DESC"], "cbade"),
        (["metrics.none"], "edcba"),
        (["params.n DESC"], "edcba"),
        (["params.`my key` ASC"], "abcde"),
        (["tags.kind ASC", "run_name DESC"], "dbcae"),
        (["start_time ASC"], "abcde"),
        (["attributes.created"], "abcde"),
        (["end_time DESC", "run_name ASC"], "abcde"),
        (["status ASC", "attribute.start_time ASC"], "abcde"),
    ],
)
def test_an_order_has_what_is_absent_last(found: Callable[..., str], order: list[str], names: str) -> None:
    assert found(order_by=order) == names


@pytest.mark.parametrize(
    "text",
    [
        "metrics.auc = 'x'", "params.n = 1", "params.n > '1'", "params.n = '1' OR params.n = '2'", "(params.n = '1')", "nonsense.n = '1'",
        "nothing = 'a'", "metrics.auc LIKE '1'", "metrics.auc IS NULL", "start_time = 'x'", "start_time IS NULL", "run_name IN ('a', 'b')",
        "run_id IN (a)", "run_id IN ()", "params.n =", "params.n", "= 'a'", "params.n = 'a' AND", "params.n = a", "params.n = 'a",
        "datasets.size = '1'", "params.n == '1'", "status > 'a'", "params.n = '1'; DROP TABLE x", " AND ".join(["params.n = '1'"] * 101),
        "params.n = '" + "x" * 100_001 + "'",
    ],
)  # fmt: skip
def test_a_filter_that_is_none(shared: MlflowClient, experiment: str, text: str) -> None:
    with pytest.raises(MlflowException, match="INVALID_PARAMETER_VALUE"):
        shared.search_runs([experiment], text)


@pytest.mark.parametrize("order", ["metrics.auc UP", "metrics.auc ASC DESC", "nothing", "a b c", "", "nonsense.x"])
def test_an_order_that_is_none(shared: MlflowClient, experiment: str, order: str) -> None:
    with pytest.raises(MlflowException, match="INVALID_PARAMETER_VALUE"):
        shared.search_runs([experiment], order_by=[order])


def test_lists_of_runs_and_of_experiments(shared: MlflowClient, experiment: str, found: Callable[..., str]) -> None:
    ids = {run.info.run_name: run.info.run_id for run in shared.search_runs([experiment])}
    assert found(f"run_id IN ('{ids['a']}', '{ids['c']}', 'none')") == "ca"
    assert found(f"attributes.run_id NOT IN ('{ids['a']}')") == "edcb"
    assert found(f"run_id = '{ids['b']}'") == "b"
    other = shared.create_experiment("other")
    shared.create_run(other, run_name="z")
    assert len(shared.search_runs([experiment, other, "no such id"])) == 6
    assert shared.search_runs(["no such id"]) == []
    assert shared.search_runs([]) == []


def test_pages_follow_one_another(shared: MlflowClient, experiment: str) -> None:
    for order in ([], ["metrics.auc DESC"], ["tags.kind"]):
        whole = [run.info.run_id for run in shared.search_runs([experiment], order_by=order)]
        seen, token = [], None
        while True:
            page = shared.search_runs([experiment], order_by=order, max_results=2, page_token=token)
            seen += [run.info.run_id for run in page]
            if (token := page.token) is None:
                break
        assert seen == whole, order
