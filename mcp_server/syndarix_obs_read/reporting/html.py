"""A report as one HTML file: style and drawings inside, no script, and a policy that lets it load nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.amounts import Cost
from syndarix_obs_read.reporting import parts
from syndarix_obs_read.web.html import Child, Html, document, el, stylesheet
from syndarix_obs_read.web.parts import charts, graph, sequence

if TYPE_CHECKING:
    from syndarix_obs_read.answers.report import Report

_DEEPEST: Final = 8


def as_html(report: Report) -> str:
    """The file as text."""
    css = _css()
    return document(
        el(
            "html",
            el(
                "head",
                el("meta", charset="utf-8"),
                el("meta", http_equiv="Content-Security-Policy", content=_policy(css)),
                el("meta", name="viewport", content="width=device-width, initial-scale=1"),
                el("meta", name="color-scheme", content="light dark"),
                el("title", report.title),
                stylesheet(css),
            ),
            el("body", el("main", _head(report), (_section(each) for each in report.sections))),
            lang="en",
        )
    )


def _css() -> str:
    own = files(__package__).joinpath("report.css").read_text("utf-8")
    return own + files("syndarix_obs_read.web").joinpath("static", "drawings.css").read_text("utf-8")


def _policy(css: str) -> str:
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _head(report: Report) -> Child:
    made = report.made.strftime("%Y-%m-%d %H:%M UTC")
    words = f"Made {made} by syndarix-obs from the {report.backend} backend. Times in {report.zone}."
    hints = el("ul", (el("li", hint) for hint in report.hints)) if report.hints else None
    return el("h1", report.title), el("p", words, cls="made"), hints


def _section(section: parts.Section) -> Html:
    return el("section", el("h2", section.title), (_WRITERS[each.kind](each, section.title) for each in section.blocks))


def _facts(block: parts.Facts, _title: str) -> Html:
    return el("dl", (el("div", el("dt", name), el("dd", value)) for name, value in block.pairs))


def _table(block: parts.Table, title: str) -> Html:
    numbers = [head.startswith(">") for head in block.heads]
    head = el("tr", (el("th", name.lstrip(">"), scope="col", cls="num" if number else None)
                     for name, number in zip(block.heads, numbers, strict=True)))  # fmt: skip
    rows = (
        el("tr", (el("td", cell, cls="num" if number else None) for cell, number in zip(row, numbers, strict=True)),
           cls="bad" if at in block.failed else None)
        for at, row in enumerate(block.rows)
    )  # fmt: skip
    return _scroll(el("table", el("caption", title), el("thead", head), el("tbody", rows)), title)


def _scroll(inside: Html, title: str, cls: str = "scroll") -> Html:
    return el("div", inside, cls=cls, tabindex=0, role="region", aria_label=title)


def _prose(block: parts.Prose, _title: str) -> Html:
    return el("p", block.text)


def _quotes(block: parts.Quotes, _title: str) -> Html:
    return el("ul", (el("li", el("b", who), el("pre", said)) for who, said in block.quotes), cls="quotes")


def _sequence(block: parts.Sequence, title: str) -> Html:
    found = block.interactions
    return _scroll(sequence.draw(found.participants, found.messages), title, "drawing")


def _flow(block: parts.Flow, title: str) -> Html:
    arrows = [graph.Arrow(a, b, count, f"{count}×", loud) for a, b, count, loud in block.edges]
    return _scroll(graph.draw(arrows, title), title, "drawing")


def _columns(block: parts.Columns, _title: str) -> Html:
    return charts.days([(day, Cost(calls=1, exact_usd=amount)) for day, amount in block.days])


def _steps(block: parts.Steps, title: str) -> Child:
    heads = ("at", "step", "when", "took", "tokens", "cost")
    head = el("tr", (el("th", name, scope="col", cls=None if name in ("step", "when") else "num") for name in heads))
    rows = (_step(each, block.whole_ms) for each in block.steps)
    table = el("table", el("caption", title), el("thead", head), el("tbody", rows), cls="steps")
    left = el("p", f"{block.left:,} further steps are not shown.", cls="dim") if block.left > 0 else None
    return _scroll(table, title), left


def _step(each: parts.Step, whole_ms: float) -> Html:
    kind = each.step_kind if each.step_kind in v.KINDS else "other"
    return el(
        "tr",
        el("td", f"+{f.duration(each.offset_ms)}", cls="num"),
        el("td", el("span", _SHORT.get(kind, kind), cls="chip"), " ", el("b", each.title), " ",
           el("span", each.said, cls="dim") if each.said else None, cls=f"d{min(each.depth, _DEEPEST)}"),
        el("td", charts.span(each.offset_ms, each.duration_ms, whole_ms, "")),
        el("td", f.duration(each.duration_ms) if each.duration_ms else "", cls="num"),
        el("td", f"{each.tokens:,}" if each.tokens else "", cls="num"),
        el("td", each.cost, cls="num"),
        cls=f"k-{kind} bad" if each.failed else f"k-{kind}",
    )  # fmt: skip


_SHORT: Final = {v.KIND_LLM_CALL: "llm", v.KIND_TOOL_CALL: "tool", v.KIND_ANNOTATION: "note", v.KIND_APP: "log"}
_WRITERS: Final[dict[str, Callable[[Any, str], Child]]] = {
    "facts": _facts, "table": _table, "prose": _prose, "quotes": _quotes, "sequence": _sequence, "flow": _flow,
    "columns": _columns, "steps": _steps,
}  # fmt: skip
