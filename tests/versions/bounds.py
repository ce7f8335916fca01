"""Runs tests with the lowest and with the newest versions that pyproject.toml allows: `make test-bounds`.

    python tests/versions/bounds.py               both
    python tests/versions/bounds.py lowest        one of the two

Lowest is every requirement of our own at its lower bound, on the lowest Python, with what those need at its newest: uv
resolves it. Newest is what a plain `pip install` takes today, without constraints.txt.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from environments import CHECK, ROOT, Environment
from pythons import interpreter

FOLDER: Final = ROOT / ".venv-bounds"
EXTRAS: Final = ("server", "grpc", "loki-handler", "archive")
"""Without `instrument`, which asks for a newer OpenTelemetry than we do; `make test-clients` tries its versions."""
TOOLS: Final = ("pytest", "pytest-asyncio", "hypothesis", "bpe-openai", "openai", "anthropic", "httpx2")
"""What the tests themselves need, at its newest."""
TESTS: Final = (*CHECK, "tests/unit/mcp", "tests/unit/web", "tests/unit/destinations", "tests/unit/delivery")
"""Besides the inner loop's: what uses the packages of the extras."""
LOWEST_PYTHON: Final = "3.11"


def lowest(python: str) -> Path:
    """The file that pins every requirement of ours at its lower bound."""
    resolver = Environment(FOLDER / "uv", python)
    resolver.install("uv")
    wanted = FOLDER / "lowest.txt"
    command = [
        str(resolver.folder / "bin" / "uv"), "pip", "compile", "--quiet", "--no-config",
        "--resolution", "lowest-direct", "--python-version", LOWEST_PYTHON, "pyproject.toml",
        "--output-file", str(wanted),
        *(word for extra in EXTRAS for word in ("--extra", extra)),
    ]  # fmt: skip
    subprocess.run(command, cwd=ROOT, check=True)
    return wanted


def tested(bound: str, python: str) -> bool:
    """Whether the tests pass at this end of the bounds."""
    pins = ("--requirement", str(lowest(python))) if bound == "lowest" else ("--upgrade",)
    environment = Environment(FOLDER / bound, python)
    environment.install(*pins, "--editable", f".[{','.join(EXTRAS)}]", *TOOLS)
    return environment.test(*TESTS)


def main(bounds: Sequence[str]) -> int:
    """Test these ends of the bounds, or both; returns the exit status."""
    if set(bounds) - {"lowest", "newest"}:
        sys.stderr.write("Say `lowest` or `newest`, or nothing for both.\n")
        return 2
    python = interpreter(LOWEST_PYTHON)
    if python is None:
        sys.stderr.write(f"Python {LOWEST_PYTHON} is missing on this machine, and bounds are tested on it.\n")
        return 2
    results = {bound: tested(bound, python) for bound in (bounds or ("lowest", "newest"))}
    sys.stdout.write("".join(f"{bound}: {'passed' if good else 'FAILED'}\n" for bound, good in results.items()))
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
