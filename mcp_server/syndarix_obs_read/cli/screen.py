"""Where answers are drawn: a terminal of some width in colour, or plain text for a pipe."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from syndarix_obs_read.amounts import Cost
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.formats import day_minute
from syndarix_obs_read.outcomes import in_words

_PIPE_WIDTH: Final = 2_000
_SHORT_ID: Final = 10
_LEAST_FLEXIBLE: Final = 8
"""Characters that a column of words keeps at least."""
_NOTHING: Final = ("", "–")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

STATUS_STYLES: Final = {"error": "bold red", "running": "cyan", "ok": "", "warning": "yellow", "failing": "bold red"}
"""How a status is drawn."""


class _Console(Console):
    """Lets the command end quietly when the reader of a pipe went away; Rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. `flexible` ones give way when the terminal is narrow; numbers stand to the `right`."""

    head: str
    right: bool = False
    flexible: bool = False


def headers(*names: str) -> tuple[Column, ...]:
    """Columns by name: `>name` stands to the right, `name*` is flexible."""
    return tuple(Column(name.strip(">*"), name.startswith(">"), name.endswith("*")) for name in names)


def _is_terminal() -> bool:
    """Whether to draw for a terminal; FORCE_COLOR, as in many programs, says that a pager shows colours."""
    return sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))


@dataclass(slots=True)
class Screen:
    """Draws tables and lines. `zone` is for times; `piped` output is plain, unlimited in width, with full ids."""

    zone: tzinfo
    piped: bool = field(default_factory=lambda: not _is_terminal())
    console: Console = field(init=False)

    def __post_init__(self) -> None:
        width = _PIPE_WIDTH if self.piped else None
        self.console = _Console(width=width, highlight=False, emoji=False, markup=False, soft_wrap=False)

    def id(self, value: str | None) -> str:
        """An id: its beginning on a terminal (a unique beginning is accepted everywhere), all of it in a pipe."""
        if not value:
            return "–"
        return value if self.piped else value[:_SHORT_ID]

    def line(self, text: str = "", style: str = "") -> None:
        """One line, cut at the edge of a terminal."""
        self.console.print(Text(clean(text), style=style), no_wrap=True, overflow="ellipsis", crop=not self.piped)

    def text(self, text: str, style: str = "") -> None:
        """Some text, wrapped at the edge of a terminal."""
        self.console.print(Text(clean(text, lines=True), style=style))

    def heading(self, title: str, answer: Answer) -> None:
        """What follows, for which time; left out in a pipe."""
        if self.piped:
            return
        about = ""
        if answer.period is not None:
            ends = (day_minute(answer.period.since, self.zone), day_minute(answer.period.until, self.zone))
            about = f"  {answer.period.text}, {ends[0]} to {ends[1]} {self.zone}"
        self.console.print(Text.assemble((title, "bold"), (about, "dim")), no_wrap=True, overflow="ellipsis")

    def hints(self, answer: Answer) -> None:
        """Why there is nothing or not all, on standard error, so that a pipe gets rows only."""
        for hint in answer.hints:
            print(f"→ {clean(hint)}", file=sys.stderr)

    def table(self, columns: Sequence[Column], rows: Iterable[tuple[Sequence[str | Text], str]]) -> None:
        """Rows of (cells, style)."""
        drawn = [([_cell(cell) for cell in cells], style) for cells, style in rows]
        if not drawn:
            return
        wanted = [max(len(each.head), *(cells[i].cell_len for cells, _ in drawn)) for i, each in enumerate(columns)]
        shown = _shown(columns, wanted, [cells for cells, _ in drawn], self.console.width)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
        widths = _widths([columns[i] for i in shown], [wanted[i] for i in shown], self.console.width)
        for i, width in zip(shown, widths, strict=True):
            justify: Literal["left", "right"] = "right" if columns[i].right else "left"
            table.add_column(columns[i].head, justify=justify, no_wrap=True, overflow="ellipsis", width=width)
        for cells, style in drawn:
            table.add_row(*(cells[i] for i in shown), style=style or None)
        self.console.print(table, crop=not self.piped)
        if left_out := [each.head for i, each in enumerate(columns) if i not in shown]:
            self.text(f"left out for want of width: {', '.join(left_out)}; --json has them", "dim")

    def legend(self, costs: Iterable[Cost]) -> None:
        """What the marks on amounts mean, if there are any."""
        shown = tuple(costs)
        parts = []
        if any(cost.estimated_calls for cost in shown):
            parts.append("~ tokens of some calls, and so their cost, are estimated")
        if unpriced := sorted({model for cost in shown for model in cost.unpriced_models}):
            parts.append(f"+n? calls without a known price ({', '.join(unpriced)}), not in the sum")
        if parts and not self.piped:
            self.text("; ".join(parts), "dim")

    def success_legend(self, failed: Iterable[str]) -> None:
        """What a success rate was reckoned with."""
        if not self.piped:
            self.text(in_words(failed), "dim")


def _shown(
    columns: Sequence[Column], wanted: Sequence[int], rows: Sequence[Sequence[Text]], width: int
) -> list[int]:
    """Which columns fit without cutting a digit: empty ones go first, then numbers and words from the right.

    The first column, which says what the row is, and the last one stay.
    """
    least = [min(_LEAST_FLEXIBLE, want) if each.flexible else want for each, want in zip(columns, wanted, strict=True)]
    shown = list(range(len(columns)))
    empty = {i for i in shown if all(cells[i].plain in _NOTHING for cells in rows)}
    order = sorted(shown[1:-1], key=lambda i: (i in empty, columns[i].right, i), reverse=True)
    while order and sum(least[i] + 2 for i in shown) > width:
        shown.remove(order.pop(0))
    return shown


def _widths(columns: Sequence[Column], wanted: Sequence[int], width: int) -> list[int | None]:
    """Give rigid columns what they need and the flexible ones, in equal shares of what they want, the rest."""
    found: list[int | None] = [None] * len(columns)
    flexible = [i for i, column in enumerate(columns) if column.flexible]
    left = width - sum(wanted[i] for i in range(len(columns)) if i not in flexible) - 2 * len(columns)
    for position, i in enumerate(sorted(flexible, key=lambda i: wanted[i])):
        given = max(min(_LEAST_FLEXIBLE, wanted[i]), min(wanted[i], left // (len(flexible) - position)))
        found[i] = given
        left -= given
    return found


def _cell(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(clean(cell))


def clean(text: str, *, lines: bool = False) -> str:
    """Recorded text without what could steer a terminal; on one line unless `lines`."""
    text = _CONTROL.sub("�", text)
    return text if lines else text.replace("\n", " ").replace("\t", " ")
