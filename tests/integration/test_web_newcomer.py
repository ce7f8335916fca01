"""The five tasks of a newcomer, on the demo: each is done by at most three real clicks from the overview."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import browser_pilot
import newcomer
import pytest
from browser_pilot import Pilot
from newcomer import TASKS, Task

from syndarix_obs_demo import run
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.server import Serving

pytestmark = pytest.mark.slow
pytest.importorskip("openai", reason="the demo asks through the real openai client (extra `instrument`)")
pytest.importorskip("anthropic", reason="the demo asks through the real anthropic client (extra `instrument`)")


@pytest.fixture(scope="module")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of an explorer over the demo."""
    home = tmp_path_factory.mktemp("demo") / "home"
    run(home, 16, 7)
    serving = Serving(ReadSettings(home=home, backend="embedded"), Address("127.0.0.1", 0, None))
    threading.Thread(target=serving.run, daemon=True).start()
    return serving.url


@pytest.fixture(scope="module")
def pilot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pilot]:
    """A browser."""
    name = browser_pilot.installed()
    if name is None:
        pytest.skip(f"none of {', '.join(browser_pilot.NAMES)} is on the PATH")
    with browser_pilot.flying(name, tmp_path_factory.mktemp("profile") / "p") as found:
        found.width(1280)
        yield found


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.question)
def test_a_newcomer_finds_the_answer_by_three_clicks_at_most(task: Task, pilot: Pilot, explorer: str) -> None:
    pilot.complaints.clear()
    pilot.go(explorer)
    for click in task.clicks:
        newcomer.click(pilot, click)

    assert len(task.clicks) <= newcomer.MOST_CLICKS
    assert [] == pilot.complaints


def test_the_guide_names_each_task_and_shows_its_picture() -> None:
    docs = Path(__file__).parents[2] / "docs"
    guide = (docs / "guides" / "explorer.md").read_text("utf-8")

    assert [] == [task.question for task in TASKS if f"## {task.question}" not in guide]
    assert [] == [task.name for task in TASKS if f"(../pictures/newcomer-{task.name}.webp)" not in guide]
    assert [] == [task.name for task in TASKS if not (docs / "pictures" / f"newcomer-{task.name}.webp").is_file()]
