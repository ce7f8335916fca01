"""What a report is made of: sections of facts, tables, texts and drawings. Every writer draws each of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from syndarix_obs_read.amounts import Frozen, Usd
from syndarix_obs_read.answers.interactions import Interactions


class Facts(Frozen):
    """Names and values."""

    kind: Literal["facts"] = "facts"
    pairs: tuple[tuple[str, str], ...]


class Table(Frozen):
    """Rows under heads; heads that begin with `>` have numbers below."""

    kind: Literal["table"] = "table"
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    failed: tuple[int, ...] = Field(default=(), description="Places of rows that are about a failure.")


class Prose(Frozen):
    """A paragraph."""

    kind: Literal["prose"] = "prose"
    text: str


class Quotes(Frozen):
    """Recorded texts, each with who said it to whom."""

    kind: Literal["quotes"] = "quotes"
    quotes: tuple[tuple[str, str], ...]


class Sequence(Frozen):
    """A sequence diagram."""

    kind: Literal["sequence"] = "sequence"
    interactions: Interactions


class Flow(Frozen):
    """A graph of what followed what: before, after, how often, whether it stands out."""

    kind: Literal["flow"] = "flow"
    edges: tuple[tuple[str, str, int, bool], ...]


class Columns(Frozen):
    """Dollars by day as columns."""

    kind: Literal["columns"] = "columns"
    days: tuple[tuple[str, Usd], ...]


class Step(Frozen):
    """One step of a trace."""

    depth: int
    step_kind: str
    title: str
    failed: bool
    offset_ms: float
    duration_ms: float
    tokens: int
    cost: str
    said: str


class Steps(Frozen):
    """The steps of a trace over time."""

    kind: Literal["steps"] = "steps"
    whole_ms: float
    steps: tuple[Step, ...]
    left: int = Field(default=0, description="Steps that are not shown.")


Block = Facts | Table | Prose | Quotes | Sequence | Flow | Columns | Steps


class Section(Frozen):
    """A heading with what stands under it."""

    title: str
    blocks: tuple[Block, ...]
