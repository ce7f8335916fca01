"""Every import inside a function of the write side finds its module loaded, once a platform was made."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

WRITE = Path(__file__).resolve().parents[2] / "instrumentation" / "syndarix_obs"

BY_THE_PROGRAM = {
    "anthropic": "auto_instrument(), in the thread that calls it",
    "msvcrt": "Windows has it, at no cost",
    "openai": "auto_instrument(), in the thread that calls it",
    "google.genai": "auto_instrument(), in the thread that calls it",
    "packaging": "auto_instrument() and the doctor, in the thread that calls them",
    "opentelemetry.sdk": "what a span shows to its reader, in the reader's thread; span_processor()",
    "syndarix_obs.logs": "capture_logs()",
    "syndarix_obs.launcher": "the start of a launched program, in its main thread",
    "syndarix_obs.default": "the same, when the program has imported what is watched",
    "syndarix_obs.replaying": "replaying(), in the thread that calls it",
    "syndarix_obs.pricing.elsewhere": "a receiver or an import is made, in the thread that makes it",
    "syndarix_obs.receivers": "the start of a program by Claude's Agent SDK, in the thread that starts it",
    "mcp": "the same, when the program uses it",
    "presidio_analyzer": "the setting `redaction_presidio`, in the thread that makes the platform",
    "syndarix_obs.redaction.presidio": "the same",
    "syndarix_obs.integrations": "auto_instrument(), span_processor() and httpx_hooks(), in the thread that calls them",
}
"""Packages that functions import only in a thread of the program."""

EVERYTHING_ON = """
import json, sys
from syndarix_obs import Settings
from syndarix_obs.pipeline.preload import preload
on = {"pushgateway_url": "http://p", "metrics_port": 1, "prices_file": "p.yaml", "payload_keys": True}
preload(Settings(backend="both", otlp_protocol="grpc", **on))
print(json.dumps(sorted(sys.modules)))
"""


def imported_in_functions() -> Iterator[tuple[str, str]]:
    """File and module of each import that does not run when its file is imported."""
    for path in sorted(WRITE.rglob("*.py")):
        if path.name == "preload.py":
            continue
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.ImportFrom) and node.module:
                    yield path.relative_to(WRITE).as_posix(), node.module
                elif isinstance(node, ast.Import):
                    yield from ((path.relative_to(WRITE).as_posix(), alias.name) for alias in node.names)


def test_what_functions_import_was_imported_when_the_platform_was_made() -> None:
    command = [sys.executable, "-c", EVERYTHING_ON]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    loaded = set(json.loads(ended.stdout))
    assert "sqlite3" in loaded
    wanted = set(imported_in_functions())
    assert wanted
    assert set() == {
        (file, module)
        for file, module in wanted
        if module not in loaded and not any(f"{module}.".startswith(f"{allowed}.") for allowed in BY_THE_PROGRAM)
    }


def test_a_package_that_cannot_be_imported_does_not_keep_the_platform_from_starting(tmp_path: Path) -> None:
    (tmp_path / "grpc.py").write_text("raise RuntimeError('broken')")
    code = """
import sys
from syndarix_obs import ObservabilityPlatform, Settings
obs = ObservabilityPlatform(Settings(backend="both", otlp_protocol="grpc"))
assert "sqlite3" in sys.modules
with obs.tool("t"):
    pass
print("alive")
import os; os._exit(0)
"""
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "SYNDARIX_OBS_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)
    assert (0, "alive") == (ended.returncode, ended.stdout.strip()), ended.stderr


def test_importing_the_package_imports_none_of_what_a_platform_will_need() -> None:
    code = "import json, sys, syndarix_obs; print(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    heavy = {"genai_prices", "google.protobuf", "grpc", "httpx2", "prometheus_client", "requests", "sqlite3"}
    assert set() == heavy & set(json.loads(ended.stdout))
