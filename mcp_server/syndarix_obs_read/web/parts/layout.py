"""The frame around every page: navigation, title, time, and where the data comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syndarix_obs_read.catalogue import GROUPS
from syndarix_obs_read.web import assets
from syndarix_obs_read.web.asked import TIME, Asked, address
from syndarix_obs_read.web.html import Child, Html, document, el
from syndarix_obs_read.web.view import Page, View

_STYLES: Final = ("style.css", "drawings.css", "steps.css", "reading.css", "lists.css")
_KEYS: Final = (
    ("j k", "next, previous step or row"), ("/", "search"), ("Enter", "open"), ("Esc", "close the step"),
    ("← →", "fold, unfold"), ("z", "fold all"), ("e E", "next, previous error"), ("c", "costliest, then the next one"),
    ("s", "slowest, then the next one"), ("y", "copy the link to what is shown"),
    ("+ - 0", "flame: closer, further away, everything"),
    ("?", "this list"),
)  # fmt: skip
_HEADINGS: Final = {"Run again": "Judge"}
_SPANS: Final = ("1h", "24h", "7d", "30d")


def whole(asked: Asked, pages: Sequence[Page], page: Page, view: View) -> str:
    """A page as text.

    Args:
        pages: those of the navigation.
        page: the one that is shown.
    """
    twin = address(page.twin, **asked.given)
    return document(
        el(
            "html",
            _head(view.title),
            el(
                "body",
                el("a", "Skip to the content", href="#main", cls="skip"),
                el("header", _brand(asked), _navigation(asked, pages, page), cls="side"),
                _keys(),
                el("main", _title(asked, page, view), _content(page, view), _foot(asked, twin), id="main", tabindex=-1),
            ),
            lang="en",
        )
    )


def _head(title: str) -> Html:
    return el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{title} · syndarix-obs"),
        el("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
        (el("link", rel="stylesheet", href=assets.address(name)) for name in _STYLES),
        el("script", src=assets.address("early.js")),
        el("script", src=assets.address("explorer.js"), type="module"),
    )


def _keys() -> Html:
    """What keys do; the script opens it."""
    rows = (el("div", el("dt", el("kbd", key)), el("dd", words)) for key, words in _KEYS)
    shut = el("form", el("button", "Close"), method="dialog")
    return el("dialog", el("h2", "Keys"), el("dl", rows), shut, id="keys", aria_label="Keys")


def _brand(asked: Asked) -> Html:
    mark = el(
        "svg", el("rect", x=1, y=3, width=14, height=3, rx=1.5), el("rect", x=4, y=8, width=8, height=3, rx=1.5),
        el("rect", x=8, y=13, width=11, height=3, rx=1.5), viewBox="0 0 20 19", cls="mark", aria_hidden="true",
    )  # fmt: skip
    return el("a", mark, el("span", "syndarix-obs"), href=asked.to("/"), cls="brand", aria_label="syndarix-obs")


def _navigation(asked: Asked, pages: Sequence[Page], page: Page) -> Html:
    here = page.under or page.path
    named = [each for each in pages if each.name]
    links: list[Child] = []
    for group in ("", *GROUPS):
        its = [each for each in named if each.group == group]
        if group and its:
            links.append(el("span", _HEADINGS.get(group, group), cls="group"))
        links += [
            el("a", each.name, href=asked.to(each.path), aria_current="page" if each.path == here else None)
            for each in its
        ]
    return el("nav", links, aria_label="Pages")


def _title(asked: Asked, page: Page, view: View) -> Html:
    live = page.live and asked.word("before") is None and asked.word("until") is None
    return el("div", el("h1", view.title), _live() if live else None, _time(asked) if page.timed else None, cls="title")


def _live() -> Html:
    """One line of state, and a way to pause; the script shows it."""
    state = el("span", "", id="live-state", role="status")
    button = el("button", "Pause", type="button", aria_pressed="true")
    return el("p", state, " ", button, id="live", cls="live-state dim needs-script", data_source="/live")


def _content(page: Page, view: View) -> Html:
    return el("div", view.draw(), id="live-part") if page.live else view.draw()


def _time(asked: Asked) -> Html:
    since, until = (asked.word(name) for name in TIME)
    chosen = since or ("" if until else asked.since)
    links: list[Child] = [
        el(
            "a", each, href=asked.here(since=each, until=None, before=None),
            aria_current="true" if each == chosen and until is None else None,
        )
        for each in _SPANS
    ]  # fmt: skip
    if chosen not in _SPANS or until:
        words = f"{since or '…'} – {until}" if until else str(since)
        links.append(el("span", words, aria_current="true", cls="name"))
    return el("nav", links, cls="time", aria_label="How far back")


def _foot(asked: Asked, twin: str) -> Html:
    source = asked.settings.store_path if asked.settings.backend == "embedded" else asked.settings.loki_url
    return el(
        "footer",
        el("span", asked.settings.backend, " · ", el("code", str(source))),
        el("span", f"times in {asked.settings.timezone}", id="zone", data_zone=asked.settings.timezone),
        el("button", "keys ?", type="button", data_keys=True, cls="needs-script"),
        el("a", "this page as JSON", href=twin),
    )
