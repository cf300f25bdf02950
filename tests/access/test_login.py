"""The command line lets people in: the owner of a store by an address, everybody else by their browser or a code."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.access.browser import PASSWORD

import ostinato as ost
from ostinato.cli import processes
from ostinato.cli.main import root
from ostinato.client import login
from ostinato.kernel.errors import Denied, Invalid, Unauthenticated

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from tests.access.browser import Place


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("OSTINATO_TOKEN", raising=False)


def ostinato(*arguments: str, typed: str = "") -> Result:
    processes.attach(root)
    return CliRunner().invoke(root, arguments, input=typed)


def test_sign_in_prints_an_address_that_works_once(place: Place) -> None:
    data = place.app.settings.data
    (data / "server.json").write_text(f'{{"pid": 1, "url": "{place.url}"}}')
    address = ostinato("sign-in", "--data", str(data)).output.splitlines()[-1]
    assert address.startswith(f"{place.url}/#/sign-in/")
    place.clock.set(place.app.access.issue_code("person:admin").expires_at)  # the command lives in real time, the place does not
    with place.browser() as browser:
        fresh = place.app.access.issue_code("person:admin").code
        assert browser.post("/sign-in/code", json={"code": fresh}).json()["actor"] == "person:admin"
    place.app.access.create_person("ana")
    assert "/#/sign-in/" in ostinato("sign-in", "--data", str(data), "--person", "ana").output
    missing = ostinato("sign-in", "--data", str(data), "--person", "anna")
    assert "person:ana" in missing.exception.hint  # type: ignore[union-attr]
    assert ostinato("sign-in", "--data", str(data / "nothing")).exit_code != 0


def test_login_by_code_keeps_a_token_that_later_commands_use(place: Place, tmp_path: Path) -> None:
    ana = place.app.access.create_person("ana", ["viewer"]).id
    code = place.app.access.issue_code(ana).code
    told = ostinato("login", "--url", place.url, "--code", code, "--name", "desk", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert told.exit_code == 0, told.output
    kept = tmp_path / "config" / "ostinato" / "tokens.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert login.saved_token(f"{place.url}/").startswith("ostp_")
    assert login.saved_token(f"{place.url}/") not in told.output
    assert '"person:ana"' in ostinato("--url", place.url, "access", "whoami", "--json").output
    with ost.connect(place.url) as remote:
        assert [(token.name, token.delegated) for token in remote.access.tokens()] == [("desk", False)]
    again = ostinato("login", "--url", place.url, "--code", code, typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert isinstance(again.exception, Unauthenticated)
    kept.write_text("{")
    with pytest.raises(Invalid, match="damaged"):
        login.saved_token(place.url)


def test_login_by_code_without_anybody_to_type_says_so(place: Place) -> None:
    code = place.app.access.issue_code("person:admin").code
    for typed in ("", f"{PASSWORD}\n"):
        told = ostinato("login", "--url", place.url, "--code", code, typed=typed)
        assert isinstance(told.exception, Invalid)
        assert "at its end" in told.exception.message
        assert "terminal" in told.exception.hint
    assert ostinato("login", "--url", place.url, "--code", code, typed=f"{PASSWORD}\n{PASSWORD}\n").exit_code == 0, "the code stays good"


@pytest.mark.parametrize("agrees", [True, False])
def test_login_by_browser(place: Place, agrees: bool) -> None:
    place.person("ana", "viewer")
    shown, answered = threading.Event(), threading.Event()
    codes: list[str] = []

    def confirm() -> None:
        with place.signed_in("ana") as browser:
            assert shown.wait(10)
            browser.post(f"/device/{codes[0]}", json={"agree": agrees})
            answered.set()

    def wait(seconds: float) -> None:
        assert seconds == 5
        assert answered.wait(10)

    person = threading.Thread(target=confirm)
    person.start()
    try:
        token = login.device_login(place.url, "desk", lambda grant: (codes.append(grant.user_code), shown.set()), wait)
        assert place.app.access.authenticate(token).id == "person:ana"
    except Denied:
        assert not agrees
    else:
        assert agrees
    person.join()
