"""Takes the pictures of the explorer in this folder: it runs the demo, serves it, and looks at it with a real Chromium.

    .venv/bin/python docs/pictures/explorer.py        (or: make pictures)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import newcomer
from browser_pilot import Pilot, flying, installed
from grafana_pages import picture, size

from syndarix_obs_demo import run
from syndarix_obs_demo.alarm import look
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.server import Serving

WIDTH, TALLEST = 1280, 900
SESSIONS, SEED = 50, 7
_WITHOUT_BARS = "for (const each of document.querySelectorAll('html, .side')) each.style.scrollbarWidth = 'none'"


def main() -> int:
    """Run the demo and save what the pages of its failed session show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, help="folder (default: this one)")
    to = parser.parse_args().to
    to.mkdir(parents=True, exist_ok=True)
    browser = installed()
    if browser is None:
        sys.stderr.write("There is no Chromium on the PATH.\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        report = run(home, SESSIONS, SEED)
        look(home)
        serving = Serving(ReadSettings(home=home, backend="embedded"), Address("127.0.0.1", 0, None))
        threading.Thread(target=serving.run, daemon=True).start()
        trace = f"trace?id={report.trace_id}"
        with flying(browser, Path(folder) / "profile") as pilot:
            _take(pilot, serving.url + trace, "light", to / "explorer-light.webp")
            _take(pilot, serving.url + trace, "dark", to / "explorer-dark.webp")
            _take(pilot, serving.url + "costs?since=7d", "light", to / "costs-light.webp")
            for task in newcomer.TASKS:
                _walk(pilot, serving.url, task, to / f"newcomer-{task.name}.webp")
    return 0


def _walk(pilot: Pilot, overview: str, task: newcomer.Task, file: Path) -> None:
    """Click to the answer of a task, and save what the page says there."""
    size(pilot, WIDTH, TALLEST)
    pilot.scheme("light")
    pilot.go(overview)
    for click in task.clicks[: task.picture]:
        newcomer.click(pilot, click)
    pilot.js(_WITHOUT_BARS)
    top = pilot.js(f"document.querySelector({task.top!r}).getBoundingClientRect().top + scrollY") if task.top else 0
    height = min(pilot.js("document.documentElement.scrollHeight") - top, task.height)
    size(pilot, WIDTH, height)
    pilot.js(f"scrollTo(0, {top})")
    picture(pilot, file, height, top)
    sys.stdout.write(f"{file.name}: {file.stat().st_size // 1024} KB\n")


def _take(pilot: Pilot, url: str, scheme: str, file: Path) -> None:
    size(pilot, WIDTH, TALLEST)
    pilot.scheme(scheme)
    pilot.go(url)
    pilot.js(_WITHOUT_BARS)
    height = min(pilot.js("document.documentElement.scrollHeight"), TALLEST)
    picture(pilot, file, height)
    sys.stdout.write(f"{file.name}: {file.stat().st_size // 1024} KB\n")


if __name__ == "__main__":
    sys.exit(main())
