"""Why something ended as it did: the short chain of steps that led there, equal ones in a row as one line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.explain import Explanation, ExplanationStep
from syndarix_obs_read.web.html import Child, Html, el
from syndarix_obs_read.web.parts import common

_LOOP: Final = re.compile(r"loop, \d+ equal calls; ")


def draw(
    found: Explanation, link: Callable[[str], str], *, beside: bool = False, aside: Child = None, failed: bool = False
) -> Html:
    """The explanation.

    Args:
        link: address of a step by its span id.
        beside: whether the step is shown beside it on this page, so that the script opens it there.
        aside: beside the heading.
        failed: whether it ended badly though its own status does not say so.
    """
    every = el(
        "details",
        el("summary", f"every step that led to it ({len(found.steps)})"),
        el("ol", (_link(each, 1, each, link, beside=beside) for each in found.steps), cls="chain"),
        common.hints(found),
    )
    chain = el("ol", (_link(first, times, last, link, beside=beside) for first, times, last in _runs(found.chain)),
               cls="chain")  # fmt: skip
    tone = "is-error" if failed or found.status == v.STATUS_ERROR else "is-ok"
    outcome = el("p", found.outcome, cls="outcome")
    return common.section("Why it ended so", outcome, chain, every, aside=aside, cls=f"why {tone}")


def _runs(chain: Sequence[ExplanationStep]) -> Iterator[tuple[ExplanationStep, int, ExplanationStep]]:
    """The first and the last of steps in a row that say the same, and how many they are; the count of a loop
    (`loop, 4 equal calls`) makes no difference."""
    for _, same in groupby(chain, lambda each: (each.role, each.title, _LOOP.sub("", each.text))):
        group = list(same)
        yield group[0], len(group), group[-1]


def _link(
    step: ExplanationStep, times: int, last: ExplanationStep, link: Callable[[str], str], *, beside: bool
) -> Html:
    until = el("span", f" until +{f.duration(last.offset_ms)}", cls="dim num") if times > 1 else None
    return el(
        "li",
        el("span", f"+{f.duration(step.offset_ms)}", cls="num dim"),
        el("span", step.role, cls=f"role is-{step.role if step.role in {'error', 'loop', 'outcome'} else 'other'}"),
        el("span",
           el("a", step.title or step.span_id, href=link(step.span_id), data_step=step.span_id if beside else None),
           (" ", el("span", f"×{times}", cls="mark is-warning")) if times > 1 else None, until,
           " ", step.text if step.text != step.title else None, cls="said"),
    )  # fmt: skip
