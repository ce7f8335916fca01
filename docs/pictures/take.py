"""Takes the pictures of the boards in this folder by a real Chromium, from a real Grafana with data in it.

python docs/pictures/take.py --office 25    servers of its own, the demo and the office of the tests for 25 minutes
python docs/pictures/take.py                from the Grafana that runs (make native-up), after the demo or your agents
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / folder) for folder in ("tests/support", "tests/integration/stack", "grafana")]

from browser_pilot import flying, installed
from grafana_pages import TALL, Grafana, panels, picture, size

import queries
from syndarix_obs_stack.options import Options

WIDTH = 1440
SHOWN = (
    "overview-light", "overview-dark", "llm-performance-light", "cost-analysis-light", "agent-behaviour-light",
    "tool-usage-dark", "errors-alerts-light",
)  # fmt: skip
"""What README and docs/dashboards.md show."""


def main() -> int:
    """Open every board and save what it shows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, help="folder (default: this one)")
    parser.add_argument("--all", action="store_true", help="every board in both themes, not only those of the pages")
    parser.add_argument("--since", default="now-30m", help="beginning of the time range (default: %(default)s)")
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--format", choices=("webp", "png", "jpeg"), default="webp")
    parser.add_argument("--office", type=float, metavar="MINUTES", help="start servers, demo and office, and wait")
    given = parser.parse_args()
    if installed() is None:
        sys.stderr.write("There is no Chromium on the PATH.\n")
        return 1
    if given.office is None:
        _take(Options.from_root(ROOT), given)
        return 0
    with _office(given.office) as options:
        _take(options, given)
    return 0


def _take(options: Options, given: argparse.Namespace) -> None:
    password = (options.secrets / "grafana_admin_password").read_text("utf-8")
    grafana = Grafana(options.ports.grafana, password)
    every = [f"{uid}-{theme}" for uid in queries.boards() for theme in ("light", "dark")]
    with tempfile.TemporaryDirectory() as folder, flying(installed() or "", Path(folder)) as pilot:
        grafana.enter(pilot)
        for name in every if given.all else SHOWN:
            uid, _, theme = name.rpartition("-")
            size(pilot, given.width, TALL)
            seconds = grafana.open(pilot, uid, theme, frame=False, **{"from": given.since, "to": "now"})
            file = given.to / f"{name}.{given.format}"
            picture(pilot, file, max(each.bottom for each in panels(pilot)) + 8)
            sys.stdout.write(f"{file.name}: {seconds:.1f} s, {file.stat().st_size // 1024} KB\n")


@contextmanager
def _office(minutes: float) -> Iterator[Options]:
    """Servers of its own after the demo, and beside agents at work for so long."""
    import office
    from alert_sinks import free_ports
    from needed_servers import scrape

    from syndarix_obs_stack.launcher import running_stack

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "secrets").mkdir()
        options = replace(Options.from_root(ROOT), data=folder / "data", secrets=folder / "secrets")
        of_demo, of_office = free_ports(2)
        with running_stack(options, only=("prometheus", "loki", "tempo", "grafana")):
            scrape(options, of_demo, of_office)
            office.demo(options, of_demo, sessions=30)
            with office.at_work(options, of_office):
                time.sleep(minutes * 60)
                yield options


if __name__ == "__main__":
    sys.exit(main())
