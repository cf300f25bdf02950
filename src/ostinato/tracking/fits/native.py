"""Models in their frameworks' own data formats, which hold no code; never pickle."""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ostinato.kernel.errors import Invalid, MissingExtra
from ostinato.tracking.fits.skops import skops_of

Files = dict[str, bytes | str | Path]


def native(model: Any) -> tuple[str, Files, dict[str, str]]:
    """The flavor of a model, its files, and what is to be said of it.

    Raises:
        MissingExtra: its format needs a package that is not installed.
        Invalid: nothing is known that keeps such a model as data.
    """
    for cls in type(model).__mro__:
        root = cls.__module__.partition(".")[0]
        if root in _WAYS:
            return _WAYS[root](model)
    raise Invalid(f"no format is known that keeps a {type(model).__name__} as data", hint="keep it by run.candidate(…) yourself")


def _xgboost(model: Any) -> tuple[str, Files, dict[str, str]]:
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    return "xgboost", {"model.ubj": bytes(booster.save_raw(raw_format="ubj"))}, {"class": type(model).__name__}


def _lightgbm(model: Any) -> tuple[str, Files, dict[str, str]]:
    booster = getattr(model, "booster_", model)
    return "lightgbm", {"model.txt": booster.model_to_string()}, {"class": type(model).__name__}


def _sklearn(model: Any) -> tuple[str, Files, dict[str, str]]:
    return "sklearn", {"model.skops": skops_of(model)}, {"class": type(model).__name__}


def _keras(model: Any) -> tuple[str, Files, dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return "keras", {"model.keras": path.read_bytes()}, {"class": type(model).__name__}


def _torch(model: Any) -> tuple[str, Files, dict[str, str]]:
    return "torch", {"model.safetensors": _weights(model), "model.txt": repr(model)[:100_000]}, {"class": type(model).__name__}


def _weights(model: Any) -> bytes:
    """The weights, each shared one once; its other names stand in the metadata."""
    safetensors = _imported("safetensors.torch", "safetensors", "torch")
    kept: dict[str, Any] = {}
    same: dict[str, str] = {}
    seen: dict[tuple[Any, ...], str] = {}
    for name, tensor in model.state_dict().items():
        if not hasattr(tensor, "data_ptr"):
            continue
        place = (tensor.data_ptr(), tuple(tensor.shape), tuple(tensor.stride()), str(tensor.dtype))
        if tensor.numel() and place in seen:
            same[name] = seen[place]
        else:
            seen[place] = name
            kept[name] = tensor.detach().cpu().contiguous().clone()
    content: bytes = safetensors.save(kept, metadata={"format": "pt", **({"same": json.dumps(same)} if same else {})})
    return content


def pretrained(model: Any, *words: Any) -> tuple[str, Files, dict[str, str]]:
    """A model of transformers as `from_pretrained` reads it, with its tokenizer, if there is one."""
    files: Files = {"model.safetensors": _weights(model), "config.json": model.config.to_json_string()}
    if getattr(model, "generation_config", None) is not None and model.can_generate():
        files["generation_config.json"] = model.generation_config.to_json_string()
    with tempfile.TemporaryDirectory() as folder:
        for part in words:
            part.save_pretrained(folder)
        files |= {str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}
    return "transformers", files, {"class": type(model).__name__}


def _imported(module: str, package: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtra.of(package, extra) from error


_WAYS: dict[str, Callable[[Any], tuple[str, Files, dict[str, str]]]] = {
    "xgboost": _xgboost, "lightgbm": _lightgbm, "keras": _keras, "transformers": pretrained, "torch": _torch, "sklearn": _sklearn,
}  # fmt: skip
