"""Tables: columns declared once, rows of cells; wide ones scroll in their own box."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from syndarix_obs_read.answers.base import ListAnswer
from syndarix_obs_read.web.asked import Asked, Before, before_word
from syndarix_obs_read.web.html import NOTHING, Child, Html, el


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        head: what stands above it.
        number: whether its cells stand to the right, digit under digit.
        grows: whether it takes the width that is left, its text cut.
        spare: whether it goes away on a narrow screen.
        about: what it means, on hovering.
        style: further classes of its cells.
        link: address of the same list sorted by it.
        order: how the list is sorted by it, as `aria-sort` says it.
    """

    head: str
    number: bool = False
    grows: bool = False
    spare: bool = False
    about: str | None = None
    style: str = ""
    link: str | None = None
    order: str | None = None

    @property
    def cls(self) -> str | None:
        """Classes of its cells."""
        names = [name for name, on in (("num", self.number), ("grow", self.grows), ("spare", self.spare)) if on]
        return " ".join([*names, *self.style.split()]) or None


def columns(*heads: str) -> tuple[Column, ...]:
    """Columns from their heads: `>` before it for numbers, `*` behind for the one that grows, `?` for a spare one."""
    return tuple(
        Column(head.strip(">*?"), number=head.startswith(">"), grows="*" in head, spare="?" in head) for head in heads
    )


def table(heads: Sequence[Column], rows: Iterable[tuple[Sequence[Child], str]], *, caption: str) -> Html:
    """A table.

    Args:
        rows: cells and the class of each row.
        caption: what it lists, for those who cannot see it.
    """
    head = el("tr", (_head(each) for each in heads))
    body = (
        el("tr", (el("td", cell, cls=each.cls) for each, cell in zip(heads, cells, strict=True)), cls=style or None)
        for cells, style in rows
    )
    whole = el("table", el("caption", caption), el("thead", head), el("tbody", body))
    return el("div", whole, cls="scroll", tabindex=0, role="region", aria_label=caption)


def _head(column: Column) -> Html:
    inside: Child = column.head or el("span", "choose", cls="unseen")
    if column.link is not None:
        inside = el("a", column.head, href=column.link, title=f"sort by {column.head}")
    return el("th", inside, scope="col", cls=column.cls, title=column.about, aria_sort=column.order)


def pager(asked: Asked, answer: ListAnswer, moments: Sequence[datetime]) -> Html:
    """Ways to older and to the newest rows of a list in order of time.

    Args:
        moments: time of each row, without those that an older page leaves out.
    """
    before = asked.before
    links: list[Child] = []
    if before is not None:
        links.append(el("a", "« newest", href=asked.here(before=None), cls="button"))
    if answer.more and moments:
        word = before_word(moments[-1], _same(moments, before))
        links.append(el("a", "older ›", href=asked.here(before=word), cls="button", rel="next"))
    count = f"{len(moments):,}" + (f" of {answer.total:,}" if answer.total and before is None and answer.more else "")
    if not links:
        return NOTHING
    return el("nav", el("span", count, " shown", cls="dim"), links, cls="pager", aria_label="Older and newer rows")


def _same(moments: Sequence[datetime], before: Before | None) -> int:
    """How many rows of the last row's microsecond were shown, on this page and on the ones before."""
    last = moments[-1]
    here = sum(1 for each in moments if each == last)
    if before is not None and here == len(moments) and before_word(last, 0).split(".")[0] == str(before.us):
        return here + before.skip
    return here


def larger(asked: Asked, answer: ListAnswer, count: int) -> Html:
    """A way to more rows of a list in another order than that of time."""
    if not answer.more or count >= 1_000:
        return NOTHING
    return el("nav", el("a", "show more", href=asked.here(limit=min(1_000, count * 4)), cls="button"), cls="pager")
