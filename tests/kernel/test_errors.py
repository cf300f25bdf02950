"""What an error shows to whom it stops."""

from __future__ import annotations

import traceback

from ostinato.kernel.errors import Invalid


def test_a_traceback_shows_the_hint() -> None:
    error = Invalid("odd", hint="make it even", field="$.n")
    assert "hint: make it even" in "".join(traceback.format_exception(error))
    assert error.detail() == {"field": "$.n"}
