"""Figures over time: a drawing that needs no script, where each step leads to what is behind it.

The script draws the same figures anew in the same place, with axes, a readout and a part to choose.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from syndarix_obs_read.web.html import Child, Html, el

_WIDTH: Final = 1_000
_HEIGHT: Final = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One line or row of columns: a value for each step, None where there is none."""

    name: str
    values: Sequence[float | None]
    style: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Figures over time.

    Args:
        title: what is shown.
        lines: at least one; columns of one chart stand behind one another.
        unit: of the values: `count`, `share`, `seconds`, `dollars`.
        columns: whether it is drawn as columns instead of lines.
        link: address of what happened between two moments, as words of the address `since` and `until`.
        path: the same without the two words, for the script.
    """

    title: str
    lines: tuple[Line, ...]
    unit: str
    columns: bool
    link: Callable[[int, int], str]
    path: str


def draw(chart: Chart, times: Sequence[int], step_s: int, say: Callable[[float], str], aside: Child = None) -> Html:
    """One chart.

    Args:
        times: beginning of each step, seconds since the epoch.
        say: a value in words.
        aside: what stands beside the title.
    """
    known = [value for line in chart.lines for value in line.values if value is not None]
    most = max(known, default=0.0)
    highest = most or 1.0
    data = {
        "times": list(times), "step": step_s, "unit": chart.unit, "columns": chart.columns, "path": chart.path,
        "lines": [{"name": line.name, "values": list(line.values), "style": line.style} for line in chart.lines],
    }  # fmt: skip
    marks = (_columns if chart.columns else _line)
    return el(
        "figure",
        el("figcaption", el("b", chart.title), el("span", aside, cls="dim"), _legend(chart)),
        el("div",
           el("svg", (marks(line.values, highest, line.style) for line in chart.lines),
              _steps(chart, times, step_s, say), viewBox=f"0 0 {_WIDTH} {_HEIGHT}", preserveAspectRatio="none",
              role="group", aria_label=f"{chart.title}: {f'at most {say(most)}' if most else 'nothing yet'}"),
           el("span", say(most) if most else "nothing yet", cls="highest", aria_hidden="true"),
           cls="plot"),
        cls="chart", data_chart=json.dumps(data),
    )  # fmt: skip


def _legend(chart: Chart) -> Html | None:
    if len(chart.lines) < 2:
        return None
    return el("span", (el("span", line.name, cls=f"key s-{line.style}") for line in chart.lines), cls="legend")


def _columns(values: Sequence[float | None], highest: float, style: str) -> Iterator[Html]:
    wide = _WIDTH / max(1, len(values))
    for at, value in enumerate(values):
        if value:
            height = value / highest * _HEIGHT
            yield el("rect", x=f"{at * wide + wide * 0.1:.1f}", y=f"{_HEIGHT - height:.1f}", width=f"{wide * 0.8:.1f}",
                     height=f"{height:.1f}", cls=f"s-{style}")  # fmt: skip


def _line(values: Sequence[float | None], highest: float, style: str) -> Iterator[Html]:
    wide = _WIDTH / max(1, len(values))
    points = [
        f"{(at + 0.5) * wide:.1f},{_HEIGHT - value / highest * (_HEIGHT - 3):.1f}"
        for at, value in enumerate(values)
        if value is not None
    ]
    if len(points) == 1:
        x, y = points[0].split(",")
        points.append(f"{float(x) + 2:.1f},{y}")
    yield el("polyline", points=" ".join(points), cls=f"s-{style}")


def _steps(chart: Chart, times: Sequence[int], step_s: int, say: Callable[[float], str]) -> Iterator[Html]:
    """A way from each step with something in it to what is behind it."""
    wide = _WIDTH / max(1, len(times))
    for at, since in enumerate(times):
        said = [f"{line.name} {say(value)}" for line in chart.lines if (value := line.values[at]) is not None and value]
        if said:
            area = el("rect", x=f"{at * wide:.1f}", y=0, width=f"{wide:.1f}", height=_HEIGHT, cls="step")
            yield el("a", el("title", ", ".join(said)), area, href=chart.link(since, since + step_s), tabindex=-1,
                     aria_hidden="true")  # fmt: skip
