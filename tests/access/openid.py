"""A real OpenID provider on the loopback, and a browser that goes there and back."""

from __future__ import annotations

import re
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx

FOLDER = Path(__file__).parent / "oidc"
SECRET = "a secret with % and +"
_START_S, _TRIES = 30, 3
_FORM = re.compile(r"<form[^>]*action=\"([^\"]+)\"[^>]*>(.*?)</form>", re.S)
_INPUT = re.compile(r"<input[^>]*>")
_ATTRIBUTE = re.compile(r"(\w+)=\"([^\"]*)\"")


@contextmanager
def provided(port: int, callback: str, keys: Path, kid: str = "first") -> Iterator[str]:
    """The issuer, as long as the block runs."""
    assert (FOLDER / "node_modules").exists(), "make setup installs the provider"
    command = ["node", "provider.js", str(port), kid, callback, str(keys)]
    for _ in range(_TRIES):
        with subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            try:
                assert process.stdout is not None
                if not select.select([process.stdout], [], [], _START_S)[0]:
                    continue  # Node hangs at its start, rarely
                said = process.stdout.readline()
                assert said == b"ready\n", said
                yield f"http://127.0.0.1:{port}"
                return
            finally:
                process.kill()
    raise AssertionError("the provider does not start")


def signed_in(browser: httpx.Client, start: str, login: str, until: str) -> str:
    """The address at which the provider sends the browser back: every form on the way is filled in."""
    response = browser.get(start)
    for _ in range(20):
        while response.is_redirect:
            target = urljoin(str(response.url), response.headers["location"])
            if target.startswith(until):
                return target
            response = browser.get(target)
        form = _FORM.search(response.text)
        assert form, f"no form at {response.url}: {response.text[:500]}"
        fields = {}
        for tag in _INPUT.findall(form[2]):
            attributes = dict(_ATTRIBUTE.findall(tag))
            if name := attributes.get("name"):
                fields[name] = {"login": login, "password": "any"}.get(name, unescape(attributes.get("value", "")))
        response = browser.post(urljoin(str(response.url), unescape(form[1])), data=fields)
    raise AssertionError("the provider asks for ever")
