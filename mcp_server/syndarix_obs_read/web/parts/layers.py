"""A layered layout: which layer each node of a directed graph stands in, and where in it, so that few edges cross.

The usual four steps: edges that lead back in the order of the names are set aside, each node goes below all that lead
to it, neighbours decide the order within a layer, and nodes move towards the middle of their neighbours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_SWEEPS: Final = 8
_BEND: Final = 10.0
"""Width that an edge takes where it passes a layer."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands.

    Args:
        layer: of each node, from 0.
        x: middle of each node.
        half: half the width of each node.
        bends: for edges that pass layers, layer and x of each passage.
        width: of the whole.
    """

    layer: Mapping[str, int]
    x: Mapping[str, float]
    half: Mapping[str, float]
    bends: Mapping[tuple[str, str], tuple[tuple[int, float], ...]]
    width: float


def lay_out(names: Sequence[str], edges: Sequence[Edge], widths: Mapping[str, float], gap: float) -> Layout:
    """Lay out a graph.

    Args:
        names: of its nodes, from above: an edge to a later one leads down.
        edges: between them.
        widths: of the nodes.
        gap: between two nodes of a layer.
    """
    forward = _forward(names, edges)
    layer = _layers(names, forward)
    rows, links, ways = _rows(names, forward, layer)
    _order(rows, links)
    sizes = {name: widths.get(name, _BEND) for row in rows for name in row}
    x = _places(rows, links, sizes, gap)
    bends = {key: tuple((layer[key[0]] + 1 + at, x[name]) for at, name in enumerate(way)) for key, way in ways.items()}
    width = max((x[name] + sizes[name] / 2 for row in rows for name in row), default=0.0)
    return Layout(layer, x, {name: widths[name] / 2 for name in names}, bends, width)


def _forward(names: Sequence[str], edges: Sequence[Edge]) -> list[Edge]:
    """Edges that lead on; the others lead back, or to where they come from."""
    rank = {name: at for at, name in enumerate(names)}
    return [edge for edge in edges if rank[edge.before] < rank[edge.after]]


def _layers(names: Sequence[str], forward: Sequence[Edge]) -> dict[str, int]:
    """Each node one below the lowest that leads to it; names come in an order in which all those are placed before."""
    above: defaultdict[str, list[str]] = defaultdict(list)
    for edge in forward:
        above[edge.after].append(edge.before)
    found: dict[str, int] = {}
    for name in names:
        found[name] = max((found[each] + 1 for each in above[name]), default=0)
    return found


Ways = dict[tuple[str, str], list[str]]
Links = defaultdict[str, list[str]]


def _rows(
    names: Sequence[str], forward: Sequence[Edge], layer: Mapping[str, int]
) -> tuple[list[list[str]], Links, Ways]:
    """Nodes by layer, with a stand-in for each edge in each layer that it passes; and who is linked with whom."""
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in names:
        rows[layer[name]].append(name)
    links: Links = defaultdict(list)
    ways: Ways = {}
    for edge in forward:
        passed = [f"\0{edge.before}\0{edge.after}\0{at}" for at in range(layer[edge.before] + 1, layer[edge.after])]
        ways[edge.before, edge.after] = passed
        chain = [edge.before, *passed, edge.after]
        for at, name in enumerate(passed, layer[edge.before] + 1):
            rows[at].append(name)
        for one, other in pairwise(chain):
            links[one].append(other)
            links[other].append(one)
    return rows, links, ways


def _order(rows: list[list[str]], links: Links) -> None:
    """Sort each layer by the mean place of its neighbours in the layer before, down and up again."""
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        order = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        for at in order:
            fixed = {name: place for place, name in enumerate(rows[at - 1 if down else at + 1])}
            here = {name: place for place, name in enumerate(rows[at])}
            rows[at].sort(key=lambda name, f=fixed, h=here: _mean(name, f, h, links))  # type: ignore[misc]


def _mean(name: str, fixed: Mapping[str, int], here: Mapping[str, int], links: Links) -> float:
    near = [fixed[each] for each in links[name] if each in fixed]
    return sum(near) / len(near) if near else float(here[name])


def _places(rows: list[list[str]], links: Links, sizes: Mapping[str, float], gap: float) -> dict[str, float]:
    """Middles of all nodes: packed from the left first, then pulled towards their neighbours."""
    x: dict[str, float] = {}
    for row in rows:
        _pack(row, dict.fromkeys(row, 0.0), sizes, gap, x)
    for _ in range(_SWEEPS):
        for row in rows:
            wanted = {name: sum(x[each] for each in links[name]) / len(links[name]) if links[name] else x[name]
                      for name in row}  # fmt: skip
            _pack(row, wanted, sizes, gap, x)
    left = min((x[name] - sizes[name] / 2 for row in rows for name in row), default=0.0)
    return {name: place - left for name, place in x.items()}


def _pack(
    row: Sequence[str], wanted: Mapping[str, float], sizes: Mapping[str, float], gap: float, x: dict[str, float]
) -> None:
    """As near to the wanted places as the order and the gaps allow: pushed right, then the whole moved to the mean."""
    edge: float | None = None
    for name in row:
        half = sizes[name] / 2
        x[name] = wanted[name] if edge is None else max(wanted[name], edge + gap + half)
        edge = x[name] + half
    if row:
        shift = sum(wanted[name] - x[name] for name in row) / len(row)
        for name in row:
            x[name] += shift
