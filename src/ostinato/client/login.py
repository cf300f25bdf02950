"""Login: getting a token for a program's user, and storing it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ostinato.access.types import DeviceAnswer, DeviceGrant, IssuedToken
from ostinato.client.connection import Connection
from ostinato.kernel.errors import Denied, Invalid, Unavailable

T = TypeVar("T")


def device_login(
    url: str, name: str, tell: Callable[[DeviceGrant], None], wait: Callable[[float], None] = time.sleep, *, ca_file: str = ""
) -> str:
    """Get a token for the program `name`, once its user has agreed in a browser; `tell` shows them where.

    Raises:
        Denied: they refused.
        Unavailable: they did not answer within ten minutes.
    """
    link = Connection(url, "", "default", ca_file=ca_file)
    grant = _post(link, "device", {"name": name}, DeviceGrant)
    tell(grant)
    limit, interval_s = time.monotonic() + grant.expires_in, float(grant.interval)
    while time.monotonic() < limit:
        wait(interval_s)
        answer = _post(link, "device/token", {"device_code": grant.device_code}, DeviceAnswer)
        if answer.issued is not None:
            return answer.issued.secret
        if answer.state == "refused":
            raise Denied("the sign-in was refused in the browser", hint="start `ostinato login` again")
        if answer.state == "expired":
            break
        interval_s += 5.0 * (answer.state == "slow_down")
    raise Unavailable("nobody agreed in time", hint="start `ostinato login` again")


def redeem_code(url: str, code: str, password: str | None = None, name: str = "", *, ca_file: str = "") -> str:
    """Get a token by a one-time code; with `password`, set that password.

    Raises:
        Unauthenticated: the code is unknown, used or older than ten minutes.
    """
    given = {"code": code, "name": name} | ({"password": password} if password is not None else {})
    return _post(Connection(url, "", "default", ca_file=ca_file), "sign-in/token", given, IssuedToken).secret


def saved_token(url: str) -> str:
    """The saved token of a server, or the empty string."""
    return _saved_tokens().get(url.rstrip("/"), "")


def save_token(url: str, token: str) -> Path:
    """Store a token for later commands, readable by its owner alone; returns where."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}-{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({**_saved_tokens(), url.rstrip("/"): token}, file, indent=1)
    fresh.replace(path)
    return path


def _post(link: Connection, path: str, given: dict[str, Any], kind: type[T]) -> T:
    reply = link.call("POST", f"/api/v1/{path}", msgspec.msgpack.encode(given), "application/msgpack")
    return msgspec.msgpack.decode(reply.content, type=kind)


def _path() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "ostinato" / "tokens.json"


def _saved_tokens() -> dict[str, str]:
    try:
        found = json.loads(_path().read_text())
        return {str(url): str(token) for url, token in found.items()}
    except (OSError, RuntimeError):
        return {}
    except (ValueError, AttributeError):
        raise Invalid(f"{_path()} is damaged", hint="delete it and run `ostinato login` again") from None
