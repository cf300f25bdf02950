"""One run for all processes of a distributed training."""

from __future__ import annotations

import os
from typing import Any

from ostinato.kernel.ids import new_id

_RUN = "OSTINATO_AUTOLOG_RUN"
_named: list[str] = []


def agree_on_run(rank: int, world: int) -> dict[str, Any]:
    """Which run the ranks of a training log to, as options of its beginning.

    The first rank names it in the environment, which the processes that it launches inherit. Those that were launched otherwise, such
    as by `torchrun`, share the name of their launch. All ranks count their trainings alike.
    """
    if world <= 1:
        return {}
    if (launch := os.environ.get("TORCHELASTIC_RUN_ID")) is not None:
        launch = f"{launch}-{os.environ.get('MASTER_PORT', '')}-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
    elif rank:
        launch = os.environ.get(_RUN)
    elif _named:
        launch = _named[0]
    else:
        launch = os.environ[_RUN] = new_id()
    if launch is None:
        return {}
    _named.append(_named[0] if _named else launch)
    return {"id": launch if len(_named) == 1 else f"{launch}-{len(_named)}"}
