"""A sequence of interactions as Mermaid text, for documents and tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from syndarix_obs_read.answers.flow import escaped


@dataclass(frozen=True, slots=True)
class Arrow:
    """One arrow. `back` is dashed; arrows of one `block` came `count` times in a row."""

    source: str
    target: str
    label: str
    count: int = 1
    block: int | None = None
    back: bool = False
    failed: bool = False


def sequence_text(names: Mapping[str, str], arrows: Sequence[Arrow]) -> str:
    """A sequence diagram.

    Args:
        names: of the participants by id, in the order of their lanes.
        arrows: between ids.
    """
    ids = {name: f"p{number}" for number, name in enumerate(names)}
    lines = ["sequenceDiagram"]
    for name, own in ids.items():
        actor = "actor" if name == "user" else "participant"
        lines.append(f"  {actor} {own} as {_label(names[name])}")
    for block, group in groupby(arrows, key=lambda each: each.block):
        drawn = list(group)
        if block is None:
            lines += [f"  {_drawn(each, ids)}" for each in drawn]
            continue
        lines.append(f"  loop {drawn[0].count} times")
        lines += [f"    {_drawn(each, ids)}" for each in drawn]
        lines.append("  end")
    return "\n".join(lines) + "\n"


def _drawn(arrow: Arrow, ids: Mapping[str, str]) -> str:
    line = "--x" if arrow.back and arrow.failed else "--)" if arrow.back else "-x" if arrow.failed else "->>"
    return f"{ids[arrow.source]}{line}{ids[arrow.target]}: {_label(arrow.label)}"


def _label(text: str) -> str:
    """A semicolon would end the statement."""
    return "#59;".join(map(escaped, text.split(";"))) or " "
