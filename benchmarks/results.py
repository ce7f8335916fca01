"""What every benchmark does with its figures: into a JSON file, with the machine that they were measured on."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "results"


def parser(text: str | None) -> argparse.ArgumentParser:
    """A command line with the option that all benchmarks share."""
    made = argparse.ArgumentParser(description=(text or "").partition("\n")[0])
    made.add_argument("--json", type=Path, help="write the figures to this file, for report.py")
    return made


def save(path: Path | None, figures: Any) -> None:
    """Write the figures, when a file was asked for."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n", encoding="utf-8")


def load(name: str) -> dict[str, Any] | None:
    """What the benchmark of this name wrote last; None when it has not run."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def in_child(script: str, *arguments: str) -> dict[str, Any]:
    """The figures that a fresh process of `script --child …` prints as JSON on its last line."""
    command = [sys.executable, script, "--child", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def machine() -> dict[str, Any]:
    """What a reader needs to judge absolute figures."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share (0 to 1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def resident_mb() -> float:
    """Resident memory of this process in MB (10^6 bytes)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def base_of(subjects: dict[str, dict[str, float]]) -> str:
    """What the others are compared with: the bare span, or the official instrumentor where nothing can be wrapped."""
    return "bare" if "bare" in subjects else "official"
