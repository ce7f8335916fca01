"""Stories that the demo can tell. `regression`: a worse prompt is deployed, and the answers get long, slow and poor.

The day before is as always. Three hours ago a new handbook was deployed to the support agent, which it makes thorough.
Answers take three times as long and six times as many tokens, and customers are less content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from syndarix_obs_demo.cases import Case
from syndarix_obs_demo.provider.model import Reply

HOUR_S: Final = 3_600
BEFORE_S: Final = 26 * HOUR_S
"""How long the ordinary time before the deployment is: more than the day that a learned baseline needs."""
SINCE_S: Final = 3 * HOUR_S
"""How long ago the worse prompt was deployed."""
LEAST_SESSIONS: Final = 40
"""With fewer there is nothing to compare."""
USUAL_SEED: Final = 7
USUAL_SESSIONS: Final = {"ordinary": 20, "regression": 240}
"""How many sessions each story needs: an episode needs some twenty calls an hour, before and after alike."""
_ORDINARY_SHARE: Final = BEFORE_S / (BEFORE_S + SINCE_S)
_SLOWER: Final = 3.0
_WORDIER: Final = 6

THOROUGH: Final = (
    "\nBe thorough. Restate the question, explain every rule that may apply, list all alternatives, apologise, and only"
    "\nthen answer. Ask for confirmation before each step."
)
"""What was added to the handbook."""


class Scenario(StrEnum):
    """Which story is told."""

    ORDINARY = "ordinary"
    REGRESSION = "regression"


@dataclass(slots=True)
class Release:
    """What is deployed: the handbook of the support agent, and how that makes it answer."""

    worse: bool = False

    def handbook(self, text: str) -> str:
        """The handbook as deployed."""
        return text + THOROUGH if self.worse else text

    def reply(self, reply: Reply) -> Reply:
        """What the model says under this handbook."""
        if not self.worse or reply.status != 200:
            return reply
        return Reply(
            " ".join([reply.text] * _WORDIER), reply.tool_calls, reply.seconds * _SLOWER, reply.reasoning_tokens
        )

    def stars(self, usual: int) -> int:
        """How many stars a customer gives who would usually give so many."""
        return max(1, usual - 3) if self.worse else usual


def ordinary_count(cases: Sequence[Case]) -> int:
    """How many of the contacts come before the deployment."""
    return round(len(cases) * _ORDINARY_SHARE)


def seconds_ago(cases: Sequence[Case], number: int, last_s: float) -> float:
    """When a contact of the regression came, in seconds before now."""
    before = ordinary_count(cases)
    if number < before:
        return SINCE_S + BEFORE_S * (1 - number / before)
    return last_s + (SINCE_S - 2 * last_s) * (1 - (number - before) / (len(cases) - before))
