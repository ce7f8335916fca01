"""What looks like a mistake is said once and recorded as it was given; nothing raises into the agent."""

from __future__ import annotations

import logging

import pytest

from syndarix_obs.spans import decisions
from syndarix_obs.testing import Kit


@pytest.fixture(autouse=True)
def nothing_said_yet() -> None:
    """Each kind of doubt is told once per process."""
    decisions._warned.clear()


@pytest.mark.parametrize(
    ("given", "words"),
    [({"selected": "b", "options": ["a"]}, "not among its options"), ({"confidence": 7}, "not between 0 and 1")],
)
def test_a_doubtful_decision_is_said_once_and_recorded(
    kit: Kit, caplog: pytest.LogCaptureFixture, given: dict[str, object], words: str
) -> None:
    with caplog.at_level(logging.WARNING, "syndarix_obs"):
        for _ in range(2):
            kit.obs.decision("tool_selection", **given)  # type: ignore[arg-type]  # as callers give them
    assert 1 == caplog.text.count(words)
    assert 2 == len(kit.records("decision"))


def test_an_annotation_takes_further_attributes(kit: Kit) -> None:
    kit.obs.annotate("looks good", score=1)
    [note] = kit.records("annotation")
    assert 1 == note.attributes["score"]
