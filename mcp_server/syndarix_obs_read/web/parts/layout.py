"""The frame around every page: navigation, title, time, and where the data comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syndarix_obs_read.web.asked import TIME, Asked, address
from syndarix_obs_read.web.html import Child, Html, document, el
from syndarix_obs_read.web.view import Page, View

_SPANS: Final = ("1h", "24h", "7d", "30d")


def whole(asked: Asked, pages: Sequence[Page], page: Page, view: View, stamp: str) -> str:
    """A page as text.

    Args:
        pages: those of the navigation.
        page: the one that is shown.
        stamp: changes when style or script do, so that browsers take the new ones.
    """
    twin = address(page.twin, **asked.given)
    return document(
        el(
            "html",
            _head(view.title, stamp),
            el(
                "body",
                el("a", "Skip to the content", href="#main", cls="skip"),
                el("header", _brand(asked), _navigation(asked, pages, page), cls="side"),
                el("main", _title(asked, page, view), view.draw(), _foot(asked, twin), id="main", tabindex=-1),
            ),
            lang="en",
        )
    )


def _head(title: str, stamp: str) -> Html:
    return el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{title} · syndarix-obs"),
        el("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
        el("link", rel="stylesheet", href=f"/static/style.css?{stamp}"),
        el("link", rel="stylesheet", href=f"/static/drawings.css?{stamp}"),
        el("script", src=f"/static/explorer.js?{stamp}", defer=True),
    )


def _brand(asked: Asked) -> Html:
    mark = el(
        "svg", el("rect", x=1, y=3, width=14, height=3, rx=1.5), el("rect", x=4, y=8, width=8, height=3, rx=1.5),
        el("rect", x=8, y=13, width=11, height=3, rx=1.5), viewBox="0 0 20 19", cls="mark", aria_hidden="true",
    )  # fmt: skip
    return el("a", mark, el("span", "syndarix-obs"), href=asked.to("/"), cls="brand")


def _navigation(asked: Asked, pages: Sequence[Page], page: Page) -> Html:
    here = page.under or page.path
    links = (
        el("a", each.name, href=asked.to(each.path), aria_current="page" if each.path == here else None)
        for each in pages
        if each.name
    )
    return el("nav", links, aria_label="Pages")


def _title(asked: Asked, page: Page, view: View) -> Html:
    return el("div", el("h1", view.title), _time(asked) if page.timed else None, cls="title")


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
        el("span", f"times in {asked.settings.timezone}"),
        el("a", "this page as JSON", href=twin),
    )
