"""Autolog of two real processes that train one model of Lightning together: one run, nothing twice, and each rank's own error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ostinato as ost

PROGRAM = """
import sys, warnings
warnings.simplefilter("ignore")
import torch, pytorch_lightning as lightning
import ostinato as ost

class Line(lightning.LightningModule):
    def __init__(self, broken=None):
        super().__init__()
        self.head, self.broken = torch.nn.Linear(2, 1), broken
    def training_step(self, batch, _):
        if (self.global_rank, self.global_step) == (self.broken, 3):
            raise ArithmeticError("rank one has had enough")
        loss = torch.nn.functional.mse_loss(self.head(batch[0])[:, 0], batch[1])
        self.log("loss", loss, on_step=True, on_epoch=False)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

torch.set_num_threads(1)
ost.autolog("lightning", experiment="ranks")
x = torch.arange(64.0).reshape(32, 2) / 64
for broken in (None, 1):
    trainer = lightning.Trainer(max_epochs=2, accelerator="cpu", devices=2, strategy="ddp", logger=False, log_every_n_steps=1,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False)
    trainer.fit(Line(broken), torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, x.sum(1)), batch_size=4))
"""


@pytest.mark.slow
def test_two_ranks_are_one_run_and_the_error_of_the_second_is_told_as_its_own(tmp_path: Path) -> None:
    pytest.importorskip("pytorch_lightning", reason="needs pytorch_lightning: make frameworks")
    (tmp_path / "train.py").write_text(PROGRAM)
    told: dict[str, Any] = {"OSTINATO_DATA": str(tmp_path / "store"), "HOME": str(tmp_path), "OSTINATO_CAPTURE": "none"}
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, env={**told, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    with ost.open(tmp_path / "store") as app:
        runs = {run.state: run for run in app.runs.search("ranks").items}
        assert sorted(runs) == ["failed", "finished"], done.stderr[-3000:]
        good, bad = runs["finished"], runs["failed"]
        assert good.params["trainer.world_size"] == 2
        assert app.runs.curve(good.id, "loss").steps == [*range(1, 9)]  # 32 rows by 4, to two ranks, twice: a point a step
        assert len(good.outputs) == 1
        assert app.runs.curve(bad.id, "loss").steps == [1, 2, 3]
        assert bad.tags["rank_1.error"] == "ArithmeticError: rank one has had enough"
        assert b"rank one has had enough" in app.runs.artifact(bad.id, "traceback_rank_1.txt")
        assert b"rank one" not in app.runs.artifact(bad.id, "traceback.txt")
        assert bad.error
        assert bad.outputs == []
