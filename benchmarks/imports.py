"""What `import syndarix_obs` costs a process that starts: milliseconds, and which modules take them.

    python benchmarks/imports.py [--rounds 15]

Every round is a fresh interpreter. The figure is the median of `import syndarix_obs` less the median of an empty
program, so that the interpreter's own start does not count; the modules are from `python -X importtime`.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

TARGET_MS = 250


def seconds(code: str) -> float:
    """Wall time of one fresh interpreter that runs the code."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def import_ms(module: str, rounds: int) -> float:
    """Median milliseconds of importing a module, in turn with an empty program."""
    pairs = [(seconds(f"import {module}"), seconds("")) for _ in range(rounds)]
    return 1e3 * (statistics.median(pair[0] for pair in pairs) - statistics.median(pair[1] for pair in pairs))


def heaviest(module: str, count: int) -> list[tuple[float, str]]:
    """The modules with the most time of their own, in milliseconds."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"import {module}"], check=True, capture_output=True, text=True
    )
    lines = [line.removeprefix("import time:").split("|") for line in done.stderr.splitlines() if "|" in line]
    found = [(int(own) / 1e3, name.strip()) for own, _total, name in lines if own.strip().isdigit()]
    return sorted(found, reverse=True)[:count]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    seconds("import syndarix_obs")  # byte code is compiled once, which is not what is measured
    print(f"import syndarix_obs: {import_ms('syndarix_obs', rounds):.0f} ms (aim: under {TARGET_MS} ms)")
    for own, name in heaviest("syndarix_obs", 8):
        print(f"  {own:6.1f} ms  {name}")


if __name__ == "__main__":
    main()
