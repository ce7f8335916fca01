"""What an installation weighs: packages and MB beyond the base, and what importing adds to `import openai`.

    python benchmarks/footprint.py [--rounds 9]

The base is what a program that traces OpenAI calls with plain OpenTelemetry has anyway: `openai`, the OpenTelemetry SDK
and its OTLP exporter (the environment `bare`; `make bench-envs` builds all of them). MB are 10^6 bytes of installed
files without byte code. Import times are of fresh interpreters, in turn, each less `import openai` of the same
environment.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import results
from overhead import ENVIRONMENTS

MODULES = {
    "ours": "syndarix_obs",
    "official": "opentelemetry.instrumentation.genai.openai",
    "openinference": "openinference.instrumentation.openai",
    "traceloop": "opentelemetry.instrumentation.openai",
    "langfuse": "langfuse",
    "logfire": "logfire",
    "openlit": "openlit",
}
"""What a program imports of each."""
BASE = "bare"
SOURCES = ("instrumentation/syndarix_obs", "mcp_server/syndarix_obs_read")
PROGRAM = """
import json, sys
from importlib.metadata import distributions
found = {}
for one in distributions():
    files = [f.locate() for f in one.files or () if not str(f).endswith(".pyc")]
    found[one.metadata["Name"].lower().replace("_", "-")] = sum(f.stat().st_size for f in files if f.is_file())
json.dump(found, sys.stdout)
"""


def installed(environment: str) -> dict[str, int]:
    """Bytes of each distribution of an environment."""
    done = subprocess.run([python(environment), "-c", PROGRAM], check=True, capture_output=True, text=True)
    found: dict[str, int] = json.loads(done.stdout)
    return found


def python(environment: str) -> str:
    """The interpreter of an environment."""
    return str(ENVIRONMENTS / environment / "bin" / "python")


def weight(environment: str, base: dict[str, int]) -> dict[str, Any]:
    """Packages and MB that an environment has beyond the base."""
    added = {name: size for name, size in installed(environment).items() if name not in base}
    return {"packages": len(added), "mb": sum(added.values()) / 1e6, "names": sorted(added)}


def own_mb() -> dict[str, float]:
    """MB of our own two packages, byte code left out."""
    root = Path(__file__).resolve().parents[1]
    found = {}
    for source in SOURCES:
        files = (p for p in (root / source).rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        found[Path(source).name] = sum(path.stat().st_size for path in files) / 1e6
    return found


def seconds(interpreter: str, code: str) -> float:
    """Wall time of one fresh interpreter that runs the code."""
    start = time.perf_counter()
    subprocess.run([interpreter, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start


def import_ms(subjects: dict[str, str], rounds: int) -> dict[str, dict[str, float]]:
    """Median milliseconds: `alone` less an empty program, `added` behind `import openai` less that import."""
    programs = {"empty": "", "openai": "import openai"}
    taken: dict[str, dict[str, list[float]]] = {}
    for number in range(rounds + 1):
        for subject, module in subjects.items():
            for name, code in {**programs, "alone": f"import {module}", "both": f"import openai, {module}"}.items():
                value = seconds(python(subject), code)
                if number:  # the first round compiles byte code
                    taken.setdefault(subject, {}).setdefault(name, []).append(value * 1e3)
    medians = {s: {name: statistics.median(v) for name, v in times.items()} for s, times in taken.items()}
    return {
        s: {"alone": m["alone"] - m["empty"], "added": m["both"] - m["openai"], "openai": m["openai"] - m["empty"]}
        for s, m in medians.items()
    }


def main() -> None:
    """Measure and print."""
    options = results.parser(__doc__)
    options.add_argument("--rounds", type=int, default=9)
    chosen = options.parse_args()
    there = {name: module for name, module in MODULES.items() if (ENVIRONMENTS / name / "bin" / "python").exists()}
    missing = sorted(MODULES.keys() - there.keys())
    if missing or not (ENVIRONMENTS / BASE).exists():
        print(f"no environment for {', '.join(missing) or BASE}: run `make bench-envs`", file=sys.stderr)
    base = installed(BASE)
    found: dict[str, Any] = {"own_mb": own_mb(), "environments": {name: weight(name, base) for name in there}}
    found["import_ms"] = import_ms(there, chosen.rounds)
    for name in there:
        one, times = found["environments"][name], found["import_ms"][name]
        print(f"{name:14} {one['packages']:3} packages, {one['mb']:6.1f} MB beyond the base; import alone "
              f"{times['alone']:5.0f} ms, added to openai's {times['added']:5.0f} ms")  # fmt: skip
    print("our own packages, MB:", found["own_mb"])
    results.save(chosen.json, found)


if __name__ == "__main__":
    main()
