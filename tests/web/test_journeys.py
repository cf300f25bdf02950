"""The journeys of web/journeys in Chromium, against a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.web.conftest import Place

from ostinato.server.pages import STATIC

WEB = Path(__file__).parents[2] / "web"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.journey,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (WEB / "node_modules").is_dir() or not (STATIC / "index.html").is_file(), reason="the UI is not built: make web"
    ),
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: make chromium"),
]
SMALL = ("shell", "pages", "frames")
"""Those that need no more than the small store; others go with the demo."""


@pytest.mark.parametrize("journey", SMALL)
def test_a_journey_on_the_small_store(place: Place, journey: str) -> None:
    travel(place, journey)


def travel(place: Place, journey: str) -> None:
    """Run the journeys of one file to their end."""
    env = os.environ | {"OSTINATO_URL": place.url, "OSTINATO_DATA": str(place.data), "CHROMIUM": str(CHROMIUM), "NO_COLOR": "1"}
    command = ["npm", "run", "--silent", "journeys", "--", f"{journey}.journey"]
    done = subprocess.run(command, cwd=WEB, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
