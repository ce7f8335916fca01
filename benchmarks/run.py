"""Every benchmark in turn, each into `results/`, then the tables of docs/performance.md.

    python benchmarks/run.py [--only burst kill …] [--quick]

Run it on a quiet machine: nothing else should use the cores. `--quick` tries every script with few calls; its figures
are worth nothing and go to a temporary folder. A benchmark that fails is named at the end, and the others run all the
same.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import results

HERE = Path(__file__).resolve().parent
EVERY_CASE = ("plain-2k", "plain-200k", "stream-2k", "async-2k", "threads-2k")
# Name: arguments, and arguments of a quick try.
BENCHMARKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "overhead": (("--all", "--cases", *EVERY_CASE), ("--rounds", "1", "--calls", "80", "--cases", "plain-2k")),
    "spans": ((), ("--rounds", "1", "--spans", "200")),
    "burst": ((), ("--rounds", "1", "--calls", "1000")),
    "kill": ((), ("--times", "1")),
    "latency": ((), ("--calls", "40")),
    "memory": ((), ("--calls", "1000", "--burst", "1000")),
    "footprint": ((), ("--rounds", "1")),
    "redaction": ((), ("--seconds", "0.05")),
    "store": ((), ("--calls", "1000", "--lines", "2000")),
    "read_embedded": ((), ("--small", "200", "--large", "100", "--times", "1")),
    "mcp_budget": (("--spans", "1000000"), ("--spans", "2000", "--large", "4")),
    "read_stack": ((), ("--traces", "500", "--rounds", "1")),
}


def run(name: str, folder: Path, quick: bool) -> bool:
    """Run one script; True when it succeeded."""
    arguments = BENCHMARKS[name][quick]
    began = time.monotonic()
    print(f"--- {name} {' '.join(arguments)}", flush=True)
    command = [sys.executable, str(HERE / f"{name}.py"), *arguments, "--json", str(folder / f"{name}.json")]
    done = subprocess.run(command, check=False)
    print(f"--- {name}: {time.monotonic() - began:.0f} s", flush=True)
    return done.returncode == 0


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="*", choices=list(BENCHMARKS), default=list(BENCHMARKS))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if options.quick else results.FOLDER
        failed = [name for name in options.only if not run(name, folder, options.quick)]
    if not options.quick:
        subprocess.run([sys.executable, str(HERE / "report.py")], check=True)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
