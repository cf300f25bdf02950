"""Clock, caller, digests, identifiers, settings and families."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.kernel import caller as callers
from ostinato.kernel.caller import Caller, caller, calling
from ostinato.kernel.clock import ReplayClock, SystemClock
from ostinato.kernel.digest import canonical, digest_of
from ostinato.kernel.errors import Invalid, NotFound, Unauthenticated
from ostinato.kernel.family import Family
from ostinato.kernel.ids import new_id
from ostinato.kernel.settings import Settings

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_the_replay_clock_goes_forward_only() -> None:
    clock = ReplayClock(datetime(2013, 5, 3, tzinfo=UTC))
    clock.set(clock.now() + timedelta(hours=1))
    with pytest.raises(Invalid, match="does not go back"):
        clock.set(datetime(2013, 5, 3, tzinfo=UTC))
    with pytest.raises(Invalid, match="time zone"):
        clock.set(datetime(2014, 1, 1))  # noqa: DTZ001
    assert clock.now().hour == 1


def test_the_system_clock_is_aware() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_nobody_calls_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "_owner", [])
    with pytest.raises(Unauthenticated):
        caller()


def test_the_caller_is_of_the_block_and_of_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "_owner", [Caller(actor="person:admin")])
    seen: list[str] = []
    with calling(Caller(actor="person:ana")):
        thread = threading.Thread(target=lambda: seen.append(caller().actor))
        thread.start()
        thread.join()
        assert caller().actor == "person:ana"
    assert seen == ["person:admin"]
    assert caller().actor == "person:admin"


@given(JSON)
def test_equal_values_have_equal_digests(value: object) -> None:
    assert digest_of(value) == digest_of(value)
    assert canonical(value) == canonical(value)


def test_the_order_of_keys_does_not_matter() -> None:
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 1.5})


def test_identifiers_are_distinct_and_sort_by_time() -> None:
    made = [new_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert [i[:10] for i in made] == sorted(i[:10] for i in made)


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    settings = Settings.read(tmp_path, {"OSTINATO_WORKERS": "3", "OSTINATO_TOKEN": "t"})
    assert (settings.workers, settings.token, settings.inbox) == (3, "t", tmp_path / "inbox")
    assert Settings.read(env={"OSTINATO_DATA": str(tmp_path / "x")}).data == tmp_path / "x"
    with pytest.raises(Invalid, match="OSTINATO_WORKERS"):
        Settings.read(tmp_path, {"OSTINATO_WORKERS": "many"})


def test_a_family_is_its_folder_and_errors_help() -> None:
    metrics: Family[object] = Family("ostinato.evaluation.metrics")
    assert "auc" in metrics.names()
    with pytest.raises(NotFound) as missing:
        metrics.get("auk")
    assert "auc" in missing.value.hint
    with pytest.raises(Invalid) as wrong:
        metrics.make("accuracy", {"treshold": 0.5})
    assert "threshold" in wrong.value.hint
