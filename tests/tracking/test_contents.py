"""What runs keep beside bytes, text and files: folders, figures, tables, arrays, structures."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from ostinato.kernel.errors import Invalid
from ostinato.tracking.logger import Logger
from ostinato.tracking.service import Runs


class Figure:
    """What looks like a figure of matplotlib."""

    def savefig(self, file: io.BytesIO, format: str) -> None:
        file.write(f"drawn as {format}".encode())


def test_things_are_written_as_their_names_end(runs: Runs) -> None:
    table = pa.table({"a": [1, 2]})
    with Logger.start(runs, "contents", capture=False) as run:
        run.artifact("roc.svg", Figure())
        run.artifact("table.parquet", table)
        run.artifact("frame.parquet", table.to_pandas())
        run.artifact("frame.csv", table.to_pandas())
        run.artifact("array.npy", np.arange(3))
        run.artifact("about.json", {"größe": [1, None]})
        run.artifact("raw", bytearray(b"\0\1"))
    kept = {found.path: runs.artifact(run.id, found.path) for found in runs.artifacts(run.id)}
    assert kept["roc.svg"] == b"drawn as svg"
    assert parquet.read_table(io.BytesIO(kept["table.parquet"])) == table
    assert pd.read_parquet(io.BytesIO(kept["frame.parquet"])).a.tolist() == [1, 2]
    assert kept["frame.csv"] == b"a\n1\n2\n"
    assert np.load(io.BytesIO(kept["array.npy"])).tolist() == [0, 1, 2]
    assert json.loads(kept["about.json"]) == {"größe": [1, None]}
    assert kept["raw"] == b"\0\1"


@pytest.mark.parametrize("content", [None, 1.5, {"a": 1}, np.zeros(2), Figure(), object()])
def test_what_no_such_file_holds_is_refused(runs: Runs, content: Any) -> None:
    with Logger.start(runs, "contents", capture=False) as run, pytest.raises(Invalid, match="cannot be written from") as refused:
        run.artifact("model.bin", content)
    assert "parquet" in refused.value.hint
    assert runs.artifacts(run.id) == []


def test_a_folder_is_kept_with_the_paths_below_it(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "plots" / "deep").mkdir(parents=True)
    (tmp_path / "plots" / "a.txt").write_text("A")
    (tmp_path / "plots" / "deep" / "b.txt").write_text("B")
    with Logger.start(runs, "contents", capture=False) as run:
        assert [kept.path for kept in run.artifacts(tmp_path / "plots", under="of/it")] == ["of/it/a.txt", "of/it/deep/b.txt"]
        with pytest.raises(Invalid, match="is a folder") as refused:
            run.artifact("plots", tmp_path / "plots")
        with pytest.raises(NotADirectoryError):
            run.artifacts(tmp_path / "none")
    assert "run.artifacts(folder)" in refused.value.hint
    assert runs.artifact(run.id, "of/it/deep/b.txt") == b"B"
