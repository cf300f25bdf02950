"""Lookup of models and versions by name, number or alias, within a transaction."""

from __future__ import annotations

from datetime import datetime

from ostinato.kernel.caller import caller
from ostinato.kernel.errors import Invalid, NotFound
from ostinato.kernel.ref import Ref
from ostinato.registry import store
from ostinato.registry.types import Model, ModelVersion
from ostinato.storage.rows.rows import Tx


def find_model(tx: Tx, name: str) -> Model:
    """The model of this name.

    Raises:
        NotFound: there is none; the hint proposes the nearest.
    """
    found = store.one_model(tx, caller().project, name)
    if found is None:
        raise NotFound.named("model", name, [m.name for m in store.all_models(tx, caller().project)])
    return found


def find_version(tx: Tx, ref: str, now: datetime) -> tuple[Model, ModelVersion]:
    """The model and the version that `late@7` or `late@champion` names, in the state that it has at `now`.

    Raises:
        Invalid: the reference names no version.
        NotFound: no such model, alias or version.
    """
    asked = Ref.parse(str(ref), "model")
    model = find_model(tx, asked.name)
    return model, named(tx, model, asked, now)


def named(tx: Tx, model: Model, asked: Ref, now: datetime) -> ModelVersion:
    """The version of `model` that a reference names.

    Raises:
        Invalid: the reference names no version.
        NotFound: no such alias or version.
    """
    number = number_of(model, asked)
    found = store.one_version(tx, caller().project, model, number, now)
    if found is None:
        raise NotFound(
            f"no version {number} of {model.name}", hint=f"the latest is {model.latest}" if model.latest else "none is registered"
        )
    return found


def number_of(model: Model, asked: Ref) -> int:
    """The number of the version that a reference names among those of `model`.

    Raises:
        Invalid: the reference names no version.
        NotFound: no such alias.
    """
    if asked.version is None:
        raise Invalid(f"{asked} names no version", hint=f"write {asked.name}@champion or {asked.name}@{model.latest or 1}", field="ref")
    number = int(asked.version) if asked.version.isdecimal() else model.aliases.get(asked.version)
    if number is None:
        raise NotFound.named(f"alias of {asked.name}", asked.version, model.aliases)
    return number
