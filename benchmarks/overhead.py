"""What observing one LLM call costs, beside a bare OpenTelemetry span and other libraries, interleaved in one run.

    python benchmarks/overhead.py                 # our own API and auto_instrument against the bare span
    python benchmarks/overhead.py --all           # and against every library that has an environment
    python benchmarks/overhead.py --check FILE    # short form: fail when a ratio is 25% above the recorded one
    python benchmarks/overhead.py --record FILE   # short form: write the ratios down

Every subject runs in a process of its own; rounds go through all subjects in turn, so that a slow moment of the
machine hits everybody. Figures are medians over the rounds; what is compared are ratios to the bare span of the run.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import results
import short
from local_sink import LocalSink

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE / ".envs"
OURS = ("bare", "bare-content", "ours-api-stack", "ours-api-embedded", "ours-auto-stack", "ours-auto-embedded")
OTHERS = ("official", "langfuse", "openinference", "traceloop", "openlit", "logfire")
CASES = {"plain-2k": (2_000, "plain"), "plain-200k": (200_000, "plain"), "stream-2k": (2_000, "stream"),
         "async-2k": (2_000, "async"), "threads-2k": (2_000, "threads")}  # fmt: skip


def python_of(subject: str) -> str:
    """The interpreter of a subject's environment."""
    return sys.executable if subject in OURS else str(ENVIRONMENTS / subject / "bin" / "python")


def measure(subject: str, sink: str, size: int, calls: int, kind: str) -> dict[str, Any] | None:
    """One process; None, with the reason on stderr, when it failed."""
    command = [python_of(subject), str(HERE / "measure.py"), subject, sink, str(size), str(calls), kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode or not done.stdout:
        print(f"{subject} {kind} {size}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index('{"subject"') :])
    return found


def run_case(subjects: list[str], sink: str, case: str, calls: int, rounds: int) -> dict[str, dict[str, float]]:
    """Median added microseconds per subject and clock."""
    size, kind = CASES[case]
    added: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(rounds):
        for subject in subjects:
            found = measure(subject, sink, size, calls, kind)
            if found is not None:
                for clock, value in found["with"].items():
                    added[subject][clock].append(value - found["without"][clock])
    return {s: {clock: statistics.median(v) for clock, v in clocks.items()} for s, clocks in added.items()}


WRAPPERS = ("bare", "bare-content", "ours-api-stack", "ours-api-embedded")
"""Subjects that put something around a plain call; what runs inside an event loop is not theirs to wrap."""


def table(case: str, figures: dict[str, dict[str, float]]) -> str:
    """Markdown: added time per call and its ratio to the bare span of the same run."""
    to = results.base_of(figures)
    base = figures.get(to, {"caller": float("nan"), "process": float("nan")})
    lines = [f"### {case}", "", f"| subject | caller µs | × {to} | process µs | × {to} | wall µs |",
             "|---|---:|---:|---:|---:|---:|"]  # fmt: skip
    for subject, clocks in figures.items():
        lines.append(
            f"| {subject} | {clocks['caller']:.0f} | {clocks['caller'] / base['caller']:.2f} "
            f"| {clocks['process']:.0f} | {clocks['process'] / base['process']:.2f} | {clocks['wall']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """See the module's text."""
    parser = results.parser(__doc__)
    parser.add_argument("--all", action="store_true", help="compare with every library that has an environment")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--cases", nargs="*", default=["plain-2k", "plain-200k"], choices=list(CASES))
    parser.add_argument("--subjects", nargs="*")
    parser.add_argument("--record", type=Path, help="write the short form's ratios to this file")
    parser.add_argument("--check", type=Path, help="compare the short form's ratios with this file")
    options = parser.parse_args()
    if options.record or options.check:
        short.record(options.record) if options.record else short.check(options.check)
        return
    others = [s for s in OTHERS if (ENVIRONMENTS / s / "bin" / "python").exists()] if options.all else []
    subjects = options.subjects or [*OURS, *others]
    found = {}
    with LocalSink() as sink:
        for case in options.cases:
            calls = options.calls if "200k" not in case else max(100, options.calls // 5)
            measured = subjects if CASES[case][1] != "async" else [s for s in subjects if s not in WRAPPERS]
            found[case] = run_case(measured, sink.url, case, calls, options.rounds)
            print(table(case, found[case]), flush=True)
    results.save(options.json, found)


if __name__ == "__main__":
    main()
