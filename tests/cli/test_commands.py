"""Commands made from the Ops of the toy slice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from ostinato.cli.commands import Target, command_of
from ostinato.client.connection import Connection
from ostinato.client.remote import Remote
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Invalid, NotFound
from ostinato.testing.toy import API

Ask = Callable[..., Result]


class Toy(Target):
    """A target that is a toy app, in process or behind its server."""

    __slots__ = ("store",)

    def must_exist(self) -> None:
        """It does."""

    @contextmanager
    def open(self) -> Iterator[Any]:
        with calling(Caller(actor="person:ana")):
            yield self.store


@pytest.fixture(params=["embedded", "remote"])
def ask(request: pytest.FixtureRequest, toys: Any, url: str) -> Ask:
    target = Toy(data=Path(), url="", token="", project="default")
    object.__setattr__(target, "store", toys if request.param == "embedded" else Remote(Connection(url, "ana-token", "default"), [API]))
    group = click.Group("toys", [command_of("toys", op) for op in API.OPS])

    def run(*arguments: str, input: bytes | None = None) -> Result:
        return CliRunner().invoke(group, list(arguments), input=input, obj=target, standalone_mode=False)

    return run


def printed(result: Result) -> Any:
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def test_texts_become_the_types_of_the_verb(ask: Ask) -> None:
    made = ["make", "--name", "top", "--kind", "fancy", "--origin", "dataset:wood@3", "--parts", '[{"name": "leg", "weight": 2}]']
    assert printed(ask(*made, "--json"))["parts"] == [{"name": "leg", "weight": 2.0}]
    found = printed(
        ask("search", "--kinds", "fancy", "--kinds", "odd", "--since", "2012-01-01T00:00:00Z", "--limit", "1", "--backwards", "--json")
    )
    assert [t["name"] for t in found["items"]] == ["top"]
    assert printed(ask("version", "top", "6", "--json")) == 7


def test_a_reply_is_readable(ask: Ask) -> None:
    ask("make", "--name", "top", "--kind", "fancy")
    ask("make", "--name", "ball")
    card, table = ask("get", "top").stdout, ask("search", "--limit", "1").stdout
    assert "made_by" in card
    assert "person:ana" in card
    assert "2013-01-01 00:00:00Z" in card
    assert "ball" in table
    assert "more: --after ball" in table


def test_bytes_come_from_and_go_to_files(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "paint").write_bytes(b"\x00red")
    assert printed(ask("paint", "top", "--content", str(tmp_path / "paint"), "--json")) == 4
    assert ask("painted", "top", "--out", str(tmp_path / "copy")).exception is None
    assert (tmp_path / "copy").read_bytes() == b"\x00red"
    ask("paint", "top", "--content", "-", input=b"blue")
    assert ask("painted", "top").stdout_bytes == b"blue"


def test_json_may_lie_in_a_file(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "parts.json").write_text('[{"name": "leg"}]')
    assert printed(ask("make", "--name", "top", "--parts", f"@{tmp_path / 'parts.json'}", "--json"))["parts"][0]["name"] == "leg"
    assert isinstance(ask("make", "--name", "x", "--parts", "@nowhere").exception, Invalid)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["get", "nothing"], NotFound),
        (["make", "--name", "x", "--parts", "[{]"], Invalid),
        (["make", "--name", "x", "--origin", "no ref"], Invalid),
        (["search", "--limit", "many"], Invalid),
        (["make"], click.MissingParameter),
        (["make", "--name", "x", "--kind", "odd"], click.BadParameter),
    ],
)
def test_errors_come_through(ask: Ask, arguments: Sequence[str], error: type[Exception]) -> None:
    assert isinstance(ask(*arguments).exception, error)


def test_a_conflict_is_one(ask: Ask) -> None:
    ask("make", "--name", "top")
    assert isinstance(ask("make", "--name", "top", "--parts", '[{"name": "leg"}]').exception, Conflict)


def test_a_check_that_says_no_is_told(ask: Ask) -> None:
    ask("make", "--name", "top")
    assert ask("get", "top").return_value is True
    assert ask("check", "top").return_value is False


def test_help_shows_the_docstring_and_the_options(ask: Ask) -> None:
    text = ask("make", "--help").stdout
    assert "Make a toy." in text
    assert "[plain|fancy]" in text
    assert "JSON, or @FILE" in text


def test_an_instant_is_written_with_its_zone_or_as_a_date_which_is_its_midnight_in_utc(ask: Ask) -> None:
    ask("make", "--name", "top")
    for since, found in {"2013-01-01": 1, "2013-01-02": 0, "2013-01-01T00:30+01:00": 1, "2013-01-01T00:00:00.1Z": 0}.items():
        assert len(printed(ask("search", "--since", since, "--json"))["items"]) == found
    for since, why in {"2013-01-01T00:00": "has no time zone", "yesterday": "is no instant", "2013-13-01": "is no instant"}.items():
        refused = ask("search", "--since", since).exception
        assert isinstance(refused, Invalid)
        assert why in refused.message
        assert "write 2013-01-03T00:00:00Z" in refused.hint
