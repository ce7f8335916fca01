"""Reads the built boards: every query of every panel, variable and annotation, with the variables filled in.

What tests and benchmarks run against real servers is what the boards run, not a copy of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DASHBOARDS = Path(__file__).resolve().parent / "dashboards"
ALL = dict.fromkeys(("environment", "project", "agent", "model", "tool", "level"), ".*")
"""What Grafana puts in for variables that stand at "All"."""
_LANGUAGES = {"prometheus": "promql", "loki": "logql", "tempo": "traceql", "__expr__": "math"}


@dataclass(frozen=True, slots=True)
class Query:
    """One query as it is sent. `own_range` is the panel's own range when it is not the board's: `now/d`, `now/M`;
    `least_step_s` is the smallest step its panel asks for, `scrape_s`
    a quarter of its least `$__rate_interval`; `exemplars`: what it returns are dots, never numbers."""

    board: str
    panel: str
    kind: str
    ref: str
    language: str
    text: str
    instant: bool
    own_range: str | None = None
    least_step_s: int = 5
    exemplars: bool = False
    scrape_s: int = 5

    def filled(self, range_s: int, step_s: int, values: Mapping[str, str] = ALL) -> str:
        """The text with Grafana's own variables and the board's in it."""
        if self.language == "math":
            return self.text  # its `$A` are queries, not variables
        built_in = {
            "__range_s": str(range_s), "__range": f"{range_s}s", "__interval_ms": str(step_s * 1000),
            "__interval": f"{step_s}s", "__rate_interval": f"{max(step_s + self.scrape_s, 4 * self.scrape_s)}s",
        }  # fmt: skip
        return re.sub(r"\$(\w+)", lambda match: {**values, **built_in}[match[1]], self.text)


def boards() -> dict[str, dict[str, Any]]:
    """Every built board by uid."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels(board: Mapping[str, Any], *, collapsed: bool = True) -> Iterator[dict[str, Any]]:
    """A board's panels without its rows; `collapsed` says whether to open rows."""
    for panel in board["panels"]:
        if panel["type"] != "row":
            yield panel
        elif collapsed:
            yield from panel.get("panels", [])


def queries(uid: str, *, collapsed: bool = True) -> list[Query]:
    """Every query of a board's panels, variables (PromQL selectors) and annotations."""
    board = boards()[uid]
    found = [_query(uid, panel, target) for panel in panels(board, collapsed=collapsed) for target in panel["targets"]]
    marks = [each for each in board["annotations"]["list"] if "expr" in each["target"]]
    return found + [Query(uid, each["name"], "annotation", "Anno", "promql", each["target"]["expr"], False)
                    for each in marks]  # fmt: skip


def variable_selectors(uid: str) -> dict[str, str]:
    """Each Prometheus variable's metric selector, whose label values are asked for."""
    found = {}
    for variable in boards()[uid]["templating"]["list"]:
        match = re.fullmatch(r"label_values\((.+),(\w+)\)", variable.get("definition", ""))
        if match:
            found[match[2]] = match[1]
    return found


def _query(uid: str, panel: Mapping[str, Any], target: Mapping[str, Any]) -> Query:
    language = _LANGUAGES[target["datasource"]["type"]]
    text = target.get("expr") or target.get("query") or target.get("expression")
    instant = bool(target.get("instant")) or target.get("queryType") == "instant"
    scrape = _seconds(target.get("interval", "5s"))
    least = max(_seconds(panel.get("interval", "5s")), scrape)
    return Query(
        uid, panel["title"], panel["type"], target["refId"], language, str(text), instant, panel.get("timeFrom"), least,
        bool(target.get("exemplar")), scrape,
    )  # fmt: skip


def _seconds(interval: str) -> int:
    return {"s": 1, "m": 60}[interval[-1]] * int(interval[:-1])
