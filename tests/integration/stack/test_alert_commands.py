"""`syndarix-obs` trigger, alerts and silence as a person runs them, against a real Alertmanager."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alert_sinks import HOST, poll
from needed_servers import require

from syndarix_obs_stack.launcher import running_stack
from syndarix_obs_stack.options import Options

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

LABEL = 'agent=sup"port}'
STUCK = ("Stuck", "the agent hangs", "--label", LABEL)
LABELS = {"alertname": "Stuck", "severity": "warning", "agent": 'sup"port}'}


@dataclass(frozen=True)
class Said:
    """How a command ended, and what a person read."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Desk:
    """A person at a terminal, with an Alertmanager of their own."""

    url: str
    home: Path

    def runs(self, *arguments: str, answer: str | None = None, **environment: str) -> Said:
        """Run a command; `answer` is typed at its question, without one nobody is at the keyboard."""
        given = {"SYNDARIX_OBS_BACKEND": "stack", "SYNDARIX_OBS_HOME": str(self.home),
                 "SYNDARIX_OBS_READ_ALERTMANAGER_URL": self.url, **environment}  # fmt: skip
        with _keyboard(answer) as keyboard:
            done = subprocess.run(
                [Path(sys.executable).parent / "syndarix-obs", *arguments], stdin=keyboard, capture_output=True,
                text=True, env={**os.environ, **given}, timeout=60, check=False,
            )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def sees(self, what: str) -> list[dict[str, Any]]:
        """Alerts or silences as Alertmanager has them."""
        with urllib.request.urlopen(f"{self.url}/api/v2/{what}", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def silences(self) -> list[dict[str, Any]]:
        """Those that are in force."""
        return [each for each in self.sees("silences") if each["status"]["state"] == "active"]


@contextlib.contextmanager
def _keyboard(answer: str | None) -> Iterator[int]:
    if answer is None:
        yield subprocess.DEVNULL
        return
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer.encode() + b"\n")
        yield theirs
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.fixture
def desk(make_options: Callable[[dict[str, str], dict[str, str]], Options], tmp_path: Path) -> Iterator[Desk]:
    """An Alertmanager that nobody has told anything."""
    require("alertmanager")
    options = make_options({}, {})
    with running_stack(options, only=("alertmanager",)):
        yield Desk(f"http://{HOST}:{options.ports.alertmanager}", tmp_path)


def test_an_alert_is_raised_listed_silenced_and_resolved_from_the_command_line(desk: Desk) -> None:
    raised = desk.runs("trigger", *STUCK, answer="y")
    question = 'Raise the alert Stuck (warning, agent=sup"port}) for 5m and tell the usual people? [y/N]'
    assert (0, True) == (raised.code, question in raised.err)
    assert raised.out.startswith('raised: agent=sup"port} alertname=Stuck severity=warning until ')
    [alert] = poll(lambda: desk.sees("alerts") or None, 10) or []
    assert (LABELS, {"summary": "the agent hangs"}) == (alert["labels"], alert["annotations"])

    silenced = desk.runs("silence", "--label", LABEL, "--comment", "being mended", answer="y")
    assert 'Silence alerts with agent=sup"port} for 1h? Such alerts fire now: Stuck. [y/N]' in silenced.err
    [silence] = desk.silences()
    assert "being mended" == silence["comment"]
    assert [("agent", 'sup"port}')] == [(each["name"], each["value"]) for each in silence["matchers"]]
    assert f"silence {silence['id']}\nfires now and is quiet: Stuck\n" in silenced.out

    poll(lambda: desk.sees("alerts")[0]["status"]["state"] == "suppressed" or None, 10)
    listed = desk.runs("alerts").out.splitlines()
    assert ["Stuck", "warning", "suppressed"] == listed[1].split()[:3]
    assert [silence["id"], "active"] == listed[4].split()[:2]

    ended = desk.runs("silence", "--end", silence["id"], answer="y")
    assert 'End the silence of agent=sup"port} (by syndarix-obs: being mended)? [y/N]' in ended.err
    assert (f"ended: silence {silence['id']} agent=sup\"port}}\n", []) == (ended.out, desk.silences())

    resolved = desk.runs("trigger", STUCK[0], *STUCK[2:], "--resolve", answer="y")
    assert 'Resolve the alert Stuck (warning, agent=sup"port})? Such alerts fire now: Stuck. [y/N]' in resolved.err
    assert 'resolved: agent=sup"port} alertname=Stuck severity=warning\n' == resolved.out
    assert poll(lambda: desk.sees("alerts") == [] or None, 10)


@pytest.mark.parametrize(
    ("answer", "environment", "code", "words"),
    [
        ("n", {}, 1, "Aborted."),
        (None, {}, 2, "Nobody is there to answer: add --yes"),
        ("y", {"SYNDARIX_OBS_READ_WRITES": "false"}, 1, "SYNDARIX_OBS_READ_WRITES is false"),
    ],
    ids=("no", "nobody there", "switched off"),
)
def test_without_a_yes_nothing_is_changed(
    desk: Desk, answer: str | None, environment: dict[str, str], code: int, words: str
) -> None:
    for command in (("trigger", *STUCK), ("silence", "--label", LABEL, "--comment", "known")):
        said = desk.runs(*command, answer=answer, **environment)
        assert (code, "") == (said.code, said.out)
        assert words in said.err
    assert ([], []) == (desk.sees("alerts"), desk.sees("silences"))


def test_what_does_not_exist_is_said_and_what_alertmanager_refuses_too(desk: Desk) -> None:
    assert 0 == desk.runs("trigger", *STUCK, "--yes").code
    poll(lambda: desk.sees("alerts") or None, 10)
    other = desk.runs("trigger", STUCK[0], "--severity", "critical", "--resolve", "--yes")
    assert 'fires: under this name fires agent=sup"port}, severity=warning' in other.err
    assert 1 == len(desk.sees("alerts"))
    none = desk.runs("silence", "--end", "no-such-id", answer="y")
    assert (1, "syndarix-obs: there is no silence 'no-such-id'; none is in force\n") == (none.code, none.err)
    wrong = desk.runs("trigger", "Stuck", "x", "--label", "a\nb=c", "--yes")
    assert (2, True) == (wrong.code, "Alertmanager does not take this" in wrong.err)
    nobody = desk.runs("silence", "--label", "agent=nobody", "--comment", "x", "--yes")
    assert (0, True) == (nobody.code, "no alert that fires now has all of these labels" in nobody.err)


def test_an_alertmanager_that_is_down_is_named_with_what_to_do(desk: Desk) -> None:
    down = desk.runs("trigger", *STUCK, answer="y", SYNDARIX_OBS_READ_ALERTMANAGER_URL="http://127.0.0.1:1")
    assert (1, "", 1) == (down.code, down.out, len(down.err.splitlines()))
    assert "Alertmanager at http://127.0.0.1:1 cannot be reached" in down.err
    assert "SYNDARIX_OBS_READ_ALERTMANAGER_URL" in down.err
