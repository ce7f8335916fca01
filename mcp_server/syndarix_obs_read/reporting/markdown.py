"""A report as Markdown: tables, quotations, and drawings as Mermaid text. Recorded text stays text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.flow import mermaid
from syndarix_obs_read.reporting import parts

if TYPE_CHECKING:
    from syndarix_obs_read.answers.report import Report

_SIGNS: Final = re.compile(r"([\\`*_{}\[\]<>#|!~&])")


def as_markdown(report: Report) -> str:
    """The file as text."""
    made = report.made.strftime("%Y-%m-%d %H:%M UTC")
    lines = [f"# {plain(report.title)}", "", f"Made {made} by syndarix-obs. Times in {report.zone}.", ""]
    lines += [line for hint in report.hints for line in (f"> {plain(hint)}", "")]
    for section in report.sections:
        lines += [f"## {plain(section.title)}", ""]
        for block in section.blocks:
            lines += [*_WRITERS[block.kind](block), ""]
    return "\n".join(lines).rstrip() + "\n"


def plain(text: str) -> str:
    """Text on one line in which no sign means anything."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split()))


def _facts(block: parts.Facts) -> Iterator[str]:
    yield from (f"- **{plain(name)}**: {plain(value)}" for name, value in block.pairs)


def _table(block: parts.Table) -> Iterator[str]:
    yield from table(block.heads, block.rows)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table; heads that begin with `>` have numbers below."""
    yield _row(head.lstrip(">") or " " for head in heads)
    yield _row("---:" if head.startswith(">") else "---" for head in heads)
    yield from (_row(map(plain, row)) for row in rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _prose(block: parts.Prose) -> Iterator[str]:
    yield plain(block.text)


def _quotes(block: parts.Quotes) -> Iterator[str]:
    for who, said in block.quotes:
        yield f"**{plain(who)}**"
        yield ""
        yield from (f"> {plain(line)}" for line in said.splitlines() or [""])
        yield ""


def _sequence(block: parts.Sequence) -> Iterator[str]:
    yield from ("```mermaid", block.interactions.mermaid.rstrip(), "```")


def _flow(block: parts.Flow) -> Iterator[str]:
    text = mermaid(((before, after), f"{count}×", loud) for before, after, count, loud in block.edges)
    yield from ("```mermaid", text.rstrip(), "```")


def _columns(block: parts.Columns) -> Iterator[str]:
    yield from table(("day", ">cost"), ((day, f.money(amount)) for day, amount in block.days))


def _steps(block: parts.Steps) -> Iterator[str]:
    rows = (
        (f"+{f.duration(s.offset_ms)}", f"{'· ' * s.depth}{s.step_kind} {s.title}", "failed" if s.failed else "",
         f.duration(s.duration_ms) if s.duration_ms else "", f"{s.tokens:,}" if s.tokens else "", s.cost, s.said)
        for s in block.steps
    )  # fmt: skip
    yield from table((">at", "step", "", ">took", ">tokens", ">cost", "what happened"), rows)
    if block.left > 0:
        yield from ("", f"{block.left:,} further steps are not shown.")


_WRITERS: Final[dict[str, Callable[[Any], Iterator[str]]]] = {
    "facts": _facts, "table": _table, "prose": _prose, "quotes": _quotes, "sequence": _sequence, "flow": _flow,
    "columns": _columns, "steps": _steps,
}  # fmt: skip
