"""A directed graph, as SVG that the server draws: nodes in layers from above, edges with how often they occur."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from syndarix_obs_read.answers.flow import END, START
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.web.html import Child, Html, el
from syndarix_obs_read.web.parts.layers import Edge, Layout, lay_out

_NAME: Final = 26
_LETTER: Final = 6.6
_HEIGHT: Final = 28
_LAYER: Final = 74
_GAP: Final = 26
_ROUND: Final = 46
"""How far an edge that leads back swings out."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """One edge as it is drawn: what stands on it, and whether it stands out."""

    before: str
    after: str
    count: int
    label: str
    loud: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Its ends."""
        return self.before, self.after


def draw(arrows: Sequence[Arrow], about: str) -> Html:
    """The graph.

    Args:
        arrows: its edges, in the order in which they happened; any order will do for graphs of many runs.
        about: what it shows, for those who cannot see it.
    """
    names = _names(arrows)
    widths = {name: min(len(name), _NAME) * _LETTER + 22 for name in names}
    laid = lay_out(names, [Edge(each.before, each.after) for each in arrows], widths, _GAP)
    backs = sum(laid.layer[each.before] >= laid.layer[each.after] for each in arrows)
    width = laid.width + 2 * _GAP + (_ROUND + 12 * backs if backs else 0)
    height = (max(laid.layer.values(), default=0) + 1) * _LAYER
    inside: list[Child] = []
    swing = 0
    for each in arrows:
        swing += laid.layer[each.before] >= laid.layer[each.after]
        inside.append(_edge(laid, each, swing))
    return el(
        "svg", el("title", about), inside, (_node(laid, name, widths) for name in names),
        viewBox=f"0 0 {width:.0f} {height}", width=f"{width:.0f}", height=height, cls="graph", role="img",
        aria_label=about,
    )  # fmt: skip


def _names(arrows: Sequence[Arrow]) -> tuple[str, ...]:
    """Nodes from above: as they came first in one run; else from the start along the edges that occur most often."""
    found = dict.fromkeys(name for each in arrows for name in (each.before, each.after))
    if START in found and next(iter(found)) != START:
        after: defaultdict[str, list[str]] = defaultdict(list)
        for each in sorted(arrows, key=lambda arrow: -arrow.count):
            after[each.before].append(each.after)
        reached = {START: None}
        for name in (queue := [START]):
            fresh = [each for each in after[name] if each not in reached]
            reached.update(dict.fromkeys(fresh))
            queue += dict.fromkeys(fresh)
        found = reached | found
    return tuple(sorted(found, key=lambda name: name == END))


def _at(laid: Layout, name: str) -> tuple[float, float]:
    return laid.x[name] + _GAP, laid.layer[name] * _LAYER + 8 + _HEIGHT / 2


def _node(laid: Layout, name: str, widths: Mapping[str, float]) -> Html:
    x, y = _at(laid, name)
    width = widths[name]
    edge = " is-edge" if name.startswith("(") else ""
    return el(
        "g",
        el("title", name),
        el("rect", x=f"{x - width / 2:.1f}", y=f"{y - _HEIGHT / 2:.1f}", width=f"{width:.1f}", height=_HEIGHT, rx=6),
        el("text", brief(name, _NAME), x=f"{x:.1f}", y=f"{y + 4:.1f}", text_anchor="middle"),
        cls=f"node{edge}", data_node=name,
    )  # fmt: skip


def _edge(laid: Layout, arrow: Arrow, swing: int) -> Html:
    (x1, y1), (x2, y2) = _at(laid, arrow.before), _at(laid, arrow.after)
    if laid.layer[arrow.before] < laid.layer[arrow.after]:
        points = [(x + _GAP, layer * _LAYER + 8 + _HEIGHT / 2) for layer, x in laid.bends.get(arrow.key, ())]
        d, label = _down([(x1, y1 + _HEIGHT / 2), *points, (x2, y2 - _HEIGHT / 2)])
    else:
        d, label = _round(laid, arrow, swing)
    width = 1 + min(4.0, arrow.count**0.5 / 2)
    text = el("text", arrow.label, x=f"{label[0]:.1f}", y=f"{label[1]:.1f}", text_anchor="middle")
    path = el("path", d=d, stroke_width=f"{width:.1f}", fill="none")
    ends = _tip(x2, y2 - _HEIGHT / 2) if laid.layer[arrow.before] < laid.layer[arrow.after] else None
    return el(
        "g", el("title", f"{arrow.before} → {arrow.after}: {arrow.label}"), path, ends, text,
        cls=f"edge{' is-loud' if arrow.loud else ''}", data_from=arrow.before, data_to=arrow.after,
        data_count=arrow.count,
    )  # fmt: skip


def _tip(x: float, y: float) -> Html:
    return el("path", d=f"M{x:.1f} {y:.1f}l-4 -8h8z", cls="tip")


def _down(points: list[tuple[float, float]]) -> tuple[str, tuple[float, float]]:
    """A smooth way through points, and where its label stands."""
    d = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x1, y1), (x2, y2) in pairwise(points):
        half = (y2 - y1) / 2
        d += f"C{x1:.1f} {y1 + half:.1f} {x2:.1f} {y2 - half:.1f} {x2:.1f} {y2:.1f}"
    (x1, y1), (x2, y2) = points[0], points[1]
    return d, ((x1 + 2 * x2) / 3, y1 + (y2 - y1) * 0.66 + 3)


def _round(laid: Layout, arrow: Arrow, swing: int) -> tuple[str, tuple[float, float]]:
    """A way back, around everything on the right; a small ring for an edge to itself."""
    (x1, y1), (x2, y2) = _at(laid, arrow.before), _at(laid, arrow.after)
    right1, right2 = x1 + laid.half[arrow.before], x2 + laid.half[arrow.after]
    if arrow.before == arrow.after:
        d = f"M{right1:.1f} {y1 - 9:.1f}c24 -10 24 22 0 12"
        return d + "l7 -3m-7 3l5 5", (right1 + 12, y1 - 14)
    out = laid.width + 2 * _GAP + 12 * swing - 6
    y1, y2 = y1 + 8, y2 + 8
    d = f"M{right1:.1f} {y1:.1f}C{out:.1f} {y1:.1f} {out:.1f} {y1:.1f} {out:.1f} {(y1 + y2) / 2:.1f}"
    d += f"C{out:.1f} {y2:.1f} {out:.1f} {y2:.1f} {right2:.1f} {y2:.1f}l8 -4m-8 4l8 4"
    return d, (out, (y1 + y2) / 2 + 3)
