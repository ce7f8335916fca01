"""The form above a list: what it may be narrowed by. Without a script it is an ordinary form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import STATUSES
from syndarix_obs_read.web import query
from syndarix_obs_read.web.asked import Asked
from syndarix_obs_read.web.html import Child, Html, el


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Args:
        word: in the address.
        label: for people.
        choices: the only values, if it has some.
        names: which names are suggested.
        example: shown while it is empty.
    """

    word: str
    label: str
    choices: tuple[str, ...] = ()
    names: str = ""
    example: str = ""


FIELDS: Final[Mapping[str, Field]] = {
    each.word: each
    for each in (
        Field("text", "Text", example="in names, errors, messages"),
        Field("agent", "Agent", names="agent"),
        Field("project", "Project", names="project"),
        Field("user", "User", example="id or pseudonym"),
        Field("model", "Model", names="model"),
        Field("tool", "Tool", names="tool"),
        Field("task_type", "Task", names="task_type"),
        Field("status", "Status", choices=STATUSES),
        Field("level", "Level from", choices=v.LEVELS),
        Field("kind", "Kind", choices=v.LOG_KINDS),
        Field("type", "Decision", names="decision_type"),
        Field("session", "Session", example="id"),
        Field("trace", "Trace", example="id"),
        Field("min_cost", "Cost from", example="$ 0.05"),
        Field("min_duration", "Duration from", example="1.5s"),
        Field("what_if", "With model", example="gpt-5-mini"),
        Field("since", "Since", example="7d, today, 2026-03-01"),
        Field("until", "Until", example="now"),
    )
}
"""Every field that a page may show."""

_MOST_NAMES: Final = 100
_TIMES: Final = ("since", "until")


def form(asked: Asked, *words: str, rare: tuple[str, ...] = (), timed: bool = True) -> Html:
    """The form of a page.

    Args:
        words: of the fields that are always seen.
        rare: of those behind `more`.
        timed: whether the time is among those, too.
    """
    behind = (*rare, *(_TIMES if timed else ()))
    opened = any(asked.word(word) for word in rare) or any(asked.word(word) for word in ("until",))
    kept = {name: value for name, value in asked.given.items() if name not in {*words, *behind, "before", "q"}}
    given = [word for word in ("q", *words, *behind) if asked.word(word) and word != "since"]
    clear = el("a", "clear", href=asked.here(**dict.fromkeys((*given, "before"))), cls="quiet") if given else None
    return el(
        "form",
        (el("input", type="hidden", name=name, value=value) for name, value in kept.items()),
        el("div", (_search(asked, words, rare) if word == "text" else _field(asked, word) for word in words),
           cls="fields"),
        el("details", el("summary", "more"), el("div", (_field(asked, word) for word in behind), cls="fields"),
           open=opened) if behind else None,
        el("div", el("button", "Apply", type="submit"), clear, cls="actions"),
        method="get", action=asked.path, cls="filters", role="search",
    )  # fmt: skip


def _search(asked: Asked, words: tuple[str, ...], rare: tuple[str, ...]) -> Html:
    """The one box for text and names; the script completes what is written."""
    allowed = (*words, *rare)
    known: dict[str, tuple[str, ...]] = {f"{name}:": () for name in query.EQUALS if query.EQUALS[name] in allowed}
    known |= {f"{name}>": () for name, word in query.ABOVE.items() if word in allowed}
    for name, word in query.EQUALS.items():
        if f"{name}:" in known and word in FIELDS:
            known[f"{name}:"] = FIELDS[word].choices or asked.known.get(FIELDS[word].names, ())[:_MOST_NAMES]
    value = " ".join(filter(None, (asked.word("q"), asked.word("text"))))
    return el(
        "div", el("label", "Search", for_="q"),
        el("input", type="search", name="q", id="q", value=value, autocomplete="off", spellcheck="false",
           placeholder="text, or agent:support cost>0.1 status:error", data_known=json.dumps(known)),
        cls="field wide search",
    )  # fmt: skip


def _field(asked: Asked, word: str) -> Html:
    field, value = FIELDS[word], asked.word(word) or ""
    identifier = f"f-{word}"
    inside: Child
    if field.choices:
        inside = el(
            "select",
            el("option", "any", value=""),
            (el("option", each, value=each, selected=each == value) for each in _with(field.choices, value)),
            name=word, id=identifier,
        )  # fmt: skip
    else:
        listed = asked.known.get(field.names, ()) if field.names else ()
        inside = (
            el("input", type="search" if word == "text" else "text", name=word, id=identifier, value=value,
               placeholder=field.example or None, list=f"{identifier}-names" if listed else None,
               autocomplete="off", spellcheck="false"),
            el("datalist", (el("option", value=each) for each in listed), id=f"{identifier}-names")
            if listed else None,
        )  # fmt: skip
    label = el("label", field.label, for_=identifier)
    return el("div", label, inside, cls=f"field {'wide' if word == 'text' else ''}".strip())


def _with(choices: tuple[str, ...], value: str) -> tuple[str, ...]:
    """What was asked for stays in sight, also when it is none of the choices."""
    return choices if not value or value in choices else (*choices, value)
