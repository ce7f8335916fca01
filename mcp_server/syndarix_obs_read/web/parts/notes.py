"""What people said, and the form to say more: on a page of its own, and in place on those of sessions and steps."""

from __future__ import annotations

from syndarix_obs_read.answers.annotate import LONGEST, Annotations, Said
from syndarix_obs_read.web.asked import Asked
from syndarix_obs_read.web.form_token import FIELD
from syndarix_obs_read.web.html import Child, Html, el
from syndarix_obs_read.web.parts import pieces, tables

_COLUMNS = tables.columns("when", "who", "what", "value", "said*", "about?")


def listed(asked: Asked, answer: Annotations) -> Html:
    """Notes and scores, the last first."""
    if not answer.said:
        return el("p", "Nobody has said anything.", cls="dim")
    rows = ((_row(asked, each), "") for each in answer.said)
    return tables.table(_COLUMNS, rows, caption="Notes and scores, the last first")


def _row(asked: Asked, each: Said) -> list[Child]:
    value = {"up": "👍 up", "down": "👎 down"}.get(each.value, each.value)
    what = f"{each.kind}: {each.label}" if each.label else each.kind
    is_step = len(each.target) == 16 and bool(each.trace_id)
    about = pieces.trace_link(asked, each.trace_id, "a step", step=each.target) if is_step else "the run"
    return [
        pieces.moment(each.said, asked.zone), pieces.name(each.author), what, value, el("span", each.text), about,
    ]  # fmt: skip


def form(asked: Asked, run: str, step: str | None = None, *, several: bool = False) -> Html | None:
    """A form to say something about a run or a step; none where writing is switched off.

    Args:
        several: whether `run` names several runs, with commas.
    """
    if not asked.settings.may_write:
        return None
    key = step or "run"
    return el(
        "form",
        el("input", type="hidden", name="runs" if several else "run", value=run),
        el("input", type="hidden", name="step", value=step) if step else None,
        el("input", type="hidden", name=FIELD, value=asked.form_token),
        el("div", _thumbs(key), _input(key, "label", "Label", "bug, tone", LONGEST["label"]),
           _input(key, "note", "Note", "", LONGEST["note"], wide=True),
           None if step else _input(key, "outcome", "Outcome", "resolved", LONGEST["outcome"]),
           _input(key, "author", "Your name", "", LONGEST["author"]), cls="fields"),
        el("div", el("button", "Keep", type="submit"), cls="actions"),
        method="post", action="/note", cls="filters notes",
    )  # fmt: skip


def _thumbs(key: str) -> Html:
    choices = (("", "–"), ("up", "👍 up"), ("down", "👎 down"))
    options = (el("option", words, value=value) for value, words in choices)
    identifier = f"notes-{key}-thumbs"
    return el("div", el("label", "Thumbs", for_=identifier), el("select", options, name="thumbs", id=identifier),
              cls="field")  # fmt: skip


def _input(key: str, name: str, label: str, example: str, most: int, *, wide: bool = False) -> Html:
    identifier = f"notes-{key}-{name}"
    field = el("input", type="text", name=name, id=identifier, placeholder=example or None, maxlength=most,
               autocomplete="name" if name == "author" else "off")  # fmt: skip
    return el("div", el("label", label, for_=identifier), field, cls="field wide" if wide else "field")
