"""The one-time sign-in of the administrator of a new store."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ostinato.app import Ostinato
from ostinato.kernel.errors import OstinatoError

ADMIN = "person:admin"
FILE = "server.sign-in"


def first_sign_in_notice(app: Ostinato, url: str) -> str:
    """The notice at the first start: the address at which the administrator signs in, once, within ten minutes.

    The address itself is for a terminal; where the output goes to a log, it stands in a file for its owner alone. Later,
    `ostinato sign-in` makes another.
    """
    path = app.settings.data / FILE
    path.unlink(missing_ok=True)
    if not app.access.is_untouched():
        return ""
    try:
        address = url + app.access.issue_code(ADMIN).path
    except OstinatoError:  # an administrator of another name has taken over; they know how to sign in
        return ""
    if sys.stdout.isatty():
        return f"Sign in as the administrator, once, within ten minutes, by ostinato login --code or at {address}"
    _write_address(path, address)
    return f"Nobody has signed in yet; an address that signs the administrator in, once, within ten minutes, stands in {path}"


def _write_address(path: Path, address: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(address + "\n")
