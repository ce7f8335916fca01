"""A heat map, as SVG that the server draws: rows and columns of squares, the darker the more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.web.html import Child, Html, el

_LEFT: Final = 176
_SIDE: Final = 24
_HEAD: Final = 64
_SHADES: Final = 8
_DARK: Final = 6
_NAME: Final = 26
_WIDEST: Final = 46


@dataclass(frozen=True, slots=True)
class Square:
    """One square: how much it is, what it says, and where it leads; `loud` for failures."""

    amount: float
    text: str
    words: str
    href: str | None = None
    loud: bool = False


def draw(rows: Sequence[str], columns: Sequence[str], squares: Mapping[tuple[str, str], Square], about: str) -> Html:
    """The map.

    Args:
        rows: names from above.
        columns: names from the left.
        squares: by row and column; others stay empty.
        about: what it shows, for those who cannot see it.
    """
    side = max(_SIDE, min(_WIDEST, 940 // max(1, len(columns))))
    most = max((each.amount for each in squares.values()), default=0.0) or 1.0
    width, height = _LEFT + side * len(columns) + 40, _HEAD + _SIDE * len(rows) + 6
    inside: list[Child] = [
        (_head(name, _LEFT + side * at + side / 2) for at, name in enumerate(columns)),
        (_row(name, _HEAD + _SIDE * at) for at, name in enumerate(rows)),
    ]
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            square = squares.get((row, column))
            place = _LEFT + side * x, _HEAD + _SIDE * y, side
            inside.append(_blank(*place) if square is None else _square(square, most, place, (row, column)))
    return el(
        "svg", el("title", about), inside, viewBox=f"0 0 {width} {height}", width=width, height=height, cls="heat",
        role="group", aria_label=about,
    )  # fmt: skip


def _head(name: str, x: float) -> Html:
    return el("text", name, transform=f"translate({x:.0f} {_HEAD - 8}) rotate(-40)", cls="head")


def _row(name: str, y: float) -> Html:
    label = el("text", brief(name, _NAME), x=_LEFT - 8, y=f"{y + 16:.0f}", text_anchor="end")
    return el("g", el("title", name), label)


def _blank(x: float, y: float, side: float) -> Html:
    return el("rect", x=f"{x + 1:.0f}", y=f"{y + 1:.0f}", width=f"{side - 2:.0f}", height=_SIDE - 2, cls="blank")


def _square(square: Square, most: float, place: tuple[float, float, float], key: tuple[str, str]) -> Html:
    x, y, side = place
    shade = max(1, round((square.amount / most) ** 0.5 * _SHADES)) if square.amount else 0
    box = el("rect", x=f"{x + 1:.0f}", y=f"{y + 1:.0f}", width=f"{side - 2:.0f}", height=_SIDE - 2, rx=2,
             cls=f"h{shade}")  # fmt: skip
    text = el("text", square.text, x=f"{x + side / 2:.0f}", y=f"{y + 16:.0f}", text_anchor="middle",
              cls="on-dark" if square.loud and shade >= _DARK else None)  # fmt: skip
    inside: Child = (el("title", square.words), box, text if square.text else None)
    drawn = inside if square.href is None else el("a", inside, href=square.href)
    return el("g", drawn, cls=f"cell{' is-error' if square.loud else ''}", data_row=key[0], data_column=key[1],
              data_amount=f"{square.amount:g}")  # fmt: skip
