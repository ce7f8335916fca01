"""What every page shows alike: states, amounts, times, ids, hints, failures, sections."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from typing import Final, TypeVar

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.amounts import Cost
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.web.asked import Asked, Failure, Got
from syndarix_obs_read.web.html import NOTHING, Child, Html, el, joined

A = TypeVar("A", bound=Answer)

SHORT: Final = {v.KIND_LLM_CALL: "llm", v.KIND_TOOL_CALL: "tool", v.KIND_ANNOTATION: "note", v.KIND_APP: "log"}
"""Kinds by a shorter name."""
_STATES: Final = frozenset({"ok", "error", "running", "stalled", "warning", "failing", "active", "suppressed"})
_CODE: Final = re.compile(r"`([^`]+)`")
_ID: Final = 8


def badge(state: str, text: str | None = None) -> Html:
    """How something is, in a word and a colour."""
    return el("span", text or state, cls=f"badge is-{state if state in _STATES else 'other'}")


def chip(*children: Child, kind: str = "other") -> Html:
    """A kind of step, in its colour."""
    return el("span", *children, cls=f"chip k-{kind if kind in v.KINDS else 'other'}")


def dim(*children: Child) -> Html:
    """Something of less weight."""
    return el("span", *children, cls="dim")


def money(cost: Cost) -> Html:
    """What calls cost; estimates and calls without a price are named, never summed up in silence."""
    if not cost.calls:
        return dim(f.NOTHING)
    parts: list[Child] = []
    if cost.total_usd is None:
        parts.append(el("span", "unpriced", cls="badge is-warning", title=_unpriced(cost)))
    else:
        if cost.estimated_calls:
            parts.append(el("abbr", "~", title=f"{f.money(cost.estimated_usd)} of it estimated"))
        parts.append(f.money(cost.total_usd))
        if cost.unpriced_calls:
            parts.append(el("abbr", f"+{cost.unpriced_calls}?", cls="aside", title=_unpriced(cost)))
    return el("span", parts, cls="num")


def _unpriced(cost: Cost) -> str:
    calls = "1 call" if cost.unpriced_calls == 1 else f"{cost.unpriced_calls:,} calls"
    return f"{calls} without a known price, not in the sum: {', '.join(cost.unpriced_models)}"


def moment(value: datetime | None, zone: tzinfo, *, precise: bool = False) -> Html:
    """A time in the zone of the settings, which a script changes to the reader's; the whole of it on hovering."""
    if value is None:
        return dim(f.NOTHING)
    whole = value.astimezone(zone).isoformat(timespec="milliseconds")
    return el("time", f.moment(value, zone, precise=precise), datetime=whole, title=whole,
              data_form="precise" if precise else "second")  # fmt: skip


def short(identifier: str) -> str:
    """The beginning of an id, enough to tell it by; ids that people chose stay whole while they are short."""
    is_hex = re.fullmatch(r"[0-9a-f-]{16,}", identifier, re.ASCII)
    return identifier[:_ID] if is_hex else identifier if len(identifier) <= 24 else identifier[:23] + "…"


def trace_link(asked: Asked, trace_id: str | None, text: str | None = None, *, step: str | None = None) -> Html:
    """A way to a trace."""
    if not trace_id:
        return dim(f.NOTHING)
    shown = el("a", text or short(trace_id), href=asked.to("/trace", id=trace_id, step=step), title=trace_id)
    return shown if text else el("span", shown, cls="mono")


def session_link(asked: Asked, session_id: str | None, text: str | None = None) -> Html:
    """A way to a session."""
    if not session_id:
        return dim(f.NOTHING)
    shown = el("a", text or short(session_id), href=asked.to("/session", id=session_id), title=session_id)
    return shown if text else el("span", shown, cls="mono")


def name(value: str | None) -> Html:
    """A name that somebody gave, or that there is none."""
    return dim(f.NOTHING) if not value else el("span", value, cls="name", title=value if len(value) > 20 else None)


def user(value: str | None) -> Html:
    """A user's pseudonym, shortened."""
    if not value:
        return dim(f.NOTHING)
    return el("span", value if len(value) <= 12 else value[:10] + "…", cls="mono", title=value)


def prose(text: str) -> Html:
    """A sentence of ours, with `commands` set apart."""
    parts = _CODE.split(text)
    return joined(el("code", part) if at % 2 else part for at, part in enumerate(parts))


def section(title: str, *children: Child, aside: Child = None, cls: str = "") -> Html:
    """A titled part of a page."""
    head = el("header", el("h2", title), el("div", aside, cls="aside") if aside is not None else None)
    return el("section", head, children, cls=f"card {cls}".strip())


def hints(answer: Answer) -> Html:
    """Why an answer is empty or cut, and what to try."""
    if not answer.hints:
        return NOTHING
    return el("ul", (el("li", prose(hint)) for hint in answer.hints), cls="hints")


def empty(answer: Answer, what: str) -> Html:
    """What stands in the place of a list without rows."""
    return el("div", el("p", f"No {what}.", cls="empty-title"), hints(answer), cls="empty")


def trouble(found: Failure) -> Html:
    """A question that has no answer: what is wrong, and what to do next."""
    return el("div", el("p", prose(found.message)), cls="trouble", role="alert")


def shown(found: Got[A], draw: Callable[[A], Child]) -> Html:
    """An answer, drawn, or why there is none."""
    return trouble(found) if isinstance(found, Failure) else joined(draw(found))


def facts(pairs: Iterable[tuple[str, Child]], cls: str = "facts") -> Html:
    """Names and values beside one another; a pair whose value is None is left out."""
    return el(
        "dl", (el("div", el("dt", key), el("dd", value)) for key, value in pairs if value is not None), cls=cls
    )


def tile(label: str, value: Child, note: Child = None, *, href: str | None = None, tone: str = "") -> Html:
    """One figure of an overview."""
    inside = (el("span", label, cls="label"), el("strong", value), el("span", note, cls="note"))
    if href is None:
        return el("div", inside, cls=f"tile {tone}".strip())
    return el("a", inside, cls=f"tile {tone}".strip(), href=href)
