"""A session as a conversation: who said what to whom, with time and dollars running along in the margin."""

from __future__ import annotations

from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.conversation import Conversation, MarginNote, Utterance
from syndarix_obs_read.answers.message_parts import Part
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.web.asked import Asked, address
from syndarix_obs_read.web.html import Child, Html, el
from syndarix_obs_read.web.parts import messages, pieces

_NOTES_SHOWN: Final = 3
_LINE: Final = 110
_ALL: Final = 10_000
"""Characters of which nothing that fits a line is cut."""


def draw(asked: Asked, found: Conversation) -> Child:
    """The conversation."""
    if not found.utterances:
        return el("p", "No model or tool call of it was recorded with its content.", cls="dim")
    search = el("input", type="search", id="conversation-search", placeholder="search in what was said  /",
                aria_label="Search in what was said", autocomplete="off")  # fmt: skip
    return (
        el("div", search, el("span", "", id="conversation-found", role="status", cls="dim"), id="conversation-tools",
           cls="tools needs-script"),
        el("ol", (_utterance(asked, each) for each in found.utterances), cls="conversation", id="conversation"),
        pieces.hints(found),
    )  # fmt: skip


def _utterance(asked: Asked, said: Utterance) -> Html:
    whole = address("/step", trace=said.trace_id, step=said.span_id, whole=1)
    failed = " is-error" if said.error else ""
    return el(
        "li",
        el("p", el("b", said.who), el("span", f"to {said.to}", cls="to") if said.to else None, cls="who"),
        _bubble(said, whole),
        _margin(asked, said),
        cls=f"utterance u-{said.role}{failed}", tabindex=0, id=f"said-{said.number}",
    )  # fmt: skip


def _bubble(said: Utterance, whole: str) -> Html:
    error = el("p", said.error, cls="failed") if said.error else None
    if said.role == "tool":
        return el("details", el("summary", _in_a_line(said)), error,
                  (messages.part(p, whole) for p in said.parts if not _is_told(p)),
                  cls="bubble", open=bool(said.error))  # fmt: skip
    if said.role == "instructions":
        words = sum(len(str(part.value or "")) for part in said.parts)
        return el("details", el("summary", f"instructions, {words:,} characters"),
                  (messages.part(p, whole) for p in said.parts), cls="bubble")  # fmt: skip
    if not said.parts and not error:
        return el("div", el("p", "said nothing", cls="dim"), cls="bubble")
    return el("div", error, (_said(part, whole) for part in said.parts), cls="bubble")


def _is_told(part: Part) -> bool:
    """Whether the line above says all of it already: a call whose arguments fit there."""
    return part.kind == "call" and len(brief(part.value or "", _ALL)) <= _LINE


def _said(part: Part, whole: str) -> Html:
    """A call of a tool is one line here: the call itself follows."""
    if part.kind == "call":
        return el("p", "calls ", el("b", part.name), " ", brief(part.value or "", _LINE), cls="dim")
    return messages.part(part, whole)


def _in_a_line(said: Utterance) -> str:
    call = next((part for part in said.parts if part.kind == "call"), None)
    result = next((part for part in said.parts if part.kind != "call"), None)
    asked = "" if call is None else brief(call.value or "without arguments", _LINE)
    return asked + ("" if result is None else f" → {brief(result.value or '', _LINE)}")


def _margin(asked: Asked, said: Utterance) -> Html:
    facts = [f"+{f.duration(said.offset_ms)}"]
    if said.duration_ms:
        facts.append(f"took {f.duration(said.duration_ms)}")
    if said.cost_usd is not None:
        facts.append(f"{f.money(said.cost_usd)} of {f.money(said.cost_so_far_usd)}")
    step = el("a", " · ".join(facts), href=asked.to("/trace", id=said.trace_id, step=said.span_id) + "#split",
              title="when it ended, how long it took, its dollars of those so far; leads to the step")  # fmt: skip
    first, rest = said.notes[:_NOTES_SHOWN], said.notes[_NOTES_SHOWN:]
    more = None
    if rest:
        more = el("details", el("summary", f"{len(rest)} more"), [_note(asked, each) for each in rest],
                  cls="by-the-way")  # fmt: skip
    return el("div", el("p", step, cls="so-far num"), (_note(asked, each) for each in first), more, cls="margin")


def _note(asked: Asked, note: MarginNote) -> Html:
    kind = note.kind if note.kind in v.KINDS else "other"
    name = el("a", note.title, href=asked.to("/trace", id=note.trace_id, step=note.span_id) + "#split")
    return el("p", f"{pieces.SHORT.get(note.kind, note.kind)} ", name, " ", note.text,
              cls=f"aside-note k-{kind}{' is-error' if note.failed else ''}")  # fmt: skip
