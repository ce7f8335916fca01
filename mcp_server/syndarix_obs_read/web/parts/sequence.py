"""A sequence diagram, as SVG that the server draws: lanes for participants, an arrow for each interaction.

Every arrow carries what it stands for as data, so that the drawing can be held to the records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.interactions import Interaction, Participant
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.web.html import Child, Html, el

Link = Callable[[Interaction], str | None]

_LANE: Final = 168
_MARGIN: Final = 84
_HEAD: Final = 44
_ROW: Final = 36
_LETTER: Final = 6.1
"""Width of a letter of the labels, roughly."""
_BACK: Final = frozenset({"returned", "reported", "answered"})
_NAME: Final = 20
_SELF: Final = 34


@dataclass(frozen=True, slots=True)
class _Lanes:
    """Where the participants stand."""

    ids: tuple[str, ...]

    @property
    def width(self) -> int:
        return 2 * _MARGIN + (len(self.ids) - 1) * _LANE

    def x(self, name: str) -> int:
        """The middle of a lane."""
        return _MARGIN + self.ids.index(name) * _LANE


def draw(people: Sequence[Participant], messages: Sequence[Interaction], link: Link = lambda _each: None) -> Html:
    """The diagram.

    Args:
        people: the lanes, from the left.
        messages: the arrows, from above.
        link: where an arrow leads; nowhere for None.
    """
    lanes = _Lanes(tuple(each.id for each in people))
    height = 2 * _HEAD + len(messages) * _ROW + 8
    bottom = height - _HEAD
    inside: list[Child] = [
        (_line(lanes.x(each.id), _HEAD, lanes.x(each.id), bottom, f"lane k-{each.kind}") for each in people),
        _blocks(lanes, messages),
        (_head(each, lanes.x(each.id), 6) for each in people),
        (_arrow(lanes, each, _y(row), link(each)) for row, each in enumerate(messages)),
        (_head(each, lanes.x(each.id), bottom) for each in people),
    ]
    words = f"Sequence diagram: {len(people)} participants, {sum(each.count for each in messages):,} interactions"
    return el(
        "svg", el("title", words), inside, viewBox=f"0 0 {lanes.width} {height}", width=lanes.width, height=height,
        cls="sequence", role="group", aria_label=words,
    )  # fmt: skip


def _y(row: int) -> int:
    """Where the arrow of a row runs; its words stand above it."""
    return _HEAD + row * _ROW + 28


def _head(each: Participant, x: int, y: int) -> Html:
    box = el("rect", x=x - 74, y=y, width=148, height=30, rx=5)
    name = el("text", brief(each.name, _NAME), x=x, y=y + 19, text_anchor="middle")
    return el(
        "g", el("title", f"{each.kind} {each.name}"), box, name, cls=f"who k-{each.kind}", data_participant=each.id
    )


def _blocks(lanes: _Lanes, messages: Sequence[Interaction]) -> Iterator[Html]:
    """A frame around each stretch that came several times."""
    row = 0
    for block, group in groupby(messages, key=lambda each: each.block):
        drawn = list(group)
        if block is not None:
            xs = [lanes.x(name) for each in drawn for name in (each.source, each.target)]
            left, right = min(xs) - 22, max(xs) + 22
            top = _y(row) - 25
            times = el("text", f"×{drawn[0].count}", x=right + 4, y=top + 12, cls="times")
            frame = el("rect", x=left, y=top, width=right - left, height=len(drawn) * _ROW - 3, rx=4, cls="frame")
            yield el("g", frame, times, cls="block", data_times=drawn[0].count)
        row += len(drawn)


def _arrow(lanes: _Lanes, each: Interaction, y: int, href: str | None) -> Html:
    x1, x2 = lanes.x(each.source), lanes.x(each.target)
    shape = _loop(x1, y) if x1 == x2 else _straight(x1, x2, y, dashed=each.kind in _BACK)
    words = _words(each)
    room = max(14, int((abs(x2 - x1) or _LANE) / _LETTER) - 2)
    middle = x1 + _SELF if x1 == x2 else (x1 + x2) / 2
    label = el(
        "text", brief(words, room), x=_n(middle), y=y - 6, text_anchor="start" if x1 == x2 else "middle", cls="label"
    )
    inside: list[Child] = [el("title", _whole(each, words)), shape, label, _bill(lanes, each, y)]
    drawn: Child = inside if href is None else el("a", inside, href=href)
    return el(
        "g", drawn, cls=f"arrow is-{each.kind}{' is-error' if each.failed else ''}", data_kind=each.kind,
        data_from=each.source, data_to=each.target, data_count=each.count, data_failed=each.failed,
        data_models=each.model_calls,
    )  # fmt: skip


def _straight(x1: int, x2: int, y: int, *, dashed: bool) -> tuple[Html, Html]:
    way = 1 if x2 > x1 else -1
    tip = el("path", d=f"M{x2} {y}l{-8 * way} -4v8z", cls="tip")
    return _line(x1, y, x2 - 7 * way, y, "dashed" if dashed else "solid"), tip


def _loop(x: int, y: int) -> tuple[Html, Html]:
    path = el("path", d=f"M{x} {y - 10}h{_SELF - 8}v12h{-(_SELF - 16)}", cls="solid")
    return path, el("path", d=f"M{x} {y + 2}l8 -4v8z", cls="tip")


def _line(x1: float, y1: float, x2: float, y2: float, cls: str) -> Html:
    return el("line", x1=_n(x1), y1=_n(y1), x2=_n(x2), y2=_n(y2), cls=cls)


def _words(each: Interaction) -> str:
    title = each.title if each.kind in ("called", "model", "ordered") else ""
    what = "failed" if each.failed and each.failed == each.count else ""
    return ": ".join(part for part in (title, what, each.said) if part) or each.kind


def _bill(lanes: _Lanes, each: Interaction, y: int) -> Html | None:
    """What the models that led to it cost, below the arrow where it begins."""
    if not each.model_calls:
        return None
    calls = "1 call" if each.model_calls == 1 else f"{each.model_calls:,} calls"
    words = calls if each.cost_usd is None else f"{calls} {f.money(each.cost_usd)}"
    to_left = lanes.x(each.target) < lanes.x(each.source)
    x = lanes.x(each.source) + (-6 if to_left else 6)
    return el("text", words, x=x, y=y + 10, text_anchor="end" if to_left else "start", cls="bill")


def _whole(each: Interaction, words: str) -> str:
    times = f"{each.count:,} times: " if each.count > 1 else ""
    failed = f", {each.failed:,} failed" if each.failed else ""
    paid = f", {each.model_calls:,} model calls, {each.tokens:,} tokens" if each.model_calls else ""
    return f"{each.kind} +{f.duration(each.offset_ms)}: {times}{words}{failed}{paid}"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
