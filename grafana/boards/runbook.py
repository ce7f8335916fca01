"""The runbook inside Grafana, for where nobody has said at which address docs/runbook.md can be read."""

from __future__ import annotations

from pathlib import Path

from boards import theme
from boards.theme import Json

UID = "runbook"
RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbook.md"
_HEIGHT = 200
"""Rows of 30 pixels: the whole text without a scroll bar of its own, so that the browser's search finds every alert."""


def runbook() -> Json:
    """A board of one text; it has no tag, so that it is not among the boards of the menu."""
    text = {
        "id": 1, "type": "text", "title": "", "gridPos": {"h": _HEIGHT, "w": 24, "x": 0, "y": 0}, "transparent": True,
        "options": {"mode": "markdown", "content": RUNBOOK.read_text("utf-8")},
        "fieldConfig": {"defaults": {}, "overrides": []},
    }  # fmt: skip
    return {
        "uid": UID, "title": "Runbook", "description": "What to do for each alert, from docs/runbook.md.", "tags": [],
        "schemaVersion": theme.SCHEMA_VERSION, "version": 1, "editable": False, "timezone": "utc",
        "timepicker": {"hidden": True}, "panels": [text],
    }  # fmt: skip
