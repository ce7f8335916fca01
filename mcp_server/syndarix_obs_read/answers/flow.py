"""What follows what: the directly-follows graph of many runs, its variants, and drawings of both as Mermaid text."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

Edge = tuple[str, str]

START: Final = "(start)"
END: Final = "(end)"


@dataclass(frozen=True, slots=True)
class DirectlyFollows:
    """How often one activity came right after another, began a run, ended one; and the runs by their whole sequence."""

    edges: Counter[Edge] = field(default_factory=Counter)
    starts: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    variants: Counter[tuple[str, ...]] = field(default_factory=Counter)


def directly_follows(runs: Iterable[Sequence[str]]) -> DirectlyFollows:
    """The graph of some runs, each a sequence of activities; empty ones are left out."""
    found = DirectlyFollows()
    for run in runs:
        if run:
            found.edges.update(itertools.pairwise(run))
            found.starts[run[0]] += 1
            found.ends[run[-1]] += 1
            found.variants[tuple(run)] += 1
    return found


def collapsed(run: Sequence[str]) -> tuple[str, ...]:
    """A run without immediate repetitions."""
    return tuple(name for at, name in enumerate(run) if not at or run[at - 1] != name)


@dataclass(frozen=True, slots=True)
class WeighedEdge:
    """One edge by outcome: in how many of the failed and of the other runs it occurs, and how far apart that is.

    `lift` is the share of failed runs that have it over the share of the others, each with half a run more so that few
    runs do not make a large number.
    """

    edge: Edge
    count: int
    failed_runs: int
    other_runs: int
    lift: float


def weighed(failed: Sequence[Sequence[str]], other: Sequence[Sequence[str]], *, least: int = 2) -> list[WeighedEdge]:
    """Edges of at least `least` runs, those over-represented among failures first."""
    in_failed, in_other = (Counter(edge for run in runs for edge in set(_edges(run))) for runs in (failed, other))
    counts = Counter(edge for run in (*failed, *other) for edge in _edges(run))
    found = []
    for edge, count in counts.items():
        bad, good = in_failed[edge], in_other[edge]
        if bad + good >= least:
            lift = ((bad + 0.5) / (len(failed) + 1)) / ((good + 0.5) / (len(other) + 1))
            found.append(WeighedEdge(edge, count, bad, good, lift))
    return sorted(found, key=lambda each: (-each.lift * math.log1p(each.failed_runs), -each.count, each.edge))


def _edges(run: Sequence[str]) -> list[Edge]:
    whole = (START, *run, END) if run else ()
    return list(itertools.pairwise(whole))


def mermaid(edges: Iterable[tuple[Edge, str, bool]], nodes: Mapping[str, str] | None = None) -> str:
    """A flowchart.

    Args:
        edges: edge, what stands on it, and whether it is to stand out.
        nodes: node → label, for nodes whose name is no label.
    """
    ids: dict[str, str] = {}
    lines, loud = [], []
    for number, ((before, after), label, stands_out) in enumerate(edges):
        for name in (before, after):
            ids.setdefault(name, f"n{len(ids)}")
        text = f'|"{escaped(label)}"|' if label else ""
        lines.append(f"  {ids[before]} -->{text} {ids[after]}")
        if stands_out:
            loud.append(str(number))
    labels = [f'  {own}["{escaped((nodes or {}).get(name, name))}"]' for name, own in ids.items()]
    style = [f"  linkStyle {','.join(loud)} stroke:#c0392b,stroke-width:2px"] if loud else []
    return "\n".join(["flowchart TD", *labels, *lines, *style]) + "\n"


def escaped(text: str) -> str:
    """Text that cannot end its quotes or become markup."""
    kept = "".join(char if char.isprintable() else " " for char in text[:80])
    for char, code in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        kept = kept.replace(char, code) if char != "#" else kept.replace("#", code)
    return kept
