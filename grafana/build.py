"""Writes the boards of `grafana/boards` to `grafana/dashboards`; with `--check` only says which files are stale.

python grafana/build.py            write
python grafana/build.py --check    exit with 1 if a file is stale, missing or left over
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from grafanalib._gen import DashboardEncoder

HERE = Path(__file__).resolve().parent
BOARDS = ("overview", "llm_performance", "cost_analysis", "agent_behaviour", "tool_usage", "errors_alerts")
"""In the order of the links; a board's uid and file name follow from it."""


def built() -> dict[Path, str]:
    """The text of every file."""
    found = {}
    for name in BOARDS:
        board = importlib.import_module(f"boards.{name}").BOARD
        board.uid = name.replace("_", "-")
        text = json.dumps(board.to_json_data(), cls=DashboardEncoder, indent=2, ensure_ascii=False)
        found[HERE / "dashboards" / f"{board.uid}.json"] = text + "\n"
    page = importlib.import_module("boards.runbook")
    found[HERE / "dashboards" / "texts" / f"{page.UID}.json"] = (
        json.dumps(page.runbook(), indent=2, ensure_ascii=False) + "\n"
    )
    return found


def main(check: bool) -> int:
    """Write, or compare; 1 when something is stale."""
    files = built()
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    leftover = [path for path in (HERE / "dashboards").rglob("*.json") if path not in files]
    for path in [*stale, *leftover]:
        wanted = path in files
        if check:
            sys.stdout.write(f"{path.name} is {'stale' if wanted else 'left over'}\n")
        elif wanted:
            path.parent.mkdir(exist_ok=True)
            path.write_text(files[path], "utf-8")
        else:
            path.unlink()
    return 1 if check and (stale or leftover) else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
