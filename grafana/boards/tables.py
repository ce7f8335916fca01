"""Tables: queries joined on a column, columns in order with names, units, colours and links."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Sequence
from typing import Any

import attr

from boards.panels import Panel, blank_cells, link, mapped, override
from boards.targets import Traces
from boards.theme import PLAIN, TEMPO, Json

SECOND = "time:YYYY-MM-DD HH:mm:ss"
"""A moment without thousandths."""
_CELLS: Json = {
    "align": "auto", "cellOptions": {"type": "auto", "wrapText": False}, "inspect": False, "filterable": False,
    "minWidth": 60,  # the default of 150 pushes the last columns of a narrow table out of sight
}  # fmt: skip


@attr.s(auto_attribs=True, frozen=True)
class Column:
    """A column: the field it is made of, its heading, and how its values look."""

    field: str
    heading: str
    unit: str | None = None
    width: int | None = None
    words: tuple[str, ...] = ()
    bar: bool = False
    links: tuple[tuple[str, str], ...] = ()
    limits: Json | None = None
    short: bool = False
    decimals: int | None = None
    wrap: bool = False

    def properties(self) -> dict[str, Any]:
        """What differs from a plain column."""
        found: dict[str, Any] = {}
        if self.unit:
            found["unit"] = self.unit
        if self.decimals is not None:
            found["decimals"] = self.decimals
        if self.width:
            found["custom__width"] = self.width
        if self.words:
            found |= {"mappings": mapped(self.words), "custom__cellOptions": {"type": "color-text", "wrapText": False}}
        if self.bar:
            cell = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
            # fieldMinMax: a bar is measured against its own column, not against every number of the table.
            found |= {"custom__cellOptions": cell, "min": 0, "fieldMinMax": True}
            found["color"] = {"mode": "fixed", "fixedColor": PLAIN}
        if self.limits:
            found |= {"thresholds": self.limits, "custom__cellOptions": {"type": "color-text", "wrapText": False}}
        if self.short:
            found["mappings"] = [_beginning(8)]
        if self.wrap:
            found["custom__cellOptions"] = {"type": "auto", "wrapText": True}
        if self.links:
            found["links"] = [link(*each) for each in self.links]
        return found


def table(
    *, columns: Sequence[Column], sort: str | None = None, join: str | None = None, merge: bool = False,
    before: Sequence[Json] = (), **panel: Any,
) -> Panel:  # fmt: skip
    """Rows of instant queries, with these columns and no other. `join` is the column that several queries have in
    common, `merge` is for several such columns; `sort` is a heading, newest or largest first; `before` are
    transformations that come first.
    """
    steps: list[Json] = list(before)
    if join:
        steps.append({"id": "joinByField", "options": {"byField": join, "mode": "outer"}})
    if merge:
        steps.append({"id": "merge", "options": {}})
    steps += _organised(columns)
    return Panel(
        kind="table",
        options={
            "showHeader": True, "cellHeight": "sm",
            **({"sortBy": [{"displayName": sort, "desc": True}]} if sort else {}),
        },
        custom=_CELLS,
        overrides=[
            blank_cells(), *(override(each.heading, **each.properties()) for each in columns if each.properties()),
        ],
        transformations=steps,
        **panel,
    )  # fmt: skip


def _organised(columns: Sequence[Column]) -> list[Json]:
    """Keep these columns, in this order, under their headings."""
    return [
        {"id": "filterFieldsByName", "options": {"include": {"names": [each.field for each in columns]}}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {},
                "includeByName": {},
                "indexByName": {each.field: place for place, each in enumerate(columns)},
                "renameByName": {each.field: each.heading for each in columns},
            },
        },
    ]


def _beginning(characters: int) -> Json:
    """Show the first characters of an id; links still get all of it."""
    result = {"text": "$1…", "index": 0}
    return {"type": "regex", "options": {"pattern": f"^(.{{{characters}}}).+$", "result": result}}


def matrix(*, row: str, column: str, heading: str, limits: Json, **panel: Any) -> Panel:
    """One cell for each pair of two labels, coloured by its value."""
    grouping = {"columnField": column, "rowField": row, "valueField": "Value", "emptyValue": "null"}
    return Panel(
        kind="table",
        options={"showHeader": True, "cellHeight": "sm"},
        custom={**_CELLS, "cellOptions": {"type": "color-background", "mode": "basic", "wrapText": False}},
        defaults={"thresholds": limits, "decimals": 0},
        overrides=[
            blank_cells(),
            override(rf"{row}\{column}", custom__cellOptions={"type": "auto", "wrapText": False}, displayName=heading,
                     custom__width=130),
        ],
        transformations=[{"id": "groupingToMatrix", "options": grouping}],
        **panel,
    )  # fmt: skip


def traces(*, query: str, limit: int = 20, **panel: Any) -> Panel:
    """The newest traces that match a TraceQL query; the data source links each to its trace."""
    return Panel(
        kind="table",
        options={"showHeader": True, "cellHeight": "sm"},
        custom=_CELLS,
        overrides=[blank_cells(), override("Start time", unit=SECOND, custom__width=170),
            override("Trace ID", custom__width=290),],
        targets=[Traces(expr=query, limit=limit)],
        **panel,
    )  # fmt: skip


def trace_links() -> tuple[tuple[str, str], ...]:
    """From a cell that holds a trace id to that trace, in Tempo and in the explorer."""
    query = {"refId": "A", "datasource": TEMPO, "queryType": "traceql", "query": "{id}"}
    panes = {"trace": {"datasource": TEMPO["uid"], "queries": [query], "range": {"from": "{from}", "to": "{to}"}}}
    text = urllib.parse.quote(json.dumps(panes, separators=(",", ":")))
    for name, value in (("{id}", "${__value.raw}"), ("{from}", "${__from}"), ("{to}", "${__to}")):
        text = text.replace(urllib.parse.quote(name), value)
    return (
        ("Open the trace", f"/explore?schemaVersion=1&panes={text}"),
        ("Open it in the explorer", "${explorer}/trace?id=${__value.raw}"),
    )


def board_link(title: str, uid: str, **variables: str) -> tuple[str, str]:
    """To another board, with its time range and variables kept and some set from the row."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    kept = "".join(f"&${{{name}:queryparam}}" for name in ("environment", "project", "agent", "model")
                   if name not in variables)  # fmt: skip
    return (title, f"/d/{uid}?${{__url_time_range}}{kept}{chosen}")
