"""A whole board: rows of panels put in their places, variables, annotations and links to the other boards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attr
from grafanalib.core import Annotations, Dashboard, DashboardLink, GridPos, Templating, Time

from boards import theme
from boards.annotations import annotations
from boards.panels import Panel
from boards.theme import Json
from boards.variables import COMMON, Variable

COLUMNS = 24


class Stack(tuple[Panel, ...]):
    """Panels of one width, one below the other, that take the place of one."""

    __slots__ = ()

    def __new__(cls, *panels: Panel) -> Stack:
        return super().__new__(cls, panels)


@attr.s(auto_attribs=True, frozen=True)
class Section:
    """A heading and the panels below it, laid out from left to right; a collapsed one loads only when opened."""

    title: str
    panels: Sequence[Panel | Stack]
    collapsed: bool = False


@attr.s(auto_attribs=True, kw_only=True)
class Board(Dashboard):  # type: ignore[misc]  # grafanalib ships no types
    """A board in the current JSON form."""

    title: str
    description: str
    sections: Sequence[Section]
    hours: int = 6
    further: Sequence[Variable] = ()
    refresh: str = "30s"
    alert_marks: bool = True
    version_marks: bool = False
    episode_marks: bool = False

    def to_json_data(self) -> Json:
        """What `build.py` writes; `uid` is the file's name."""
        return {
            "uid": self.uid, "title": self.title, "description": self.description, "tags": [theme.TAG],
            "schemaVersion": theme.SCHEMA_VERSION, "version": 1, "editable": False, "graphTooltip": 1,
            "fiscalYearStartMonth": 0, "timezone": "utc", "refresh": self.refresh, "preload": False,
            "time": Time(f"now-{self.hours}h", "now"), "timepicker": {},
            "templating": Templating([*COMMON, *self.further]),
            "annotations": Annotations(annotations(
                alerts=self.alert_marks, versions=self.version_marks, episodes=self.episode_marks,
            )),
            "links": [_links(), _explorer()], "panels": list(_placed(self.sections)),
        }  # fmt: skip


def _links() -> DashboardLink:
    return DashboardLink(
        title="Boards", type="dashboards", tags=[theme.TAG], asDropdown=True, includeVars=True, keepTime=True
    )


def _explorer() -> DashboardLink:
    return DashboardLink(title="Explorer", type="link", uri="${explorer}/", icon="external link", targetBlank=True)


def _placed(sections: Sequence[Section]) -> Iterator[Json | Panel]:
    """Rows and panels with their numbers and places, top to bottom."""
    panel_id, y = 0, 0
    for section in sections:
        if section.title:
            panel_id += 1
            row = _row(panel_id, section, y)
            y += 1
        places = list(_places(section.panels, y))
        inside = [panel.at(panel_id + 1 + n, x, at) for n, (panel, x, at) in enumerate(places)]
        panel_id += len(inside)
        if section.title:
            yield {**row, "panels": inside if section.collapsed else []}
        if not section.collapsed:
            yield from inside
            y = max((at + panel.h for panel, _, at in places), default=y)


def _places(panels: Sequence[Panel | Stack], top: int) -> Iterator[tuple[Panel, int, int]]:
    """Left to right; what does not fit starts the next line below the tallest of this one."""
    x, y, tallest = 0, top, 0
    for each in panels:
        stack = each if isinstance(each, Stack) else Stack(each)
        if x + stack[0].w > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        height = 0
        for panel in stack:
            yield panel, x, y + height
            height += panel.h
        x, tallest = x + stack[0].w, max(tallest, height)


def _row(panel_id: int, section: Section, y: int) -> Json:
    return {
        "id": panel_id, "type": "row", "title": section.title, "collapsed": section.collapsed,
        "gridPos": GridPos(h=1, w=COLUMNS, x=0, y=y),
    }  # fmt: skip
