"""celery's prefork workers under `syndarix-obs run`: each task is a session with its call, replaced workers too."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.integration.test_launcher import launch, place, program, stored

__all__ = ["place"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("celery") is None, reason="celery is not installed"),
]

TASKS = """
import os
from celery import Celery
from asking import ask

here = os.path.dirname(__file__)
folders = {name: os.path.join(here, name) for name in ("queue", "control")}
for folder in folders.values():
    os.makedirs(folder, exist_ok=True)
app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": folders["queue"], "data_folder_out": folders["queue"], "control_folder": folders["control"],
}

@app.task
def question(number):
    with open(os.path.join(here, "asked"), "a") as file:
        file.write(f"{number} {os.getpid()} {ask().choices[0].message.content}\\n")
"""
SEND = "from tasks import question\nfor number in range(8):\n    question.delay(number)\n"
WORKER = ("-m", "celery", "-A", "tasks", "worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "error")


def asked(place: Path, at_least: int, worker: subprocess.Popen[str], within_s: float = 60) -> list[str]:
    """What the tasks have written, as soon as there are enough of them."""
    until = time.monotonic() + within_s
    path = place / "asked"
    while time.monotonic() < until and worker.poll() is None:
        lines = path.read_text().splitlines() if path.exists() else []
        if len(lines) >= at_least:
            return lines
        time.sleep(0.1)
    raise AssertionError(f"only {path.read_text() if path.exists() else 'nothing'}; {worker.communicate()}")


@pytest.mark.parametrize("options", [(), ("--max-tasks-per-child", "2")])
def test_each_task_of_prefork_workers_is_a_session_with_its_call(place: Path, options: tuple[str, ...]) -> None:
    program(place, TASKS, "tasks.py")
    program(place, SEND, "send.py")
    subprocess.run([sys.executable, "send.py"], cwd=place, check=True)
    worker = launch(place, sys.executable, *WORKER, *options)
    try:
        lines = asked(place, 8, worker)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)
    assert {*range(8)} == {int(line.split()[0]) for line in lines}
    assert len({line.split()[1] for line in lines}) >= 2
    assert (8, 8) == (stored(place, "llm_call"), stored(place, "session"))
