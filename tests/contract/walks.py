"""Which files a thing passes on its way: counts the project's own files whose functions run, in all threads.

    python tests/contract/walks.py call-to-row | call-to-line | question | trace
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OURS = (f"{ROOT}/instrumentation/", f"{ROOT}/mcp_server/")


class Walk:
    """Collects files and functions of ours that are entered while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.functions: set[tuple[str, str]] = set()

    def __call__(self, frame: Any, event: str, _argument: Any) -> None:
        """The interpreter's profile hook."""
        if self.on and event == "call":
            file = frame.f_code.co_filename
            if file.startswith(OURS):
                self.functions.add((file.removeprefix(f"{ROOT}/"), frame.f_code.co_qualname))

    def report(self) -> dict[str, Any]:
        """Files in order of name, and how many functions were entered."""
        return {"files": sorted({file for file, _ in self.functions}), "functions": len(self.functions)}


def record(walk: Walk, home: str, **settings: Any) -> None:
    """Record one model call while the walk is on; the platform is warm by then."""
    from syndarix_obs import ObservabilityPlatform, Settings

    obs = ObservabilityPlatform(Settings(home=Path(home), metrics_port=0, set_global=False, **settings))
    for on in (False, True):
        walk.on = on
        with obs.llm(provider="openai", model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}]) as call:
            call.response(
                messages=[{"role": "assistant", "content": "hello"}], usage={"input_tokens": 3, "output_tokens": 2}
            )
        obs.flush(10)
    walk.on = False
    obs.shutdown()


def ask(walk: Walk, home: str, *question: str) -> None:
    """Answer a question on the command line while the walk is on; what is imported was imported before."""
    from syndarix_obs_read.cli.run import run

    for on in (False, True):
        walk.on = on
        run([*question, "--home", home, "--json"])
    walk.on = False


def newest(home: str) -> str:
    """The id of the newest trace."""
    with sqlite3.connect(Path(home) / "store.sqlite3") as store:
        found: str = store.execute("SELECT trace_id FROM records ORDER BY id DESC LIMIT 1").fetchone()[0]
    return found


def main(name: str) -> None:
    """Take one walk and print what it passed."""
    walk = Walk()
    threading.setprofile(walk)
    sys.setprofile(walk)
    with tempfile.TemporaryDirectory() as home:
        if name == "call-to-row":
            record(walk, home, backend="embedded")
        elif name == "call-to-line":
            record(walk, home, backend="stack", loki_url="http://127.0.0.1:9", otlp_endpoint="http://127.0.0.1:9")
        else:
            record(Walk(), home, backend="embedded")
            ask(walk, home, *(("costs",) if name == "question" else ("trace", newest(home))))
    sys.setprofile(None)
    sys.stderr.write(json.dumps(walk.report(), indent=1))


def taken(name: str) -> dict[str, Any]:
    """The report of a walk that a process of its own took."""
    done = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(done.stderr[done.stderr.index("{") :])
    return found


if __name__ == "__main__":
    main(sys.argv[1])
