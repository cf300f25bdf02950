"""People who sign in elsewhere, at a provider that we did not write; and those who try to."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.access.openid import SECRET, provided, signed_in

from ostinato.access.oidc import Provider, Strength
from ostinato.app import Ostinato
from ostinato.kernel.errors import Conflict, Invalid, Unauthenticated, Unavailable
from ostinato.kernel.settings import Settings
from ostinato.testing.doors import served
from ostinato.testing.processes import free_port

LOOPBACK = "127.0.0.1/32"
PASSWORD = "four words of mine"
GROUPS = {"ml": ["scientist"], "reviewers": ["reviewer", "churn:viewer"], "ops": ["admin"]}


@dataclass
class Place:
    """A served store, its provider, and where the provider keeps what it signs with."""

    app: Ostinato
    url: str
    issuer: str
    keys: Path

    @property
    def callback(self) -> str:
        return f"{self.url}/api/v1/sign-in/oidc/callback"

    def groups(self, **people: list[str]) -> None:
        """Put people into other groups."""
        Path(f"{self.keys}.groups").write_text(json.dumps({name: {"groups": groups} for name, groups in people.items()}))

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20)

    def sign_in(self, login: str, browser: httpx.Client) -> httpx.Response:
        """The last answer on the way to the provider and back."""
        return browser.get(signed_in(browser, "/api/v1/sign-in/oidc", login, self.callback))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    ours, theirs, keys = free_port(), free_port(), tmp_path / "keys"
    issuer, url = f"http://127.0.0.1:{theirs}", f"http://127.0.0.1:{ours}"
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    given = {
        "ISSUER": issuer,
        "CLIENT": "ostinato",
        "SECRET_FILE": str(secret),
        "SCOPE": "openid profile email groups",
        "NETWORKS": LOOPBACK,
    }
    for name, value in {**given, "GROUPS": json.dumps(GROUPS)}.items():
        monkeypatch.setenv(f"OSTINATO_OIDC_{name}", value)
    with ExitStack() as stack:
        stack.enter_context(provided(theirs, f"{url}/api/v1/sign-in/oidc/callback", keys))
        app = stack.enter_context(Ostinato.open(tmp_path / "store"))
        stack.enter_context(served(app, port=ours))
        app.access.create_project("churn")
        yield Place(app, url, issuer, keys)


def test_sign_in_brings_the_roles_of_the_groups_as_they_are(place: Place) -> None:
    with place.browser() as browser:
        assert browser.get("/api/v1/sign-in").json() == {"issuer": place.issuer, "elsewhere": "/api/v1/sign-in/oidc", "actor": None}
        back = place.sign_in("ben", browser)
        assert (back.status_code, back.headers["location"]) == (303, "/")
        me = browser.get("/api/v1/access/whoami").json()
        assert (me["actor"], me["roles"]) == ("person:ben", ["reviewer", "scientist"])
        assert browser.get("/api/v1/session").json()["means"] == "oidc"
        assert browser.post("/api/v1/password", json={"password": "a phrase of mine"}).status_code == 409, "who leaves there, leaves here"
        place.app.access.grant("person:ben", "steward")
        place.app.access.grant("person:ben", "scientist")
        place.groups(ben=["ml"])
        place.sign_in("ben", browser)
        assert browser.get("/api/v1/access/whoami").json()["roles"] == ["scientist", "steward"]
        place.groups(ben=[])
        place.sign_in("ben", browser)
        assert browser.get("/api/v1/access/whoami").json()["roles"] == ["scientist", "steward"], "what a hand gave, stays"
    told = [(e.verb, e.data.get("role")) for e in place.app.ledger.events(actor="service:ostinato", verb="role.*").items]
    assert ("role.revoked", "reviewer") in told


def test_asvs_6_8_1_people_are_known_by_issuer_and_subject_never_by_mail_or_name(place: Place) -> None:
    place.app.access.create_person("ana", ["viewer"])
    with place.browser() as browser:
        place.sign_in("ana", browser)
        assert browser.get("/api/v1/access/whoami").json()["actor"] == "person:ana-2"
    with place.browser() as browser:
        place.sign_in("ben", browser)  # with the same mail
        assert browser.get("/api/v1/access/whoami").json()["actor"] == "person:ben"


def test_strangers_and_the_disabled_stay_outside(place: Place) -> None:
    with place.browser() as browser:
        stranger = place.sign_in("eve", browser)
        assert stranger.status_code == 403
        missing = place.sign_in("nog", browser) if browser.cookies.clear() is None else None
        assert missing is not None
        assert missing.status_code == 409
        assert "OSTINATO_OIDC_GROUPS_CLAIM" in missing.text, "no claim is not 'no groups'"
        assert "person:eve" not in [actor.id for actor in place.app.access.actors()]
        browser.cookies.clear()
        place.sign_in("ben", browser)
        place.app.access.disable("person:ben")
        assert browser.get("/api/v1/access/whoami").status_code == 401
        browser.cookies.clear()
        assert place.sign_in("ben", browser).status_code == 401


def test_asvs_10_1_2_the_answer_belongs_to_the_browser_that_asked(place: Place) -> None:
    with place.browser() as browser, place.browser() as other:
        answer = signed_in(browser, "/api/v1/sign-in/oidc", "ben", place.callback)
        assert other.get(answer).status_code == 401, "the code of another browser"
        other.get("/api/v1/sign-in/oidc")
        assert other.get(answer).status_code == 401, "the state of another browser"
        shown = other.get(answer, headers={"accept": "text/html,*/*;q=0.8"})
        assert (shown.status_code, shown.headers["location"]) == (303, "/sign-in?failed=Unauthenticated"), "people read no JSON"
        state = parse_qs(urlsplit(answer).query)["state"][0]
        for forged in (answer.replace(state, "x" * 43), answer.replace(f"state={state}", ""), answer.replace("iss=", "is=")):
            with place.browser() as third:
                third.cookies.update(browser.cookies)
                refused = third.get(forged)
                assert refused.status_code == 401, forged
                assert not any(name.endswith("oidc") and "Max-Age=0" not in refused.headers["set-cookie"] for name in third.cookies)
        kept = httpx.Cookies(browser.cookies)
        assert browser.get(answer).status_code == 303
        assert browser.get(answer).status_code == 401, "once"
        browser.cookies.update(kept)
        assert browser.get(answer).status_code == 401, "the provider takes a code once"


def test_the_provider_refuses_another_address_and_a_sign_in_without_proof(place: Place) -> None:
    with place.browser() as browser:
        away = browser.get("/api/v1/sign-in/oidc").headers["location"]
        assert "code_challenge_method=S256" in away
        assert browser.get(away.replace("callback", "elsewhere")).status_code == 400
        bare = "&".join(part for part in away.split("&") if not part.startswith("code_challenge"))
        refused = browser.get(bare)
        assert "error=invalid_request" in refused.headers["location"]
        back = browser.get(refused.headers["location"])
        assert (back.status_code, "invalid_request" in back.text) == (401, True)
    cookie = httpx.get(f"{place.url}/api/v1/sign-in/oidc").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def forged(place: Place, header: dict[str, Any], claims: dict[str, Any], key: Any = None, **more: Any) -> str:
    signer = key or RSAKey.import_key(json.loads(Path(f"{place.keys}.first").read_text()))
    return jwt.encode({"alg": "RS256", "kid": "first", **header}, claims, signer, **more)


def good(place: Place) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": place.issuer, "aud": "ostinato", "sub": "ben", "nonce": "n", "iat": now, "exp": now + 300}


BAD: dict[str, Callable[[Place], str]] = {
    "alg none": lambda p: f"eyJhbGciOiJub25lIn0.{forged(p, {}, good(p)).split('.')[1]}.",
    "HS256 with the public key": lambda p: signed_with_what_is_public(p),
    "another's key": lambda p: forged(p, {}, good(p), RSAKey.generate_key(2048)),
    "another's key, brought along": lambda p: forged(p, {"jwk": (key := RSAKey.generate_key(2048)).as_dict(private=False)}, good(p), key),
    "an unknown key": lambda p: forged(p, {"kid": "nobody's"}, good(p)),
    "iss": lambda p: forged(p, {}, good(p) | {"iss": "http://127.0.0.1:1"}),
    "aud": lambda p: forged(p, {}, good(p) | {"aud": "somebody else"}),
    "several aud, none of them ours to act for": lambda p: forged(p, {}, good(p) | {"aud": ["ostinato", "x"], "azp": "x"}),
    "typ": lambda p: forged(p, {"typ": "at+jwt"}, good(p)),
    "nonce": lambda p: forged(p, {}, good(p) | {"nonce": "m"}),
    "expired": lambda p: forged(p, {}, good(p) | {"exp": int(time.time()) - 61}),
    "nbf": lambda p: forged(p, {}, good(p) | {"nbf": int(time.time()) + 300}),
    "no exp": lambda p: forged(p, {}, {k: v for k, v in good(p).items() if k != "exp"}),
    "a changed claim": lambda p: forged(p, {}, good(p)).replace(".", ".e", 1),
    "not a token": lambda p: "..",
}


def signed_with_what_is_public(place: Place) -> str:
    """An HMAC whose secret is the provider's public key; made by hand, because no library would."""
    public = RSAKey.import_key(json.loads(Path(f"{place.keys}.first").read_text())).as_pem(private=False)
    parts = ({"alg": "HS256", "kid": "first"}, good(place))
    head = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    return (head + b"." + base64.urlsafe_b64encode(hmac.digest(public, head, "sha256")).rstrip(b"=")).decode()


@pytest.mark.filterwarnings("ignore:.*")  # joserfc warns of the keys that the forger uses
def test_asvs_9_1_tokens_that_the_provider_did_not_mean_for_us(place: Place) -> None:
    provider = Provider.of(place.app.settings)
    assert provider is not None
    assert provider.claims(forged(place, {}, good(place)), "n")["sub"] == "ben"
    for name, forge in BAD.items():
        token = forge(place)
        try:
            taken: object = provider.claims(token, "n")
        except Unauthenticated:
            taken = None
        assert taken is None, name


def test_a_changed_key_is_fetched_once_a_minute(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    with provided(port, place.callback, tmp_path / "theirs", kid="old") as issuer:
        provider = Provider(issuer, "ostinato", networks=LOOPBACK)
        old = RSAKey.import_key(json.loads((tmp_path / "theirs.old").read_text()))
        claims = good(place) | {"iss": issuer}
        provider.claims(jwt.encode({"alg": "RS256", "kid": "old"}, claims, old), "n")
    with provided(port, place.callback, tmp_path / "theirs", kid="new"):
        new = RSAKey.import_key(json.loads((tmp_path / "theirs.new").read_text()))
        token = jwt.encode({"alg": "RS256", "kid": "new"}, claims, new)
        with pytest.raises(Unauthenticated):
            provider.claims(token, "n")  # asked less than a minute ago
        asked = time.monotonic()
        monkeypatch.setattr("ostinato.access.issuer.time.monotonic", lambda: asked + 61)
        assert provider.claims(token, "n")["sub"] == "ben"
    monkeypatch.setattr("ostinato.access.issuer.time.monotonic", lambda: asked + 9999)
    assert provider.claims(token, "n")["sub"] == "ben", "the last good keys are kept while the provider is away"


def test_what_a_provider_must_not_be(tmp_path: Path, place: Place) -> None:
    with pytest.raises(Invalid, match="https"):
        Provider("http://example.org", "ostinato")
    with pytest.raises(Invalid, match="GROUPS"):
        Provider("https://example.org", "ostinato", groups="ml=scientist")
    with pytest.raises(Unavailable):
        Provider(f"http://127.0.0.1:{free_port()}", "ostinato", networks=LOOPBACK).begin("x")
    with pytest.raises(Conflict, match="calls itself"):
        Provider(place.issuer + "/", "ostinato", networks=LOOPBACK).begin("x")
    assert SECRET not in repr(place.app.settings)


def linked_in(place: Place, browser: httpx.Client, login: str) -> httpx.Response:
    """The last answer on the way of a signed-in browser to the provider and back."""
    away = browser.post("/api/v1/sign-in/oidc/link", json={})
    assert away.status_code == 200, away.text
    return browser.get(signed_in(browser, away.json()["url"], login, place.callback))


def test_in_a_browser_at_a_real_provider(place: Place) -> None:
    place.app.access.create_person("zoe", ["viewer"])
    with place.browser() as browser, place.browser() as other:
        assert browser.post("/api/v1/sign-in/oidc/link", json={}).status_code == 401
        helped = browser.post("/api/v1/sign-in/code", json={"code": place.app.access.issue_code("person:zoe").code}).json()
        assert (helped["delegated"], browser.post("/api/v1/sign-in/oidc/link", json={}).status_code) == (True, 403)
        code = place.app.access.issue_code("person:zoe").code
        assert browser.post("/api/v1/sign-in/code", json={"code": code, "password": PASSWORD}).json()["delegated"] is False
        assert browser.post("/api/v1/sign-in/oidc/link", data={"a": "b"}).status_code == 403, "no form"
        back = linked_in(place, browser, "ana")
        assert (back.status_code, back.headers["location"]) == (303, "/")
        me = browser.get("/api/v1/access/whoami").json()
        assert (me["actor"], me["identity"]["subject"], me["has_password"]) == ("person:zoe", "ana", False)
        assert browser.get("/api/v1/sign-in").json()["actor"] == "person:zoe", "who is here is asked before another comes"
        place.sign_in("ana", other)
        assert other.get("/api/v1/access/whoami").json()["actor"] == "person:zoe"
        assert other.get("/api/v1/access/whoami").json()["roles"] == ["scientist", "viewer"]


def test_the_link_belongs_to_the_session_that_began_it(place: Place) -> None:
    for name in ("zoe", "max"):
        place.app.access.create_person(name, ["viewer"])
    codes = {name: place.app.access.issue_code(f"person:{name}").code for name in ("zoe", "max")}
    with place.browser() as browser:
        browser.post("/api/v1/sign-in/code", json={"code": codes["zoe"], "password": PASSWORD})
        away = browser.post("/api/v1/sign-in/oidc/link", json={}).json()["url"]
        answer = signed_in(browser, away, "ben", place.callback)
        browser.post("/api/v1/sign-in/code", json={"code": codes["max"], "password": PASSWORD})
        assert browser.get(answer).status_code == 401, "somebody else has signed in meanwhile"
        assert browser.get("/api/v1/access/whoami").json()["identity"] is None
        assert browser.get("/api/v1/access/whoami").json()["actor"] == "person:max"


def weak(place: Place, **asked: Any) -> Provider:
    return Provider(place.issuer, "ostinato", networks=LOOPBACK, strength=Strength(**asked))


def test_asvs_6_3_3_a_provider_that_proved_less_than_we_ask_for_is_refused_in_clear_words(place: Place) -> None:
    now = int(time.time())
    for asked, said, enough in (
        ({"acr": ("phr", "phrh")}, {"acr": "phr"}, True),
        ({"acr": ("phr",)}, {"acr": "1"}, False),
        ({"acr": ("phr",)}, {"acr": ["phr"]}, False),
        ({"acr": ("phr",)}, {}, False),
        ({"amr": ("mfa", "hwk")}, {"amr": ["pwd", "mfa"]}, True),
        ({"amr": ("mfa",)}, {"amr": ["pwd"]}, False),
        ({"amr": ("mfa",)}, {"amr": "mfa"}, False),
        ({"amr": ("mfa",)}, {"amr": [{}]}, False),
        ({"amr": ("mfa",)}, {}, False),
        ({"acr": ("phr",), "amr": ("mfa",)}, {"acr": "phr"}, False),
        ({"max_age_s": 600}, {"auth_time": now - 600}, True),
        ({"max_age_s": 600}, {"auth_time": now - 700}, False),
        ({"max_age_s": 600}, {"auth_time": now + 700}, False),
        ({"max_age_s": 600}, {"auth_time": True}, False),
        ({"max_age_s": 600}, {}, False),
        ({}, {}, True),
    ):
        provider, token = weak(place, **asked), forged(place, {}, good(place) | said)
        if enough:
            assert provider.claims(token, "n")["sub"] == "ben"
            continue
        with pytest.raises(Unauthenticated, match="provider") as refused:
            provider.claims(token, "n")
        assert "OSTINATO_OIDC_" in refused.value.hint


def test_what_is_asked_for_is_asked_of_the_provider_and_seen_by_the_browser(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    away = weak(place, acr=("phr", "phrh"), max_age_s=600).begin("x").url
    assert parse_qs(urlsplit(away).query)["acr_values"] == ["phr phrh"]
    assert parse_qs(urlsplit(away).query)["max_age"] == ["600"]
    monkeypatch.setenv("OSTINATO_OIDC_MAX_AGE_S", "600")
    for asked in ("", "mfa"):
        monkeypatch.setenv("OSTINATO_OIDC_AMR", asked)
        provider = Provider.of(Settings.read(place.app.settings.data))
        assert provider is not None
        with place.browser() as browser:
            begun = provider.begin(place.callback)
            back = signed_in(browser, begun.url, "ben", place.callback)
        answer = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
        if not asked:
            assert provider.finish(answer, begun, place.callback).subject == "ben", "the provider said when they proved it"
            continue
        with pytest.raises(Unauthenticated, match="no amr"):
            provider.finish(answer, begun, place.callback)
