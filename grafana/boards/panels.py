"""House panels: one class that writes the current JSON form, and a function per kind of picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attr
from grafanalib.core import GridPos
from grafanalib.core import Panel as GrafanalibPanel

from boards import theme
from boards.targets import Query
from boards.theme import CALLS_OF, LEVEL, MIXED, NOTHING, PLAIN_STEPS, SEVERITY, Json

_COLOUR_OF = {**CALLS_OF, **SEVERITY, **LEVEL}


@attr.s(auto_attribs=True, kw_only=True)
class Panel(GrafanalibPanel):  # type: ignore[misc]  # grafanalib ships no types
    """A panel. `w` of 24 columns and `h` rows of 30 pixels are its size; `layout` finds its place."""

    kind: str
    title: str
    description: str
    targets: list[Query]
    w: int = 12
    h: int = 8
    unit: str = "short"
    options: Json = attr.Factory(dict)
    defaults: Json = attr.Factory(dict)
    custom: Json = attr.Factory(dict)
    overrides: Sequence[Json] = ()
    transformations: list[Json] = attr.Factory(list)
    interval: str | None = None
    timeFrom: str | None = None
    nothing: str = NOTHING

    def at(self, panel_id: int, x: int, y: int) -> Panel:
        """The same panel with its number and place."""
        here: dict[str, Any] = {"id": panel_id, "gridPos": GridPos(h=self.h, w=self.w, x=x, y=y)}
        return attr.evolve(self, **here)

    def to_json_data(self) -> Json:
        """The form that Grafana saves; what is not set is left out."""
        found: Json = {
            "id": self.id, "type": self.kind, "title": self.title, "description": self.description,
            "gridPos": self.gridPos, "datasource": self._datasource(), "targets": self.targets,
            "fieldConfig": {"defaults": self._defaults(), "overrides": self.overrides}, "options": self.options,
        }  # fmt: skip
        if self.transformations:
            found["transformations"] = self.transformations
        if self.interval:
            found["interval"] = self.interval
        if self.timeFrom:
            # Grafana would write the range beside the title, which it cuts for it; the titles say it themselves.
            found |= {"timeFrom": self.timeFrom, "hideTimeOverride": True}
        return found

    def _defaults(self) -> Json:
        found = {"unit": self.unit, "noValue": self.nothing, "color": {"mode": "thresholds"}, "thresholds": PLAIN_STEPS}
        return {**found, **self.defaults, **({"custom": self.custom} if self.custom else {})}

    def _datasource(self) -> Json:
        sources = [target.to_json_data()["datasource"] for target in self.targets]
        return sources[0] if all(source == sources[0] for source in sources) else MIXED


def blank_cells() -> Json:
    """`noValue` is for an empty panel: Grafana would write it into every empty cell too."""
    return override(".*", matcher="byRegexp", noValue="")


def override(field: str, *, matcher: str = "byName", **properties: Any) -> Json:
    """Properties of one field; `__` in a name stands for a dot: `custom__width=120`."""
    return {
        "matcher": {"id": matcher, "options": field},
        "properties": [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()],
    }


def coloured(names: Mapping[str, str]) -> list[Json]:
    """Overrides that fix the colour of lines by name."""
    return [override(name, color={"mode": "fixed", "fixedColor": colour}) for name, colour in names.items()]


def outcomes() -> list[Json]:
    """Colours of outcomes whose words say how it went; the others are in shades of one colour."""
    return [
        override(f"/^({words})/i", matcher="byRegexp", color={"mode": "fixed", "fixedColor": colour})
        for words, colour in theme.OUTCOMES.items()
    ]


def mapped(names: Sequence[str]) -> list[Json]:
    """Value mappings that colour known words (statuses, levels, severities)."""
    results = {name: {"text": name, "color": _COLOUR_OF[name], "index": place} for place, name in enumerate(names)}
    return [{"type": "value", "options": results}]


def link(title: str, url: str) -> Json:
    """A link on a value."""
    return {"title": title, "url": url, "targetBlank": False}


def _legend(calcs: Sequence[str], right: bool) -> Json:
    return {
        "showLegend": True, "displayMode": "table" if calcs else "list",
        "placement": "right" if right else "bottom", "calcs": list(calcs),
    }  # fmt: skip


_TOOLTIP = {"mode": "multi", "sort": "desc"}
_REDUCE = {"values": False, "calcs": ["lastNotNull"], "fields": ""}


def graph(
    *, stacked: bool = False, bars: bool = False, legend: Sequence[str] = (), right: bool = False,
    limits: Json | None = None, fill: int = 0, **panel: Any,
) -> Panel:  # fmt: skip
    """Lines over time, or stacked areas or bars. `limits` are drawn as dashed lines."""
    custom: Json = {
        "drawStyle": "bars" if bars else "line", "lineInterpolation": "linear", "lineWidth": 0 if bars else 2,
        "fillOpacity": 80 if bars else (40 if stacked else fill), "showPoints": "auto", "pointSize": 5,
        "spanNulls": False, "axisPlacement": "auto", "axisSoftMin": 0,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if limits else "off"},
    }  # fmt: skip
    given = panel.pop("defaults", {})
    defaults = {"color": {"mode": "palette-classic"}, **({"thresholds": limits} if limits else {}), **given}
    options = {"legend": _legend(legend, right), "tooltip": _TOOLTIP}
    custom |= panel.pop("custom", {})
    return Panel(kind="timeseries", options=options, defaults=defaults, custom=custom, **panel)


def stat(*, limits: Json = PLAIN_STEPS, words: str = "auto", value_px: int = 0, **panel: Any) -> Panel:
    """One big number, or a few; `words` is "value" where their names need not be said. In a large panel `value_px`
    keeps the number from filling it."""
    options = {
        "colorMode": "value", "graphMode": "none", "justifyMode": "auto",
        "orientation": "auto", "textMode": words, "wideLayout": True, "showPercentChange": False,
        "percentChangeColorMode": "standard", "reduceOptions": _REDUCE,
        **({"text": {"valueSize": value_px}} if value_px else {}),
    }  # fmt: skip
    panel = {"w": 4, "h": 4, **panel}
    defaults = {"thresholds": limits, **panel.pop("defaults", {})}
    return Panel(kind="stat", options=options, defaults=defaults, **panel)


def gauge(*, limits: Json, **panel: Any) -> Panel:
    """Numbers on dials."""
    options = {
        "orientation": "auto", "showThresholdLabels": False, "showThresholdMarkers": True, "sizing": "auto",
        "minVizWidth": 75, "minVizHeight": 75, "reduceOptions": _REDUCE,
    }  # fmt: skip
    defaults = {"thresholds": limits, **panel.pop("defaults", {})}
    return Panel(kind="gauge", options=options, defaults=defaults, **panel)


def share_bars(*, limits: Json = PLAIN_STEPS, thin: bool = False, **panel: Any) -> Panel:
    """A horizontal bar per series, for comparing a handful; thin ones show ten in little room."""
    heights = {"sizing": "auto", "minVizHeight": 10, "maxVizHeight": 36}
    if thin:
        heights = {"sizing": "manual", "minVizHeight": 11, "maxVizHeight": 13}
    options = {
        "displayMode": "gradient", "valueMode": "color", "namePlacement": "left", "showUnfilled": True,
        "orientation": "horizontal", "minVizWidth": 8, **heights,
        "reduceOptions": _REDUCE, "legend": {**_legend((), False), "showLegend": False},
    }  # fmt: skip
    defaults = {"min": 0, "thresholds": limits, **panel.pop("defaults", {})}
    return Panel(kind="bargauge", options=options, defaults=defaults, **panel)


def heatmap(*, cells: str = "short", **panel: Any) -> Panel:
    """Buckets over time. Opacity of one colour: little is near the background in the light and in the dark theme."""
    axis = {"axisPlacement": "left", "reverse": False, "unit": panel.get("unit", "s")}
    options = {
        "calculate": False, "cellGap": 1, "cellValues": {"unit": cells},
        "color": {
            "mode": "opacity", "scheme": "Blues", "fill": "blue", "scale": "exponential", "exponent": 0.5,
            "steps": 64, "reverse": False,
        },
        "exemplars": {"color": "rgba(255, 136, 0, 0.6)"}, "filterValues": {"le": 1e-9}, "legend": {"show": True},
        "rowsFrame": {"layout": "auto"}, "showValue": "never",
        "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True}, "yAxis": axis,
    }  # fmt: skip
    custom = {
        "hideFrom": {"legend": False, "tooltip": False, "viz": False}, "scaleDistribution": {"type": "linear"},
    }  # fmt: skip
    return Panel(kind="heatmap", options=options, custom=custom, **panel)


def history(*, limits: Json, **panel: Any) -> Panel:
    """A row of coloured cells over time for each series, with the steps of the colours as the legend."""
    options = {
        "showValue": "never", "rowHeight": 0.9, "colWidth": 0.95,
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }  # fmt: skip
    custom = {
        "fillOpacity": 100, "lineWidth": 0, "hideFrom": {"legend": False, "tooltip": False, "viz": False},
    }  # fmt: skip
    defaults = {"thresholds": limits, **panel.pop("defaults", {})}
    return Panel(kind="status-history", options=options, defaults=defaults, custom=custom, **panel)


def node_graph(*, edges: Query, **panel: Any) -> Panel:
    """Circles and lines between them, from rows with `id`, `source`, `target` and a value."""
    options = {"zoomMode": "cooperative", "layoutAlgorithm": "force", "nodes": {}, "edges": {}}
    # A renamed field keeps its name inside, which this panel reads: a sum of one field is a field called so.
    count = {"mode": "reduceRow", "reduce": {"reducer": "sum", "include": [f"Value #{edges.ref}"]}, "alias": "mainstat"}
    steps: list[Json] = [
        {"id": "calculateField", "options": count},
        {"id": "filterFieldsByName", "options": {"include": {"names": ["id", "source", "target", "mainstat"]}}},
    ]
    shown = [override("mainstat", displayName="Decisions")]
    return Panel(kind="nodeGraph", options=options, targets=[edges], transformations=steps, overrides=shown, **panel)


def logs(**panel: Any) -> Panel:
    """Log lines, newest first."""
    options = {
        "showTime": True, "showLabels": False, "showCommonLabels": False, "wrapLogMessage": True,
        "prettifyLogMessage": False, "enableLogDetails": True, "sortOrder": "Descending", "dedupStrategy": "none",
        "showLogContextToggle": True,
    }  # fmt: skip
    return Panel(kind="logs", options=options, **panel)
