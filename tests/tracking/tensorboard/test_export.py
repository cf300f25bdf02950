"""Export: what the real TensorBoard reads of it, and what goes round through both."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ostinato.tracking.service import Runs
from ostinato.tracking.tensorboard.exporter import write
from ostinato.tracking.tensorboard.importer import Boards
from ostinato.tracking.tensorboard.records import framed, read
from ostinato.tracking.types import MetricFrame

accumulator: Any = None
loader: Any = None
hparams: Any = None
writer: Any = None
event_pb2: Any = None
_MODULES = {
    "accumulator": "tensorboard.backend.event_processing.event_accumulator",
    "loader": "tensorboard.backend.event_processing.event_file_loader",
    "hparams": "tensorboard.plugins.hparams.plugin_data_pb2",
    "writer": "tensorboard.summary.writer.event_file_writer",
    "event_pb2": "tensorboard.compat.proto.event_pb2",
}


@pytest.fixture(scope="module", autouse=True)
def tensorboard() -> None:
    """It is imported for the first test here, and not by everybody who looks for tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, module in _MODULES.items():
            globals()[name] = pytest.importorskip(module, reason="needs TensorBoard: make frameworks")


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def opened(folder: Path) -> Any:
    found = accumulator.EventAccumulator(
        str(folder), size_guidance=dict.fromkeys(("tensors", "images", "histograms", "audio", "scalars"), 0)
    )
    return found.Reload()


def test_scalars_parameters_texts_and_pictures_of_a_run_are_what_tensorboard_reads(runs: Runs, tmp_path: Path) -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(8) + (7).to_bytes(4, "big") + (5).to_bytes(4, "big") + bytes(9)
    run = runs.start("trees", params={"lr": 0.1, "depth": 3, "name": "a|b", "on": False})
    points = [("loss", n, 1_700_000_000_000_000 + n, 1 / (n + 1)) for n in range(300)] + [("loss", 300, 1, float("nan"))]
    runs.log(run.id, "c", 0, MetricFrame.of([*points, ("loss", 7, 1_700_000_000_000_000, -2.0)]))
    runs.put_artifact(run.id, "images/val/cat/4.png", png)
    runs.put_artifact(run.id, "text/note/2.md", "so *ließ*".encode())
    runs.put_artifact(run.id, "model.bin", b"\0")
    runs.finish(run.id)
    written = write(runs, run.id, tmp_path / "out")  # type: ignore[arg-type]
    assert (written.scalars, written.media, dict(written.left_out)) == (302, 2, {"model.bin": 1})
    found = opened(tmp_path / "out")
    read = {(event.step, event.value) for event in found.Scalars("loss")}
    assert len(found.Scalars("loss")) == 302
    assert {(n, float(np.float32(1 / (n + 1)))) for n in range(300)} | {(7, -2.0)} <= read
    (image,) = found.Images("val/cat")
    assert (image.step, image.width, image.height, image.encoded_image_string) == (4, 7, 5, png)
    (text,) = found.Tensors("note")
    assert (text.step, text.tensor_proto.string_val[0].decode()) == (2, "so *ließ*")
    assert found.SummaryMetadata("note").plugin_data.plugin_name == "text"
    sessions = [
        hparams.HParamsPluginData.FromString(value.metadata.plugin_data.content)
        for event in loader.EventFileLoader(str(written.path)).Load()
        for value in event.summary.value
        if value.metadata.plugin_data.plugin_name == "hparams"
    ]
    told = dict(sessions[0].session_start_info.hparams.items())
    assert (told["lr"].number_value, told["depth"].number_value, told["name"].string_value, told["on"].bool_value) == (
        0.1,
        3.0,
        "a|b",
        False,
    )
    assert sessions[1].session_end_info.status == 1
    again = write(runs, run.id, tmp_path / "out")  # type: ignore[arg-type]
    assert [*(tmp_path / "out").iterdir()] == [again.path]


def test_what_tensorboards_own_writer_wrote_comes_round_the_same(runs: Runs, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = pytest.importorskip("torch.utils.tensorboard", reason="needs torch: make frameworks")
    rng = np.random.default_rng(2)
    with torch.SummaryWriter(str(tmp_path / "logs")) as board:
        for n in range(40):
            board.add_scalar("loss", 1 / (n + 1), n)
            board.add_scalars("both", {"a": n, "b": -n}, n)
        for n in range(3):
            board.add_histogram("weights", rng.normal(size=500), n)
            board.add_image("picture", rng.random((3, 6, 6)), n)
            board.add_text("note", f"hello {n}", n)
        board.add_audio("sound", rng.random((1, 50)) * 2 - 1, 0, 8000)
        board.add_pr_curve("curve", rng.integers(0, 2, 40), rng.random(40), 0)
        board.add_hparams({"lr": 0.1, "on": True, "name": "x"}, {"score": 0.5}, run_name="tried")
    boards = Boards(tmp_path / "logs", runs, home=tmp_path / "state", target="here")
    taken = {board.taken.folder.name: board.taken for board in boards.take(final=True, following=False)}
    boards.end()
    boards.close()
    assert {"logs", "both_a", "both_b", "tried"} == set(taken)
    assert dict(taken["logs"].left_out) == {"pr_curves": 1}
    assert runs.get(taken["tried"].run).params == {"lr": 0.1, "on": True, "name": "x"}
    assert runs.curve(taken["both_b"].run, "both").values[39] == -39.0
    write(runs, taken["logs"].run, tmp_path / "out")  # type: ignore[arg-type]
    before, after = opened(tmp_path / "logs"), opened(tmp_path / "out")
    assert [(e.step, e.value) for e in before.Scalars("loss")] == [(e.step, e.value) for e in after.Scalars("loss")]
    for kind in ("Histograms", "Images", "Audio"):
        tag = {"Histograms": "weights", "Images": "picture", "Audio": "sound"}[kind]
        ours, theirs = getattr(after, kind)(tag), getattr(before, kind)(tag)
        assert [event.step for event in ours] == [event.step for event in theirs]
        if kind == "Images":
            assert [event.encoded_image_string for event in ours] == [event.encoded_image_string for event in theirs]
        if kind == "Histograms":
            assert [list(e.histogram_value.bucket) for e in ours] == [list(e.histogram_value.bucket) for e in theirs]
            assert [list(e.histogram_value.bucket_limit) for e in ours] == [list(e.histogram_value.bucket_limit) for e in theirs]
    assert "weights" in after.Tags()["distributions"]
    assert runs.metrics(taken["logs"].run)["weights/p50"].n == 3


def test_the_framing_is_that_of_tensorboard(tmp_path: Path) -> None:
    writing = writer.EventFileWriter(str(tmp_path))
    events = [event_pb2.Event(step=n, wall_time=n, file_version="x" * n) for n in range(1200)]
    for event in events:
        writing.add_event(event)
    writing.close()
    (path,) = tmp_path.iterdir()
    found, start = [], 0
    with path.open("rb") as file:
        while (piece := read(file, start)).end > start:
            found += [bytes(record) for record in piece.records]
            start = piece.end
    assert found[1:] == [event.SerializeToString() for event in events]
    assert framed(found) == path.read_bytes()
