"""Who broke it? The steps and agents of a failed session that are most likely at fault, with the evidence.

Rules only, no model. They are hints: on labelled sessions they name the right step first in well under half of the
cases, so three are given, and a person decides.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from syndarix_obs_read.analysis.fault_rules import ORCHESTRATED, ROUND_TABLE, Sign
from syndarix_obs_read.analysis.turns import Conversation

CANDIDATES: Final = ("task", "act", "replan")
"""Parts that can be at fault even when no rule fits them."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A step that may be where it went wrong.

    Args:
        step: number of the turn, from 0.
        agent: who took it.
        score: sum of the weights of what speaks against it; only good for comparing steps of one session.
        evidence: the signs, the heaviest first.
    """

    step: int
    agent: str
    score: float
    evidence: tuple[Sign, ...]


def suspects(talk: Conversation, limit: int = 3) -> tuple[Suspect, ...]:
    """The likeliest steps, the likeliest first; of equals the earlier one, because a mistake is built on.

    Empty for a session in which nobody acted.
    """
    found: defaultdict[int, list[Sign]] = defaultdict(list)
    for rule in ORCHESTRATED if talk.orchestrated else ROUND_TABLE:
        for sign in rule(talk):
            found[sign.step].append(sign)
    ranked = [
        Suspect(
            turn.step,
            turn.agent,
            sum(sign.weight for sign in found[turn.step]),
            tuple(sorted(found[turn.step], key=lambda sign: -sign.weight)),
        )
        for turn in talk.turns
        if turn.part in CANDIDATES or found[turn.step]
    ]
    return tuple(sorted(ranked, key=lambda suspect: (-suspect.score, suspect.step))[:limit])
