"""What every list can: sorted by a column, columns chosen, views kept, several rows taken together, taken along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeVar

from syndarix_obs_read import views
from syndarix_obs_read.answers.base import ListAnswer
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.web.asked import MOST_ROWS, Asked, address
from syndarix_obs_read.web.form_token import FIELD
from syndarix_obs_read.web.html import NOTHING, Child, Html, el
from syndarix_obs_read.web.parts import tables
from syndarix_obs_read.web.parts.tables import Column

R = TypeVar("R")

_UP: Final = ".up"
MOST_ANNOTATED: Final = 100
"""Rows that can be annotated at once."""
WORDS: Final = ("sort", "columns", "only")
"""Words of an address that belong to lists."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """One list.

    Args:
        name: of its page and of the field of its answer.
        columns: all of them; the first is always shown.
        keys: what a column is sorted by, by its head.
        identify: the id of a row.
        compare: path that compares two rows, with its two words.
    """

    name: str
    columns: tuple[Column, ...]
    keys: Mapping[str, Callable[[R], Any]]
    identify: Callable[[R], str]
    compare: tuple[str, str, str] | None = None
    hidden: frozenset[str] = field(default_factory=frozenset)

    def sort(self, asked: Asked) -> tuple[str, bool] | None:
        """The column that it is sorted by, and whether the smallest comes first."""
        given = asked.word("sort")
        if given is None:
            return None
        name, up = given.removesuffix(_UP), given.endswith(_UP)
        if name not in self.keys:
            raise FilterError(f"{self.name} cannot be sorted by {given!r}; possible: {', '.join(self.keys)}")
        return name, up

    def limit(self, asked: Asked) -> int:
        """How many rows are read: a list in another order than that of time is sorted among as many as can be."""
        self.shown(asked)  # what cannot be shown is not asked for
        return MOST_ROWS if self.sort(asked) or asked.word("only") else asked.limit()

    def ordered(self, asked: Asked, rows: Sequence[R]) -> tuple[R, ...]:
        """The rows as they are shown."""
        only = asked.word("only")
        if only is not None:
            wanted = set(only.split(","))
            rows = [row for row in rows if self.identify(row) in wanted]
        by = self.sort(asked)
        if by is None:
            return tuple(rows[: asked.limit()])
        key = self.keys[by[0]]
        known = [row for row in rows if key(row) is not None]
        without = [row for row in rows if key(row) is None]
        return tuple([*sorted(known, key=key, reverse=not by[1]), *without][: asked.limit()])

    def shown(self, asked: Asked) -> list[int]:
        """Positions of the columns that are shown."""
        given = asked.word("columns")
        heads = [column.head for column in self.columns]
        if given is None:
            return [at for at, head in enumerate(heads) if head not in self.hidden]
        wanted = given.split(",")
        unknown = [name for name in wanted if name not in heads]
        if unknown:
            raise FilterError(f"{self.name} have no column {unknown[0]!r}; possible: {', '.join(heads)}")
        return [at for at, head in enumerate(heads) if at == 0 or head in wanted]

    def table(
        self, asked: Asked, rows: Iterable[R], draw: Callable[[R], tuple[Sequence[Child], str]], *, caption: str
    ) -> Html:
        """The rows, each with a box to choose it, under heads that sort."""
        positions = self.shown(asked)
        heads = [Column("", style="pick"), *(self._head(asked, self.columns[at]) for at in positions)]
        drawn = []
        for row in rows:
            cells, style = draw(row)
            drawn.append(([_box(self.identify(row)), *(cells[at] for at in positions)], style))
        return tables.table(heads, drawn, caption=caption)

    def _head(self, asked: Asked, column: Column) -> Column:
        if column.head not in self.keys:
            return column
        by = self.sort(asked)
        on = by is not None and by[0] == column.head
        down = on and by is not None and not by[1]
        link = asked.here(sort=column.head + (_UP if down else ""), before=None)
        return replace(column, link=link, order="descending" if down else "ascending" if on else "none")


def _box(identifier: str) -> Html:
    return el("input", type="checkbox", name="id", value=identifier, form="bulk", aria_label=f"Choose {identifier}")


def below(asked: Asked, listing: Listing[Any], answer: ListAnswer, shown: int) -> Child:
    """Under a list: what to do with the chosen rows, and the rows to take along."""
    by = listing.sort(asked)
    among = None
    if by is not None and answer.more:
        words = f"Sorted by {by[0]} among the newest {MOST_ROWS:,}; narrow the list to sort all of it."
        among = el("p", words, cls="note")
    compare = annotate = None
    if listing.compare is not None:
        compare = el("button", "Compare two", type="submit", name="do", value="compare", data_least=2, data_most=2)
        if asked.settings.may_write:
            annotate = el("button", "Annotate", type="submit", name="do", value="annotate", data_least=1,
                          data_most=MOST_ANNOTATED)  # fmt: skip
    bulk = el(
        "form",
        el("input", type="hidden", name="from", value=asked.here()),
        el("span", "", id="bulk-chosen", role="status", cls="dim"),
        compare,
        annotate,
        el("button", "CSV of chosen", type="submit", name="do", value="csv", data_least=1, data_most=MOST_ROWS),
        el("button", "JSON of chosen", type="submit", name="do", value="json", data_least=1, data_most=MOST_ROWS),
        el("span", "all shown: ", el("a", "CSV", href=address(f"{asked.path}.csv", **asked.given)), " ",
           el("a", "JSON", href=address(f"{asked.path}.json", **asked.given)), cls="dim"),
        method="get", action="/pick", id="bulk", cls="bulk",
    )  # fmt: skip
    return among, bulk if shown else None


def above(asked: Asked, listing: Listing[Any]) -> Child:
    """Above a list: its views and its columns."""
    return el("div", _views(asked), _columns(asked, listing), cls="list-tools")


def _columns(asked: Asked, listing: Listing[Any]) -> Html:
    shown = {listing.columns[at].head for at in listing.shown(asked)}
    links = []
    for column in listing.columns[1:]:
        on = column.head in shown
        wanted = [c.head for c in listing.columns[1:] if (c.head in shown) != (c.head == column.head)]
        links.append(
            el("li", el("a", ("✓ " if on else "+ ") + column.head, href=asked.here(columns=",".join(wanted) or None)))
        )
    every = el("li", el("a", "as usual", href=asked.here(columns=None))) if asked.word("columns") else None
    return el("details", el("summary", "columns"), el("ul", links, every), cls="menu")


def _views(asked: Asked) -> Html:
    known = views.of_page(asked.settings.home, asked.path)
    links = [el("li", el("a", each.name, href=asked.path + (f"?{each.query}" if each.query else ""))) for each in known]
    form = el(
        "form",
        el("input", type="hidden", name="from", value=asked.here(before=None)),
        el("input", type="hidden", name=FIELD, value=asked.form_token),
        el("label", "name", for_="view-name"),
        el("input", type="text", name="name", id="view-name", required=True, maxlength=views.LONGEST,
           autocomplete="off"),
        el("button", "Keep this view"),
        method="post", action="/views", cls="keep-view",
    )  # fmt: skip
    inside = el("ul", links) if links else el("p", "None is kept yet.", cls="dim")
    words = f"views ({len(known)})" if known else "views"
    return el("details", el("summary", words), inside, form if asked.settings.may_write else NOTHING, cls="menu")


def preview(asked_for: str | None, answered: str | None) -> Child:
    """What was asked and answered, under the name of a row."""
    if not asked_for and not answered:
        return None
    return el(
        "span",
        el("span", el("span", "in", cls="tip"), " ", asked_for, cls="asked") if asked_for else None,
        el("span", el("span", "out", cls="tip"), " ", answered, cls="answered") if answered else None,
        cls="preview",
    )  # fmt: skip
