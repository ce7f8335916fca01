"""Asks for known weaknesses of every pinned package: `make audit`.

    python release/audit.py [constraints.txt]

Exit 0 when none is known, or when the advisory service cannot be reached, which is said in one line. Exit 1 when some
are known; they are listed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
_LONGEST_S: Final = 300
UNREACHED: Final = "Not audited: the advisory service cannot be reached from here."


def verdict(report: dict[str, Any] | None) -> tuple[int, list[str]]:
    """Exit status and lines for a report of pip-audit, or for None, when it wrote none."""
    packages = report["dependencies"] if report else []
    asked = [package for package in packages if "skip_reason" not in package]
    if not asked:
        return 0, [UNREACHED]
    weak = [(package, found) for package in asked for found in package["vulns"]]
    lines = [
        f"{package['name']} {package['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or 'none'}"
        for package, found in weak
    ]
    left = len(packages) - len(asked)
    lines.append(f"{len(asked)} packages audited, {left} unknown to the service, {len(weak)} known weaknesses.")
    return (1 if weak else 0), lines


def ask(pins: Path) -> dict[str, Any] | None:
    """What pip-audit says about the pinned packages; None when it could not ask."""
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(pins), "--no-deps", "--disable-pip",
        "--format", "json", "--progress-spinner", "off",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_S, check=False)  # noqa: S603 - our own
        found: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return None
    return found


def main(arguments: Sequence[str]) -> int:
    """Ask, and say what was found; returns the exit status."""
    pins = Path(arguments[0]) if arguments else ROOT / "constraints.txt"
    status, lines = verdict(ask(pins))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
