"""The five tasks of a newcomer in the explorer, as real clicks on the demo: for the test that counts them, and for the
pictures of the guide."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from browser_pilot import Pilot

MOST_CLICKS: Final = 3

_PLACE: Final = """(() => {
  const found = [...document.querySelectorAll(%(selector)s)].find((each) => each.innerText.includes(%(text)s));
  if (!found) return null;
  found.scrollIntoView({block: "center"});
  const box = found.getClientRects()[0];
  const x = box.left + Math.min(box.width / 2, 40), y = box.top + box.height / 2;
  const hit = document.elementFromPoint(x, y);
  return {x, y, free: found === hit || found.contains(hit) || (hit && hit.contains(found))};
})()"""


@dataclass(frozen=True, slots=True)
class Click:
    """One click: on the first element of a selector that holds a text, and what the page must then say."""

    selector: str
    text: str
    says: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A question, the clicks from the overview to its answer, and after which of them its picture is taken."""

    name: str
    question: str
    clicks: tuple[Click, ...]
    picture: int
    height: int = 700
    top: str = ""
    """Selector of what the picture begins with; the top of the page if it is empty."""


NAVIGATION: Final = ".side nav a"
TASKS: Final = (
    Task("why", "Why did this session fail?", (
        Click("tr:has(.mark.is-error) a.row[href^='/session']", "",
              ("Why it ended so", "track_parcel was called 12 times with equal arguments", "CarrierTimeout")),
        Click(".chain li:has(.is-error) a", "track_parcel",
              ("no answer from the service behind track_parcel", "arguments")),
    ), 1, 640),
    Task("yesterday", "What did yesterday cost, and why more than the day before?", (
        Click("a.tile", "yesterday",
              ("than the day before", "What the difference is made of", "number of model calls")),
        Click(".grid a[href^='/session']", "", ("Conversation", "cost")),
    ), 1, 760),
    Task("decided", "What did the agent decide, and why?", (
        Click(NAVIGATION, "Decisions", ("What led to what", "One by one", "confidence")),
        Click(".decisions a", "error_recovery",
              ("hand over to a person", "confidence", "track_parcel gave no answer 12 times")),
    ), 2, 760, "#split"),
    Task("changed", "What changed between these two runs?", (
        Click(NAVIGATION, "Compare", ("Choose a run",)),
        Click("a.row", "", ("Compare", "with")),
        Click("a.row", "", ("Step by step", "the first difference is in step", "duration")),
    ), 3, 700),
    Task("tool", "Which tool hurts?", (
        Click(NAVIGATION, "Tools", ("track_parcel fails most", "the slowest", "Tools over time")),
        Click("a.is-error", "", ("Traces", "triage")),
    ), 1, 760),
)  # fmt: skip


def click(pilot: Pilot, target: Click) -> None:
    """Click where a hand would: on the middle of what is seen; wait until the page says what it must."""
    words = {"selector": json.dumps(target.selector), "text": json.dumps(target.text)}
    pilot.until(f"({_PLACE % words}) !== null")
    place: dict[str, Any] = pilot.js(_PLACE % words)
    assert place["free"], f"{target.selector} {target.text!r} lies under something else"
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        pilot.call("Input.dispatchMouseEvent", type=kind, x=place["x"], y=place["y"], button="left", clickCount=1)
    shown = "document.querySelector('main')?.innerText ?? ''"
    for words_said in target.says:
        pilot.until(f"({shown}).includes({json.dumps(words_said)})", "location.href")
