"""Autolog of Lightning, Keras and Hugging Face's Trainer: in one file, so that few processes import torch."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ostinato.tracking.fits.native import native

torch: Any = None
lightning: Any = None
keras: Any = None
transformers: Any = None
safetensors: Any = None


@pytest.fixture(scope="module", autouse=True)
def frameworks() -> None:
    """They are imported for the first test here, and not by everybody who looks for tests."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, module in {"lightning": "pytorch_lightning", "safetensors": "safetensors.torch"}.items():
            globals()[name] = pytest.importorskip(module, reason=f"needs {module}: make frameworks")
        for module in ("torch", "keras", "transformers", "accelerate"):
            globals()[module] = pytest.importorskip(module, reason=f"needs {module}: make frameworks")


pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:(pytorch_lightning|lightning|torch|transformers|keras).*"),
    pytest.mark.filterwarnings("ignore:.*(num_workers|pin_memory|does not have many workers|LeafSpec).*"),
]
X = np.random.default_rng(5).normal(size=(96, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("float32")


def line(*, broken: bool = False) -> Any:
    """A module of Lightning; a broken one cannot be trained."""

    class Line(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self, rate: float = 0.05, width: int = 4) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.body = torch.nn.Linear(4, width)
            self.head = torch.nn.Linear(width, 1)
            self.again = self.head  # shared weights

        def training_step(self, batch: Any, _: int) -> Any:
            if broken:
                raise ArithmeticError("nan")
            loss = torch.nn.functional.mse_loss(self.head(self.body(batch[0]))[:, 0], batch[1])
            self.log("loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, _: int) -> None:
            self.log("held", torch.nn.functional.mse_loss(self.head(self.body(batch[0]))[:, 0], batch[1]))

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=self.hparams.rate)

    return Line()


def _line(tmp_path: Path, *callbacks: Any, epochs: int = 3) -> Any:
    torch.manual_seed(1)
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    trainer = lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=2,
        default_root_dir=tmp_path, callbacks=[*callbacks], enable_checkpointing=bool(callbacks),
    )  # fmt: skip
    model = line()
    loader = torch.utils.data.DataLoader(data, batch_size=24, shuffle=True)
    trainer.fit(model, loader, torch.utils.data.DataLoader(data, batch_size=48))
    return model, trainer


def test_lightning_steps_epochs_hyperparameters_the_best_checkpoint_and_the_weights(store: Any, tmp_path: Path) -> None:
    bare, _ = _line(tmp_path / "bare")
    with store.autolog("lightning"):
        saving = lightning.callbacks.ModelCheckpoint(tmp_path / "kept", monitor="held")
        stopping = lightning.callbacks.EarlyStopping("held", patience=1, min_delta=10.0)
        model, trainer = _line(tmp_path / "watched", saving, stopping, epochs=9)
        again, _ = _line(tmp_path / "again")
    assert all(torch.equal(a, b) for a, b in zip(bare.parameters(), again.parameters(), strict=True))
    assert [type(callback).__module__.partition(".")[0] for callback in trainer.callbacks].count("ostinato") == 0
    run, second = store.all()
    assert (run.name, run.params["rate"], run.params["width"], run.params["optimizer"]) == ("Line", 0.05, 4, "SGD")
    assert run.params["trainer.max_epochs"] == 9
    assert store.runs.curve(second.id, "loss_step").steps == [2, 4, 6, 8, 10, 12]
    assert store.runs.curve(second.id, "held").steps == store.runs.curve(second.id, "epoch").steps == [4, 8, 12]
    assert len(store.runs.curve(second.id, "loss_epoch").values) == 3
    last = store.last(run)
    assert last["best_score"] == pytest.approx(float(saving.best_model_score))
    assert last["stopped_epoch"] == stopping.stopped_epoch == 1
    assert run.params["best_checkpoint"] == Path(saving.best_model_path).name
    kept = safetensors.load(store.file(run, "model.safetensors"))
    assert {name: torch.equal(kept[name], value) for name, value in model.state_dict().items() if name in kept} == dict.fromkeys(kept, True)
    assert len(kept) == 4  # of six: what is shared is kept once
    (use,) = store.runs.sources([run.id])[run.id]
    assert json.loads(use.source.profile)["x"]["shape"] == [96, 4]
    checkpoint = torch.load(saving.best_model_path, weights_only=True)
    assert not [name for name in checkpoint["callbacks"] if "istening" in name]


def test_lightning_a_training_that_fails_leaves_a_failed_run_and_no_callback(store: Any, tmp_path: Path) -> None:
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=24)
    trainer = lightning.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
        default_root_dir=tmp_path,
    )  # fmt: skip
    callbacks = [*trainer.callbacks]
    with store.autolog("lightning"), pytest.raises(ArithmeticError):
        trainer.fit(line(broken=True), data)
    assert trainer.callbacks == callbacks
    (run,) = store.all()
    assert (run.state, run.error) == ("failed", "ArithmeticError: nan")


def _network(callbacks: Any = None) -> Any:
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="relu"), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, batch_size=32, epochs=4, validation_split=0.25, verbose=0, callbacks=callbacks)
    return model, history.history


def test_keras_epochs_optimizer_early_stop_and_a_model_that_loads(store: Any, tmp_path: Path) -> None:
    bare, _ = _network()
    before = dict(keras.Model.__dict__)
    with store.autolog("keras"):
        model, history = _network()
        _network([keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=10.0)])
    assert dict(keras.Model.__dict__) == before
    assert all((a == b).all() for a, b in zip(bare.get_weights(), model.get_weights(), strict=True))
    run, stopped = store.all()
    for name in ("loss", "val_loss", "val_accuracy"):
        assert store.runs.curve(run.id, name).values == history[name]
    assert (run.params["batch_size"], run.params["epochs"], run.params["optimizer"], run.params["loss"]) == (
        32,
        4,
        "Adam",
        "binary_crossentropy",
    )
    assert run.params["optimizer.learning_rate"] == pytest.approx(0.01)
    assert store.last(stopped)["stopped_epoch"] == 1
    (tmp_path / "model.keras").write_bytes(store.file(run, "model.keras"))
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def _bert(tmp_path: Path) -> Any:
    transformers.set_seed(4)
    config = transformers.BertConfig(
        vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, max_position_embeddings=8
    )  # fmt: skip
    words = torch.arange(16 * 6).reshape(16, 6) % 30
    data = [{"input_ids": row, "attention_mask": torch.ones_like(row), "labels": torch.tensor(n % 2)} for n, row in enumerate(words)]
    told = transformers.TrainingArguments(
        output_dir=str(tmp_path), num_train_epochs=2, per_device_train_batch_size=4, logging_steps=2, save_strategy="no", report_to="none",
        use_cpu=True, disable_tqdm=True, learning_rate=1e-3, eval_strategy="epoch",
    )  # fmt: skip
    trainer = transformers.Trainer(
        model=transformers.BertForSequenceClassification(config), args=told, train_dataset=data, eval_dataset=data[:4]
    )
    trainer.train()
    return trainer


def test_transformers_arguments_what_is_logged_by_step_and_a_model_that_loads(store: Any, tmp_path: Path) -> None:
    bare = _bert(tmp_path / "bare")
    with store.autolog("transformers"):
        trainer = _bert(tmp_path / "watched")
    assert all(torch.equal(a, b) for a, b in zip(bare.model.parameters(), trainer.model.parameters(), strict=True))
    assert len(trainer.callback_handler.callbacks) == len(bare.callback_handler.callbacks)
    (run,) = store.all()
    assert run.name == "BertForSequenceClassification"
    assert (run.params["learning_rate"], run.params["num_train_epochs"], run.params["train_rows"]) == (1e-3, 2, 16)
    assert len(run.params) < 30  # of some hundred arguments, those that were chosen
    assert len(json.loads(store.runs.artifact(run.id, "training_arguments.json"))) > 60
    losses = {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
    curve = store.runs.curve(run.id, "loss")
    assert dict(zip(curve.steps, curve.values, strict=True)) == losses
    assert store.runs.curve(run.id, "eval_loss").steps == [4, 8]
    folder = tmp_path / "model"
    folder.mkdir()
    for file in store.runs.candidate_artifacts(run.outputs[0].name):
        (folder / file.path).write_bytes(store.file(run, file.path))
    again = transformers.BertForSequenceClassification.from_pretrained(folder)
    assert all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), trainer.model.state_dict().values(), strict=True))


def test_a_module_whose_weights_are_not_contiguous_is_kept_whole(store: Any) -> None:
    module = torch.nn.Linear(3, 2)
    module.weight = torch.nn.Parameter(torch.arange(6.0).reshape(3, 2).T)
    flavor, files, _ = native(module)
    kept = safetensors.load(files["model.safetensors"])
    assert flavor == "torch"
    assert torch.equal(kept["weight"], module.weight)
