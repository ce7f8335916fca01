"""The examples run as they stand, without network, and leave what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from syndarix_obs.store.database import open_for_read

ROOT = Path(__file__).resolve().parents[2]


def run(example: str, home: Path) -> str:
    """Output of one example in a process of its own, which must not warn."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / example)],
        env={**os.environ, "SYNDARIX_OBS_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ("", 0) == (done.stderr, done.returncode)
    return done.stdout


def kinds(home: Path) -> list[str]:
    connection = open_for_read(home / "store.sqlite3")
    try:
        return sorted(row[0] for row in connection.execute("SELECT kind FROM records"))
    finally:
        connection.close()


def test_the_quick_start_records_every_step_it_shows(tmp_path: Path) -> None:
    output = run("quickstart.py", tmp_path)

    assert str(tmp_path / "store.sqlite3") in output
    wanted = ["context", "decision", "llm_call", "memory", "safety", "session", "task", "tool_call"]
    assert wanted == kinds(tmp_path)


def test_a_program_with_its_own_provider_keeps_it_and_is_recorded_too(tmp_path: Path) -> None:
    output = run("existing_opentelemetry.py", tmp_path)

    assert "Exported as before: ['chat gpt-4o-mini']" in output
    assert ["llm_call", "session"] == kinds(tmp_path)


def test_the_address_in_the_quick_start_does_not_reach_the_store(tmp_path: Path) -> None:
    run("quickstart.py", tmp_path)

    raw = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"ada.winter@example.com" not in raw
