"""`syndarix-obs compare`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import compare as compare_answer
from syndarix_obs_read.answers.compare import Comparison, Line, RunComparison, Side
from syndarix_obs_read.answers.compare_groups import OF, FigurePair, Groups
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.cli.asking import Asker, ask
from syndarix_obs_read.cli.diff import draw_diff
from syndarix_obs_read.cli.options import Common, Rows, When, Who
from syndarix_obs_read.cli.screen import Screen, headers

_MARKS = {"same": ("  ", "dim"), "gone": ("- ", "red"), "new": ("+ ", "green")}


def compare(
    common: Common,
    when: When,
    rows: Rows,
    who: Who,
    before: Annotated[str, typer.Argument(metavar="A", help="Session, trace or replay; or a value, with --of.")],
    after: Annotated[str, typer.Argument(metavar="B", help="What to compare it with.")],
    of: Annotated[
        str, typer.Option(help=f"What A and B are: {', '.join(OF)}. A time is 2026-11-20 or 14d..7d.")
    ] = "run",
) -> None:
    """Show two runs side by side, or everything under two versions, prompts, models or times."""

    async def question(asker: Asker, backend: Backend) -> Comparison:
        if of == "run":
            return await compare_answer.compare(backend, before, after, asker.settings, limit=rows.limit or 20)
        where, period = asker.filter(who), asker.period(when)
        return await compare_answer.compare_groups(backend, asker.settings, of, before, after, where, period)

    ask(common, question, draw_comparison)


def draw_comparison(screen: Screen, answer: Comparison) -> None:
    """Facts side by side, then the differences."""
    if answer.groups is not None:
        _draw_groups(screen, answer.groups)
        return
    if answer.before is not None and answer.after is not None:
        _draw_sides(screen, answer, answer.before, answer.after)
        _draw_lines(screen, "Prompts", answer.prompt)
    if isinstance(answer, RunComparison) and answer.aligned is not None:
        screen.line()
        draw_diff(screen, answer.aligned)
    else:
        _draw_lines(screen, "Steps", answer.steps)


def _draw_sides(screen: Screen, answer: Comparison, one: Side, other: Side) -> None:
    names = sorted(one.configuration.keys() | other.configuration.keys())
    rows = [
        ("run", one.session_id, other.session_id),
        ("ended", one.outcome or one.status, other.outcome or other.status),
        ("duration", f.duration(one.duration_ms), f.duration(other.duration_ms)),
        ("tokens", f.count(one.tokens.total), f.count(other.tokens.total)),
        ("cost", f.cost(one.cost), f.cost(other.cost)),
        *((n, ", ".join(one.configuration.get(n, ())), ", ".join(other.configuration.get(n, ()))) for n in names),
    ]
    styled = ((row, "bold" if row[0] in answer.differs else "") for row in rows)
    screen.table(headers("", "first*", "second*"), styled)


def _draw_lines(screen: Screen, title: str, lines: tuple[Line, ...]) -> None:
    if not any(line.change != "same" for line in lines):
        return
    screen.line()
    screen.line(title, "bold")
    for line in lines:
        mark, style = _MARKS[line.change]
        screen.line(mark + line.text, style)


def _draw_groups(screen: Screen, found: Groups) -> None:
    one, other = found.before, found.after
    rows = [
        ("", one.name, other.name, ""),
        ("sessions", f.count(one.sessions), f.count(other.sessions), ""),
        ("model calls", f.count(one.model_calls), f.count(other.model_calls), ""),
        ("tool calls", f.count(one.tool_calls), f.count(other.tool_calls), ""),
        ("tokens", f.count(one.tokens), f.count(other.tokens), ""),
        ("cost", f.money(one.cost_usd), f.money(other.cost_usd), ""),
    ]
    figures = [((pair.about, amount(pair, pair.before), amount(pair, pair.after), said(pair)),
                "bold" if pair.differs else "") for pair in found.figures]  # fmt: skip
    screen.table(headers("", ">first", ">second", "beyond chance?"), [*((row, "") for row in rows), *figures])
    if found.tools:
        screen.line()
        screen.table(headers("tool*", ">calls", ">failed", ">calls then", ">failed then"), (
            ((t.tool, f.count(t.calls_before), f.count(t.failed_before), f.count(t.calls_after),
              f.count(t.failed_after)), "") for t in found.tools))  # fmt: skip
    if found.errors:
        screen.line()
        screen.table(headers(">before", ">after", "where", "error*"), (
            ((f.count(e.before), f.count(e.after), e.where, e.pattern), "") for e in found.errors))  # fmt: skip


def amount(pair: FigurePair, value: float | None) -> str:
    """A mean in the figure's own form."""
    if value is None:
        return f.NOTHING
    if pair.name in ("errors", "failures"):
        return f.percent(value)
    if pair.name in ("latency", "tool_latency"):
        return f.seconds(value)
    return f"${value:.4g}" if pair.name == "cost" else f"{value:,.0f}"


def said(pair: FigurePair) -> str:
    """Whether the difference is more than chance."""
    if pair.chance is None:
        return "too few sessions"
    return f"yes, p {pair.chance:.2g}" if pair.differs else "no"
