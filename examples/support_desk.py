"""The demo: a support desk of three agents, recorded and looked at. `make demo` runs this.

    python examples/support_desk.py --sessions 50 --seed 7

The desk itself is `mcp_server/syndarix_obs_read/demo/`; it runs through the real openai and anthropic clients
against a provider on loopback, so it needs no key and no network. SYNDARIX_OBS_HOME says where records go.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from syndarix_obs import Settings, SyndarixObsError
from syndarix_obs_read.demo import DemoReport, run
from syndarix_obs_read.demo.tour import show
from syndarix_obs_read.errors import ReadError


def main() -> int:
    """Run and show; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sessions", type=int, default=50, help="contacts with the desk")
    parser.add_argument("--seed", type=int, default=7, help="the same seed makes the same cases")
    arguments = parser.parse_args()
    try:
        report = watched_run(Settings().home, arguments.sessions, arguments.seed)
    except (ReadError, SyndarixObsError) as error:
        print(error, file=sys.stderr)
        return 2
    home = os.environ.get("SYNDARIX_OBS_HOME")
    prefix = (f"SYNDARIX_OBS_HOME={home} " if home else "") + str(command())
    return show(report, answer, lambda line: print(line, flush=True), prefix)


def watched_run(home: Path, sessions: int, seed: int) -> DemoReport:
    """The run, with a progress bar."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"{sessions} sessions of the support desk", total=sessions)
        return run(home, sessions, seed, lambda done, _of: progress.update(bar, completed=done))


def command() -> Path:
    """The `syndarix-obs` command beside this Python, relative where that is shorter."""
    path = Path(sys.executable).with_name("syndarix-obs")
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def answer(arguments: list[str]) -> int:
    """Run one command as a person would."""
    return subprocess.run([command(), *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
