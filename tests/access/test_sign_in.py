"""Signing in with a browser: passwords, codes, sessions, cookies. Tests are named after the items of OWASP ASVS 5.0.0 that they show."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest
from tests.access.browser import PASSWORD

from ostinato.access import credential_store
from ostinato.access.passwords import Passwords, checked_password
from ostinato.kernel.errors import Invalid, OstinatoError, Throttled
from ostinato.server.first_sign_in import first_sign_in_notice

if TYPE_CHECKING:
    from tests.access.browser import Place


def told(response: httpx.Response) -> dict:
    return response.json()["error"]


def cookie_of(browser: httpx.Client) -> str:
    return next(iter(browser.cookies.values()))


# ---- passwords


@pytest.mark.parametrize(
    "password",
    ["1234567", "short", "password", "PASSWORD", "trustno1", "ostinato2026", "ana-2026", "Ana.Ostinato.1", "x" * 1025, "\ud800" * 9],
)
def test_asvs_6_2_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(Invalid) as error:
        checked_password(password, "ana")
    assert password not in str(error.value).replace("this password", "") + error.value.hint.replace("a phrase", "")


@pytest.mark.parametrize(
    "password", ["x7.kP!qz", "a phrase of words", "пароль из слов", "🐳" * 8, "x" * 64 + " y" * 40, "        9876 abc"]
)
def test_asvs_6_2_8_any_signs_will_do(password: str) -> None:
    assert checked_password(password, "ana") == password
    kept = Passwords(rounds=1, memory_kib=64)
    hashed = kept.hash(password)
    assert kept.matches(hashed, password)
    assert not kept.matches(hashed, password[:-1])
    assert not kept.matches(hashed, password.upper() if password.upper() != password else password + " ")


def test_hashes_are_of_the_cost_that_was_chosen() -> None:
    hashed = Passwords().hash(PASSWORD)
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert Passwords(rounds=4).outdated(hashed)
    assert not Passwords().outdated(hashed)


def test_hashing_is_bounded() -> None:
    kept = Passwords(rounds=1, memory_kib=64)
    for _ in range(18):
        kept._room.acquire()
    with pytest.raises(Throttled):
        kept.hash(PASSWORD)


def test_asvs_6_2_3_a_change_needs_the_old_password_and_ends_the_other_sessions(place: Place) -> None:
    place.person("ana", "viewer")
    with place.signed_in("ana") as here, place.signed_in("ana") as there:
        before = cookie_of(here)
        assert here.post("/password", json={"password": "another phrase"}).status_code == 403
        assert here.post("/password", json={"password": "another phrase", "old": "wrong"}).status_code == 403
        assert here.post("/password", json={"password": "password", "old": PASSWORD}).status_code == 400
        assert there.get("/session").status_code == 200
        assert here.post("/password", json={"password": "another phrase", "old": PASSWORD}).status_code == 200
        assert cookie_of(here) != before
        assert (here.get("/session").status_code, there.get("/session").status_code) == (200, 401)
    with place.browser() as browser:
        assert browser.post("/sign-in", json={"name": "ana", "password": PASSWORD}).status_code == 401
        assert browser.post("/sign-in", json={"name": "person:ana", "password": "another phrase"}).status_code == 200


def test_a_token_sets_no_password(place: Place) -> None:
    place.app.access.create_person("ana", ["viewer"])
    with place.app.acting_as("person:ana"):
        secret = place.app.access.issue_token("person:ana").secret
    with place.browser(authorization=f"Bearer {secret}") as thief:
        assert thief.post("/password", json={"password": "another phrase"}).status_code == 403


def test_a_password_of_lower_cost_is_hashed_anew(place: Place) -> None:
    place.person("ana")
    place.app.access._passwords = Passwords(rounds=2, memory_kib=64)
    for _ in range(2):
        with place.signed_in("ana"):
            kept = place.app.rows.read(lambda tx: credential_store.password(tx, "person:ana"))
            assert kept is not None
            assert "t=2" in kept


# ---- patience


def test_asvs_6_3_1_failures_slow_down_and_never_lock_out(place: Place) -> None:
    place.person("ana")
    with place.browser() as browser:

        def attempt(password: str = "wrong", name: str = "ana") -> httpx.Response:
            return browser.post("/sign-in", json={"name": name, "password": password})

        assert [attempt().status_code for _ in range(5)] == [401] * 5
        slowed = attempt(PASSWORD)
        assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "1")
        assert attempt(name="ben").status_code == 401, "others are not slowed down"
        for wait_s in (1, 2, 4, 8, 16, 32, 60, 60, 60):
            place.later(seconds=wait_s - 0.01)
            assert attempt().status_code == 429
            place.later(seconds=0.01)
            assert attempt().status_code == 401
        place.later(seconds=60)
        assert attempt(PASSWORD).status_code == 200, "the wait ends at a minute"
        assert attempt().status_code == 401, "and all is forgotten"
    throttled = place.app.ledger.events(verb="sign_in.throttled").items
    assert [str(event.subject) for event in throttled] == ["person:ana"], "one event, for the account that exists"


def test_a_network_that_tries_many_names_is_slowed_down(place: Place) -> None:
    with place.browser() as browser:
        answers = [browser.post("/sign-in", json={"name": f"n{n}", "password": "x"}).status_code for n in range(51)]
    assert answers == [401] * 50 + [429]


def test_many_attempts_at_once_count_as_many(place: Place) -> None:
    place.person("ana")
    seen: list[int] = []

    def attempt() -> None:
        with place.browser() as browser:
            seen.append(browser.post("/sign-in", json={"name": "ana", "password": "wrong"}).status_code)

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [401] * 5 + [429] * 7


def test_asvs_6_3_8_nothing_tells_which_names_exist(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.person("ana")
    place.app.access.create_person("ben")
    place.person("eve")
    place.app.access.disable("person:eve")
    hashed: list[str] = []
    verify = Passwords._verify
    monkeypatch.setattr(Passwords, "_verify", lambda self, *given: hashed.append(given[1]) or verify(self, *given))
    names = ["ana", "ben", "eve", "nobody", "service:x", "../x", "x" * 300]
    with place.browser() as browser:
        answers = [browser.post("/sign-in", json={"name": name, "password": "wrong"}) for name in names]
    assert {(response.status_code, str(told(response))) for response in answers} == {(401, str(told(answers[0])))}
    assert hashed == ["wrong"] * len(names), "a name that nobody has takes as long"


# ---- one-time codes


def test_asvs_6_4_1_a_code_works_once_and_ten_minutes(place: Place) -> None:
    ana = place.app.access.create_person("ana", ["viewer"]).id
    with place.browser() as browser:
        code = place.app.access.issue_code(ana).code
        assert len(code) == 22
        assert browser.post("/sign-in/code", json={"code": code}).json()["actor"] == ana
        assert browser.post("/sign-in/code", json={"code": code}).status_code == 401
        late = place.app.access.issue_code(ana).code
        place.later(minutes=10)
        assert browser.post("/sign-in/code", json={"code": late}).status_code == 401
        weak = place.app.access.issue_code(ana).code
        assert browser.post("/sign-in/code", json={"code": weak, "password": "password"}).status_code == 400
        assert browser.post("/sign-in/code", json={"code": weak, "password": "ana-2026"}).status_code == 400
        assert browser.post("/sign-in/code", json={"code": weak, "password": PASSWORD}).status_code == 200, (
            "a bad choice does not use it up"
        )
    kept = b"".join(path.read_bytes() for path in place.app.settings.data.glob("ostinato.db*"))
    assert code.encode() not in kept


def test_a_code_that_many_use_at_once_lets_one_in(place: Place) -> None:
    ana = place.app.access.create_person("ana").id
    code, seen = place.app.access.issue_code(ana).code, []

    def use() -> None:
        try:
            seen.append(place.app.access.sign_in_by_code(code).session.actor)
        except OstinatoError:
            seen.append("")

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [""] * 7 + [ana]


def test_only_who_administers_the_store_signs_others_in(place: Place) -> None:
    place.person("lead", "project_admin")
    place.app.access.create_person("rita", ["reviewer"])
    with place.signed_in("lead") as lead:
        assert lead.post("/access/actors/person:rita/codes").status_code == 403
        assert lead.post("/access/actors/person:lead/codes").status_code == 200
        assert lead.post("/access/actors/person:nobody/codes").status_code == 404
    with place.app.acting_as("person:lead"):
        limited = place.app.access.issue_token("person:lead", permissions=["run:read"]).secret
    with place.browser(authorization=f"Bearer {limited}") as program:
        assert program.post("/access/actors/person:lead/codes").status_code == 403, "a limited token would become an unlimited session"


@pytest.mark.parametrize("terminal", [True, False])
def test_the_first_start_tells_a_terminal_or_a_file(place: Place, monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    said, path = first_sign_in_notice(place.app, place.url), place.app.settings.data / "server.sign-in"
    assert (place.url in said) is terminal
    assert path.exists() is not terminal
    if not terminal:
        assert path.stat().st_mode & 0o777 == 0o600
        said = path.read_text().strip()
    address = said.split()[-1]
    assert re.fullmatch(re.escape(place.url) + r"/#/sign-in/[\w-]{22}", address), "the code is in the fragment, which no server sees"
    assert first_sign_in_notice(place.app, place.url) == "", "once; `ostinato sign-in` makes another"
    assert not path.exists()
    with place.browser() as browser:
        assert browser.post("/sign-in/code", json={"code": address.rpartition("/")[2]}).json()["actor"] == "person:admin"
        assert browser.get("/access/whoami").json()["roles"] == ["admin"]
        assert browser.post("/password", json={"password": PASSWORD}).status_code == 200, "without an old one: there is none"


# ---- sessions and cookies


def test_asvs_3_3_cookies_are_for_this_host_alone(place: Place) -> None:
    place.person("ana")
    given = {"name": "ana", "password": PASSWORD}
    with place.browser() as browser:
        plain = browser.post("/sign-in", json=given).headers["set-cookie"]
        outside = browser.post("/sign-in", json=given, headers={"host": "ml.example.org"}).headers["set-cookie"]
    port = place.url.rpartition(":")[2]
    assert re.fullmatch(rf"ostinato-{port}=sess_[\w-]{{43}}; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax", plain)
    assert re.fullmatch(r"__Host-ostinato=sess_[\w-]{43}; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax; Secure", outside)


def test_asvs_7_2_4_a_new_value_at_each_sign_in_and_the_old_one_is_dead(place: Place) -> None:
    place.person("ana", "viewer")
    given = {"name": "ana", "password": PASSWORD}
    with place.signed_in("ana") as browser, place.browser() as thief:
        name, old = next(iter(browser.cookies.items()))
        assert browser.post("/sign-in", json=given).status_code == 200
        assert cookie_of(browser) != old
        assert thief.get("/session", headers={"cookie": f"{name}={old}"}).status_code == 401
        planted = "sess_" + "A" * 43
        assert planted not in thief.post("/sign-in", json=given, headers={"cookie": f"{name}={planted}"}).headers["set-cookie"]
        assert thief.get("/session", headers={"cookie": f"{name}={planted}"}).status_code == 401


def test_asvs_7_3_sessions_end_by_idleness_and_by_age(place: Place) -> None:
    place.person("ana")
    with place.signed_in("ana") as idle, place.signed_in("ana") as busy:
        for _ in range(15):
            place.later(hours=11)
            assert busy.get("/session").status_code == 200
        assert idle.get("/session").status_code == 401
        place.later(hours=3)
        assert busy.get("/session").status_code == 401, "seven days are over"


def test_asvs_7_4_sign_out_and_disabling_end_sessions_and_tokens_everywhere(place: Place) -> None:
    place.person("ana", "viewer")
    other = type(place.app).open(place.app.settings.data)
    with place.signed_in("ana") as one, place.signed_in("ana") as two:
        secret = next(iter(one.cookies.values()))
        access = other.access
        access._machine_clock = place.clock
        assert access.admit_session(secret, "default").credential.actor == "person:ana"
        assert one.post("/sign-out").status_code == 200
        assert not one.cookies
        with pytest.raises(OstinatoError):
            access.admit_session(secret, "default")
        with place.app.acting_as("person:ana"):
            token = place.app.access.issue_token("person:ana").secret
        assert access.admit(token, "default").permissions
        place.app.access.disable("person:ana")
        assert two.get("/session").status_code == 401
        with pytest.raises(OstinatoError):
            access.admit(token, "default")
        place.app.access.enable("person:ana")
        assert two.get("/session").status_code == 401, "a session does not come back"
    other.close()


def test_asvs_7_5_2_people_see_and_end_their_sessions_and_admins_those_of_others(place: Place) -> None:
    place.person("ana", "viewer")
    place.person("ben", "project_admin")
    place.person("root", "admin")
    with place.signed_in("ana", **{"user-agent": "phone"}) as phone:
        place.later(minutes=1)
        with place.signed_in("ana") as desk, place.signed_in("ben") as ben, place.signed_in("root") as root:
            shown = desk.get("/sessions").json()
            assert [(s["actor"], s["current"]) for s in shown] == [("person:ana", True), ("person:ana", False)]
            assert (shown[1]["agent"], shown[1]["address"]) == ("phone", "127.0.0.1")
            assert "sess_" not in str(shown)
            mine, theirs = (s["id"] for s in shown)
            assert [s["actor"] for s in ben.get("/sessions").json()] == ["person:ben"]
            unknown, foreign = ben.delete("/sessions/nothing"), ben.delete(f"/sessions/{mine}")
            assert (unknown.status_code, foreign.status_code) == (404, 404)
            assert told(foreign)["message"] == told(unknown)["message"].replace("nothing", mine)
            assert desk.delete(f"/sessions/{theirs}").status_code == 200
            assert phone.get("/session").status_code == 401
            assert [s["id"] for s in root.get("/sessions?actor=person:ana").json()] == [mine]
            assert root.delete(f"/sessions/{mine}").status_code == 200
            assert desk.get("/session").status_code == 401


def test_a_session_is_no_token_and_a_token_no_session(place: Place) -> None:
    place.person("ana", "viewer")
    with place.signed_in("ana") as browser, place.browser() as other:
        name, secret = next(iter(browser.cookies.items()))
        assert other.get("/session", headers={"authorization": f"Bearer {secret}"}).status_code == 401
        other.cookies.set(name, (place.app.settings.data / "admin-token").read_text().strip())
        assert other.get("/session").status_code == 401
        assert browser.get("/access/whoami", headers={"authorization": "Bearer wrong"}).status_code == 401, "no way round a wrong token"


# ---- other sites


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "SELF"}, False),
        ({"origin": "SELF"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "https://127.0.0.1"}, False),
        ({}, True),
    ],
)
def test_asvs_3_5_other_sites_change_nothing(place: Place, headers: dict[str, str], passes: bool) -> None:
    place.person("ana", "viewer")
    given = {name: place.url if value == "SELF" else value for name, value in headers.items()}
    with place.signed_in("ana") as browser:
        assert (browser.post("/access/actors/person:ana/tokens", json={}, headers=given).status_code == 200) is passes
        assert browser.get("/access/whoami", headers=given).status_code == 200
        assert (browser.post("/sign-in", json={"name": "ana", "password": PASSWORD}, headers=given).status_code == 200) is passes, "nor in"


def test_asvs_3_5_2_forms_change_nothing(place: Place) -> None:
    place.person("ana", "viewer")
    with place.signed_in("ana") as browser:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            assert browser.post("/sign-out", content=b"{}", headers={"content-type": kind}).status_code == 403
        assert browser.get("/session").status_code == 200


def test_asvs_4_1_3_a_forged_forwarded_address_changes_nothing(place: Place) -> None:
    place.person("ana")
    with place.browser() as browser:
        for n in range(5):
            browser.post("/sign-in", json={"name": "ana", "password": "x"}, headers={"x-forwarded-for": f"198.51.100.{n}"})
        slowed = browser.post("/sign-in", json={"name": "ana", "password": "x"}, headers={"x-forwarded-for": "198.51.100.9"})
        assert slowed.status_code == 429


# ---- programs


def test_a_program_gets_a_token_once_its_user_agrees(place: Place) -> None:
    place.person("ana", "viewer")
    with place.browser() as program, place.signed_in("ana") as browser:
        grant = program.post("/device", json={"name": "cli at desk"}).json()
        assert grant["verification_uri"] == f"{place.url}/#/device"
        assert re.fullmatch(r"[B-Z]{4}-[B-Z]{4}", grant["user_code"])
        ask = {"device_code": grant["device_code"]}
        assert [program.post("/device/token", json=ask).json()["state"] for _ in range(2)] == ["pending", "slow_down"]
        shown = browser.get(f"/device/{grant['user_code'].lower().replace('-', '')}").json()
        assert (shown["name"], shown["address"]) == ("cli at desk", "127.0.0.1")
        assert browser.post(f"/device/{grant['user_code']}", json={"agree": True}).status_code == 200
        granted = program.post("/device/token", json=ask).json()
        assert granted["state"] == "granted"
        assert program.post("/device/token", json=ask).json() == {"state": "expired", "issued": None}, "once"
        headers = {"authorization": f"Bearer {granted['issued']['secret']}"}
        assert program.get("/access/whoami", headers=headers).json()["actor"] == "person:ana"
        second = program.post("/device", json={"name": "x"}).json()
        assert program.post(f"/device/{second['user_code']}", json={"agree": True}, headers=headers).status_code == 403, "not by a token"
        browser.post(f"/device/{second['user_code']}", json={"agree": False})
        assert program.post("/device/token", json={"device_code": second["device_code"]}).json()["state"] == "refused"
        third = program.post("/device", json={"name": "x"}).json()
        place.later(minutes=10)
        assert browser.get(f"/device/{third['user_code']}").status_code == 404
        assert program.post("/device/token", json={"device_code": third["device_code"]}).json()["state"] == "expired"


def test_guessing_the_codes_of_programs_is_slow(place: Place) -> None:
    place.person("ana")
    with place.signed_in("ana") as browser:
        answers = [browser.get(f"/device/BBBB-BBB{letter}").status_code for letter in "BCDFGH"]
    assert answers == [404] * 5 + [429]


def test_no_secret_reaches_the_ledger_or_the_log(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        place.person("ana", "viewer")
        with place.signed_in("ana") as browser:
            issued = browser.post("/access/actors/person:ana/tokens", json={}).json()["secret"]
            secrets = [PASSWORD, cookie_of(browser), issued[15:47]]
    files = [path.read_bytes() for path in place.app.settings.data.glob("ostinato.db*")]
    log = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("http"))  # httpx shows its own cookies
    everything = repr(place.app.ledger.events(limit=1000).items) + log + b"".join(files).decode("latin-1")
    assert not [secret for secret in secrets if secret in everything]
    assert "session.opened" in everything


@pytest.mark.parametrize("odd", ["\0", "a\0b", "x" * 3000, "ä", "%", "\u202e"])
def test_odd_names_are_refused_and_break_nothing(place: Place, odd: str) -> None:
    place.person("ana", "admin")
    with place.signed_in("ana") as browser:
        there = quote(odd, safe="")
        answers = {
            browser.delete(f"/sessions/{there}").status_code,
            browser.get("/sessions", params={"actor": odd}).status_code,
            browser.get("/access/tokens", params={"actor": odd}).status_code,
            browser.delete(f"/access/tokens/{there}").status_code,
            browser.post(f"/access/actors/{there}/tokens", json={}).status_code,
            browser.put(f"/access/actors/person:ana/roles/{there}", json={}).status_code,
            browser.put(f"/access/roles/{there}", json={"permissions": ["run:read"]}).status_code,
            browser.get(f"/device/{there}").status_code,
            browser.post("/device", json={"name": odd}).status_code,
            browser.post("/sign-in/code", json={"code": odd}).status_code,
            browser.get("/sign-in/oidc/callback", params={"state": odd}, headers={"cookie": f"ostinato-{odd}".encode()}).status_code
            if odd.isascii() and "\0" not in odd
            else 404,
            browser.post("/sign-in", json={"name": odd, "password": odd}).status_code,
        }
    assert answers <= {200, 400, 401, 404, 429}, answers
