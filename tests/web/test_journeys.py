"""The journeys of web/journeys in Chromium, against a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.web.conftest import Place, serving

from ostinato.server.pages import STATIC

WEB = Path(__file__).parents[2] / "web"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
"""Without a window of its own, the same engine takes half the time."""
pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(
        not (WEB / "node_modules").is_dir() or not (STATIC / "index.html").is_file(), reason="the UI is not built: make web"
    ),
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: make chromium"),
]
SMALL = ("shell", "pages", "frames", "keeping", "dialogs", "traces", "breakglass", "registry", "cards")
"""Those that need no more than the small store; all others go through the months of the demo."""


@pytest.mark.slow(3)
@pytest.mark.timeout(900)
def test_the_journeys_on_the_small_store(place: Place) -> None:
    travel(place.url, place.data, SMALL)


@pytest.mark.slow(9)
@pytest.mark.timeout(1800)
def test_the_journeys_through_the_months_of_the_demo(story: Path) -> None:
    """A data engineer, a scientist, a reviewer, an operator and an auditor find in the pages what they look for."""
    journeys = sorted(file.name.removesuffix(".journey.ts") for file in (WEB / "journeys").glob("*.journey.ts"))
    with serving(story) as url:
        travel(url, story, [journey for journey in journeys if journey not in SMALL])


def travel(url: str, data: Path, journeys: Iterable[str]) -> None:
    """Run the journeys of these files to their end, one after another, in one browser."""
    env = os.environ | {"OSTINATO_URL": url, "OSTINATO_DATA": str(data), "CHROMIUM": str(CHROMIUM), "NO_COLOR": "1"}
    command = ["npm", "run", "--silent", "journeys", "--", *(f"{journey}.journey" for journey in journeys)]
    done = subprocess.run(command, cwd=WEB, env=env, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-12000:] + done.stderr[-2000:]
