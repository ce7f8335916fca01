"""Takes the pictures of the boards in this folder from a running Grafana with data in it, by a real Chromium.

make native-up, run the demo or agents for a while, then: .venv/bin/python docs/pictures/take.py
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "support"), str(ROOT / "grafana")]

from browser_pilot import flying, installed
from grafana_pages import TALL, Grafana, panels, picture, size

import queries
from syndarix_obs_stack.options import Options

WIDTH = 1440


def main() -> int:
    """Open every board in each theme and save what it shows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, help="folder (default: this one)")
    parser.add_argument("--board", action="append", help="only this one; may be repeated")
    parser.add_argument("--theme", action="append", choices=("light", "dark"), help="only this one")
    parser.add_argument("--since", default="now-1h", help="beginning of the time range (default: %(default)s)")
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--format", choices=("webp", "png", "jpeg"), default="webp")
    given = parser.parse_args()
    browser = installed()
    if browser is None:
        sys.stderr.write("There is no Chromium on the PATH.\n")
        return 1
    options = Options.from_root(ROOT)
    password = (options.secrets / "grafana_admin_password").read_text("utf-8")
    grafana = Grafana(options.ports.grafana, password)
    with tempfile.TemporaryDirectory() as folder, flying(browser, Path(folder)) as pilot:
        grafana.enter(pilot)
        for uid in given.board or queries.boards():
            for theme in given.theme or ("light", "dark"):
                size(pilot, given.width, TALL)
                seconds = grafana.open(pilot, uid, theme, frame=False, **{"from": given.since, "to": "now"})
                bottom = max(each.bottom for each in panels(pilot)) + 8
                size(pilot, given.width, round(bottom))
                grafana.settle(pilot)
                file = given.to / f"{uid}-{theme}.{given.format}"
                picture(pilot, file, bottom)
                sys.stdout.write(f"{file.name}: {seconds:.1f} s, {file.stat().st_size // 1024} KB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
