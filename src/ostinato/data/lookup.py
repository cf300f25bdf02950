"""Lookup of datasets and versions by name and number, within a transaction."""

from __future__ import annotations

from ostinato.data import store
from ostinato.data.types import Dataset, DatasetVersion
from ostinato.kernel.errors import NotFound
from ostinato.kernel.ref import Ref
from ostinato.storage.rows.rows import Tx


def find_dataset(tx: Tx, project: str, name: str) -> Dataset:
    """The dataset of this name.

    Raises:
        NotFound: there is none; the hint proposes the nearest.
    """
    found = store.dataset_named(tx, project, name)
    if found is None:
        raise NotFound.named("dataset", name, [d.name for d in store.all_datasets(tx, project)])
    return found


def find_version(tx: Tx, project: str, wanted: Ref) -> DatasetVersion:
    """The version that `flights@4` names, or the latest with `flights`.

    Raises:
        NotFound: there is no such dataset or version.
    """
    dataset = find_dataset(tx, project, wanted.name)
    if dataset.latest is None:
        raise NotFound(f"dataset {wanted.name} has no version yet", hint=f"deliver to it first: datasets.deliver({wanted.name!r}, …)")
    number = wanted.version or str(dataset.latest)
    found = store.version_of(tx, project, wanted.name, int(number)) if number.isdecimal() else None
    if found is None:
        raise NotFound(f"no version {number!r} of dataset {wanted.name}", hint=f"versions are 1 to {dataset.latest}")
    return found
