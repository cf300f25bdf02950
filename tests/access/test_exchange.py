"""Programs that show who they are elsewhere, and those who only say so (RFC 8693)."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey
from tests.access.issuer import Ci, issuing

from ostinato.app import Ostinato
from ostinato.kernel.caller import Caller, calling
from ostinato.kernel.errors import Conflict, Denied, Invalid, NotFound
from ostinato.testing.doors import served
from ostinato.testing.processes import free_port

OURS = "https://ml.example.org"
BOUND = {"repository_id": "4711", "ref": "refs/heads/main"}
GRANT = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
}


@dataclass
class Place:
    """A served store that trusts a CI to train in the project churn."""

    app: Ostinato
    url: str
    ci: Ci

    def ask(self, token: str, **more: str) -> httpx.Response:
        return httpx.post(f"{self.url}/api/v1/token", data={**GRANT, "subject_token": token, **more}, timeout=20)

    def refused(self, project: str = "churn") -> list[dict[str, Any]]:
        with calling(Caller(actor="person:admin", project=project)):
            return [dict(event.data) for event in self.app.ledger.events(verb="exchange.refused").items]

    def declare(self, name: str = "github", **given: Any) -> None:
        asked = {
            "service": "service:trainer",
            "issuer": self.ci.url,
            "audience": OURS,
            "claims": BOUND,
            "permissions": ["run:*", "model:read"],
        }
        self.app.access.declare_trust(name, **(asked | given))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[Place]:
    monkeypatch.setenv("OSTINATO_OIDC_NETWORKS", "127.0.0.1/32")
    with issuing() as ci, Ostinato.open(tmp_path / "store") as app, served(app) as url:
        found = Place(app, url, ci)
        app.access.create_project("churn")
        with calling(Caller(actor="person:admin", project="churn")):
            app.access.create_service("trainer", ["scientist"])
            found.declare()
            yield found


def test_a_job_gets_a_short_token_of_its_service_and_no_more(place: Place) -> None:
    answer = place.ask(place.ci.token())
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 900, "model:read run:*")
    assert told["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert answer.headers["cache-control"] == "no-store"
    headers = {"Authorization": f"Bearer {told['access_token']}", "Ostinato-Project": "churn"}
    me = httpx.get(f"{place.url}/api/v1/access/whoami", headers=headers).json()
    assert (me["actor"], me["permissions"]) == ("service:trainer", ["model:read", "run:read", "run:write"])
    elsewhere = httpx.get(f"{place.url}/api/v1/experiments", headers=headers | {"Ostinato-Project": "default"})
    assert elsewhere.status_code == 404, "of another project it may not know"
    (event,) = place.app.ledger.events(verb="token.exchanged").items
    assert (event.actor, str(event.subject)) == ("service:trainer", "trust:github")
    assert event.data["claims"] == BOUND
    (token,) = place.app.access.tokens("service:trainer")
    assert (token.delegated, token.projects, token.name) == (True, ["churn"], "trust churn/github")


def test_a_job_may_ask_for_less_and_not_for_more(place: Place) -> None:
    assert place.ask(place.ci.token(), scope="run:read model:read").json()["scope"] == "model:read run:read"
    more = place.ask(place.ci.token(), scope="model:write")
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")
    assert place.ask(place.ci.token(), scope="nonsense").json()["error"] == "invalid_scope"


def test_jobs_beside_one_another_keep_their_tokens(place: Place) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(place.ask, [place.ci.token() for _ in range(8)]))
    secrets = [answer.json()["access_token"] for answer in answers]
    assert len({place.app.access.authenticate(secret).id for secret in secrets}) == 1
    assert len(set(secrets)) == 8


def test_a_token_is_exchanged_once_however_many_ask_at_a_time(place: Place) -> None:
    for token in (place.ci.token(jti="one"), place.ci.token(jti=None)):
        with ThreadPoolExecutor(6) as pool:
            codes = [answer.status_code for answer in pool.map(place.ask, [token] * 6)]
        assert sorted(codes) == [200, 400, 400, 400, 400, 400]
    assert place.ask(place.ci.token(jti="one", ref="refs/heads/main")).status_code == 400, "another token of the same name"
    assert "exchanged already" in place.refused()[0]["reason"]


def signed_with_what_is_public(ci: Ci) -> str:
    public = ci.key.as_pem(private=False)
    parts = ({"alg": "HS256", "kid": "first"}, ci.claims())
    head = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    return (head + b"." + base64.urlsafe_b64encode(hmac.digest(public, head, "sha256")).rstrip(b"=")).decode()


def nested(depth: int) -> str:
    return base64.urlsafe_b64encode(b"[" * depth).rstrip(b"=").decode()


BAD: dict[str, Callable[[Ci], str]] = {
    "alg none": lambda ci: f"eyJhbGciOiJub25lIn0.{ci.token().split('.')[1]}.",
    "HS256 with the public key": signed_with_what_is_public,
    "another's key": lambda ci: ci.token(key=RSAKey.generate_key(2048)),
    "another's key, brought along": lambda ci: ci.token({"jwk": (key := RSAKey.generate_key(2048)).as_dict(private=False)}, key),
    "an unknown key": lambda ci: ci.token({"kid": "nobody's"}),
    "another's token": lambda ci: ci.token({"typ": "at+jwt"}),
    "aud": lambda ci: ci.token(aud="https://other.example.org"),
    "aud of others besides": lambda ci: ci.token(aud=[OURS, "https://other.example.org"]),
    "no aud": lambda ci: ci.token(aud=None),
    "expired": lambda ci: ci.token(exp=int(time.time()) - 61),
    "not yet": lambda ci: ci.token(nbf=int(time.time()) + 300),
    "for ever": lambda ci: ci.token(exp=int(time.time()) + 10**9),
    "beyond all time": lambda ci: ci.token(exp=10**300),
    "no exp": lambda ci: ci.token(exp=None),
    "no sub": lambda ci: ci.token(sub=None),
    "another repository": lambda ci: ci.token(repository_id="4712"),
    "several repositories": lambda ci: ci.token(repository_id=["4711"]),
    "another branch": lambda ci: ci.token(ref="refs/pull/1/merge"),
    "no branch": lambda ci: ci.token(ref=None),
    "a changed claim": lambda ci: ci.token().replace(".", ".e", 1),
    "an unknown issuer": lambda ci: ci.token(iss="https://ci.example.org"),
    "an issuer like ours": lambda ci: ci.token(iss=ci.url + "/"),
    "nothing": lambda ci: "..",
    "no text": lambda ci: "é.é.é",
    "deep": lambda ci: f"{nested(9000)}.{ci.token().split('.')[1]}.x",
    "long": lambda ci: ci.token() + "A" * 70_000,
}


@pytest.mark.filterwarnings("ignore:.*")  # joserfc warns of the keys that the forger uses
def test_asvs_9_2_what_is_not_signed_for_us_about_that_job_now_is_refused(place: Place) -> None:
    for name, forge in BAD.items():
        answer = place.ask(forge(place.ci))
        assert (name, answer.status_code) == (name, 400), answer.text
        assert answer.json()["error"] == "invalid_request", name
    assert place.app.access.tokens("service:trainer") == []
    reasons = {told["reason"] for told in place.refused()}
    assert {"the token is meant for another audience", "no trust fits: ref is otherwise"} <= reasons
    assert all(told["issuer"] == place.ci.url for told in place.refused())
    unknown = place.refused("default")
    assert {told["reason"] for told in unknown} == {"nobody here trusts who signed the token", "this is no token of an issuer"}
    before = len(place.refused())
    place.ask(place.ci.token(ref="refs/heads/other"))
    assert len(place.refused()) == before, "who knocks again within the minute leaves no other event"


def test_who_guesses_for_long_has_to_wait(place: Place) -> None:
    codes = [place.ask("x.y.z").status_code for _ in range(52)]
    assert codes[0] == 400
    assert codes[-1] == 429


def test_a_form_of_another_shape_is_refused_in_the_words_of_the_rfc(place: Place) -> None:
    token = place.ci.token()
    for more, error in (
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"subject_token": ""}, "invalid_request"),
        ({"actor_token": "x"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
    ):
        answer = httpx.post(f"{place.url}/api/v1/token", data={**GRANT, "subject_token": token, **more})
        assert (answer.status_code, answer.json()["error"]) == (400, error)
    for content in (b"", b"a=1&a=2", b"%ff=%00", b"x" * 200_000, b"&".join([b"a=b"] * 500)):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        assert httpx.post(f"{place.url}/api/v1/token", content=content, headers=headers).status_code == 400
    assert httpx.post(f"{place.url}/api/v1/token", json={**GRANT, "subject_token": token}).status_code == 400
    assert place.ask(token).status_code == 200, "nothing of this spent the token"


def test_where_several_trusts_fit_the_job_names_one(place: Place) -> None:
    place.declare("release", permissions=["model:*"])
    both = place.ask(place.ci.token())
    assert (both.status_code, both.json()["error"]) == (400, "invalid_target")
    assert "churn/release" in both.text
    assert place.ask(place.ci.token(), audience="churn/release").json()["scope"] == "model:*"
    assert place.ask(place.ci.token(), audience="churn/nothing").status_code == 400


def test_a_trust_that_ends_takes_its_tokens_along(place: Place) -> None:
    secrets = []
    for change in (lambda: place.declare(minutes=5), lambda: place.app.access.drop_trust("github")):
        secrets.append(place.ask(place.ci.token()).json()["access_token"])
        place.app.access.authenticate(secrets[-1])
        place.declare() if len(secrets) == 1 else None
        place.app.access.authenticate(secrets[-1])
        change()
        headers = {"Authorization": f"Bearer {secrets[-1]}"}
        assert httpx.get(f"{place.url}/api/v1/access/whoami", headers=headers).status_code == 401
    assert place.ask(place.ci.token()).status_code == 400
    place.declare()
    place.app.access.disable("service:trainer")
    assert place.ask(place.ci.token()).status_code == 400
    assert [event.verb for event in place.app.ledger.events(verb="trust.*").items][-1] == "trust.declared"


def test_who_may_declare_and_what(place: Place) -> None:
    access = place.app.access
    access.create_person("lead", ["project_admin"])
    access.create_person("ana", ["engineer"])
    with calling(Caller(actor="person:ana", project="churn")), pytest.raises((Denied, NotFound)):
        place.declare("mine")
    with calling(Caller(actor="person:lead", project="churn")):
        place.declare("mine", permissions=None)
        narrow = access.issue_token("person:lead", permissions=["access:*", "run:read"])
        with pytest.raises(Denied), calling(Caller(actor="person:lead", project="churn", credential=narrow.token.id)):
            place.declare("wide", permissions=["run:*"])
    access.grant("service:trainer", "admin")
    with calling(Caller(actor="person:lead", project="churn")):
        with pytest.raises(Denied):
            place.declare("wide", permissions=["clock:set"])
        place.declare("narrow", permissions=["run:*"])
    for wrong in (
        {"claims": {"ref": "refs/heads/main"}}, {"claims": {}}, {"claims": {"sub": "repo:acme/*"}}, {"claims": {"sub": ""}},
        {"claims": {"sub": "x", "aud": "y"}}, {"audience": " "}, {"minutes": 0}, {"minutes": 61}, {"issuer": "http://ci.example.org"},
        {"issuer": "nonsense"}, {"permissions": ["x"]}, {"name": "no name"},
    ):  # fmt: skip
        with pytest.raises(Invalid):
            place.declare(**({"name": "wrong"} | wrong))
    for address in ("https://10.0.0.1", "https://169.254.169.254", "https://[::1]"):
        with pytest.raises(Denied):
            place.declare("wrong", issuer=address)
    with pytest.raises(Conflict):
        place.declare("wrong", service="person:lead")
    assert [found.name for found in access.trusts()] == ["github", "mine", "narrow"]


def test_an_issuer_that_moves_into_our_network_is_not_followed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("ostinato.storage.web.socket.getaddrinfo", lambda host, port, **_: [(2, 1, 6, "", (next(answers), port))])
    monkeypatch.setattr("ostinato.storage.web.socket.create_connection", lambda place, timeout: asked.append(place[0]))
    answers = iter(["203.0.114.7", "10.0.0.5"])
    place.declare("moving", issuer="https://ci.example.org")
    with pytest.raises(Denied, match="not a public address"):
        place.app.access.exchange(place.ci.token(iss="https://ci.example.org"))
    assert asked == []


def test_an_issuer_that_is_away_is_not_the_jobs_fault(place: Place) -> None:
    place.declare("away", issuer=f"http://127.0.0.1:{free_port()}")
    token = place.ci.token(iss=place.app.access.trusts()[0].issuer)
    answer = place.ask(token)
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
