"""How long the command line takes to answer, beside a bare interpreter and `import rich`.

    python benchmarks/startup.py [--rounds 15] [--json FILE]

Each program runs in turn, round by round, so that a busy moment hits all of them; the best of the rounds counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import results
from syndarix_obs import ObservabilityPlatform, Settings

PYTHON = sys.executable
COMMAND = str(Path(PYTHON).with_name("syndarix-obs"))
GOALS_S = {"--help": 0.15, "--version": 0.15, "costs": 0.30}


def programs(home: str) -> dict[str, list[str]]:
    """What is timed, by name."""
    return {
        "python -c pass": [PYTHON, "-c", "pass"],
        "import rich": [PYTHON, "-c", "import rich"],
        "--help": [COMMAND, "--help"],
        "--version": [COMMAND, "--version"],
        "costs": [COMMAND, "costs", "--home", home],
        "import openai": [PYTHON, "-c", "import openai"],
        "import openai, syndarix_obs": [PYTHON, "-c", "import openai, syndarix_obs"],
    }


def timed(command: Sequence[str]) -> float:
    """Seconds of one run."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ})
    return time.perf_counter() - began


def measure(home: str, rounds: int) -> dict[str, float]:
    """The best of the rounds, by name."""
    named = programs(home)
    best = dict.fromkeys(named, float("inf"))
    for _ in range(rounds):
        for name, command in named.items():
            best[name] = min(best[name], timed(command))
    return best


def draw(figures: Mapping[str, float]) -> str:
    """One line a program: seconds, and how many times `import rich` that is."""
    lines = [f"{'':30} {'seconds':>8} {'x rich':>7}  goal"]
    for name, seconds in figures.items():
        goal = f"{GOALS_S[name]:.2f}" if name in GOALS_S else ""
        lines.append(f"{name:30} {seconds:8.3f} {seconds / figures['import rich']:7.2f}  {goal}")
    added = figures["import openai, syndarix_obs"] - figures["import openai"]
    lines.append(f"syndarix_obs adds {added * 1000:.0f} ms to openai (goal 50)")
    return "\n".join(lines)


def main() -> None:
    """See the module's text."""
    parser = results.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        with ObservabilityPlatform(Settings(home=Path(home), set_global=False, metrics_port=0)) as obs:
            for _ in range(20):
                with obs.llm(provider="openai", model="gpt-4o-mini", messages="hi") as call:
                    call.response("hello", usage={"input_tokens": 3, "output_tokens": 2})
        figures = measure(home, options.rounds)
    print(draw(figures))
    results.save(options.json, figures)


if __name__ == "__main__":
    main()
