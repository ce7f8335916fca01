"""The boards in a real Grafana and a real browser, beside the demo and an office at work: every panel is seen whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_pilot import Pilot
from grafana_pages import TALL, Grafana, Seen, panels, picture, size
from needed_servers import without

import queries
from syndarix_obs_stack.launcher import Stack

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

LOOKS = ((1440, "light"), (1920, "dark"))
MAY_BE_EMPTY = {
    "Alerts on log lines": "the demo leaks no secret and does not fail 20 times a minute",
    "Spikes": "the normal spend needs 40 minutes of history",
    "P95 latency and its learned band": "the band needs an hour",
    "Outside its band now": "the band needs an hour",
    "Calls and what is usual": "what is usual is learned from a day",
    "Cost and what is usual": "what is usual is learned from a day",
    "Latency P95 and what is usual": "what is usual is learned from a day",
    "Failed attempts to send": "all destinations are up",
    "Given up, by reason": "nothing is dropped",
    "Contained failures": "nothing fails inside the telemetry",
    "Contained failures, by place": "nothing fails inside the telemetry",
    "Label values collapsed": "no label of the demo has too many values",
}
"""Panels that may show no data, and why."""
NEW = {
    "agent-behaviour": {"Who chose what", "How unusual", "Episodes", "Scores", "Quality by version"},
    "cost-analysis": {"Forecast", "Forecast by project", "Bill and ledger", "Burn of the monthly budget",
                      "Calls over a budget"},
}  # fmt: skip
"""What only the watch, a bill, budgets and scores can fill."""


def seen(grafana: Grafana, pilot: Pilot, uid: str, width: int = 1440, theme: str = "light", **words: str
         ) -> dict[str, Seen]:  # fmt: skip
    """Every panel of a board by its title."""
    size(pilot, width, TALL)
    grafana.open(pilot, uid, theme, **{"from": "now-1h", "to": "now", **words})
    return {each.title: each for each in panels(pilot)}


def nothing_of(uid: str) -> dict[str, str]:
    """What each panel of a board says when it is empty."""
    found = queries.panels(queries.boards()[uid])
    return {panel["title"]: panel["fieldConfig"]["defaults"]["noValue"] for panel in found}


def empty_of(uid: str, found: dict[str, Seen]) -> set[str]:
    """Panels that say so, and tables without a row."""
    tables = {panel["title"] for panel in queries.panels(queries.boards()[uid]) if panel["type"] == "table"}
    words = nothing_of(uid)
    return {each.title for each in found.values()
            if words[each.title] in each.text or (each.title in tables and not each.cells)}  # fmt: skip


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: the folder of BOARD_PICTURES, to look at them."""
    return Path(os.environ.get("BOARD_PICTURES") or tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def clear(pilot: Pilot) -> Iterator[Pilot]:
    """A browser that has complained of nothing yet."""
    pilot.complaints.clear()
    yield pilot
    assert [] == [text for text in pilot.complaints if "TypeError" in text]


@pytest.mark.parametrize(("width", "theme"), LOOKS)
@pytest.mark.parametrize("uid", queries.boards())
def test_a_person_sees_every_panel_of_a_board_whole(
    grafana: Grafana, clear: Pilot, album: Path, uid: str, width: int, theme: str
) -> None:
    found, words = seen(grafana, clear, uid, width, theme), nothing_of(uid)
    picture(clear, album / f"{uid}-{theme}.webp", max(each.bottom for each in found.values()) + 8)
    assert set(words) == set(found)
    assert [] == [each.title for each in found.values() if each.failed]
    assert [] == [each.title for each in found.values() if each.cut]
    assert [] == [each.title for each in found.values() if each.wide]
    assert {} == {each.title: each.clipped for each in found.values() if each.clipped}
    assert [] == [each.title for each in found.values() if words[each.title] in each.cells]
    assert set() == empty_of(uid, found) - set(MAY_BE_EMPTY)


@pytest.mark.parametrize("uid", NEW)
def test_the_watch_the_bill_budgets_and_scores_are_seen(grafana: Grafana, pilot: Pilot, uid: str) -> None:
    found = seen(grafana, pilot, uid)
    assert set() == NEW[uid] - set(found)
    assert set() == NEW[uid] & empty_of(uid, found)
    assert [] == [title for title in NEW[uid] if not found[title].drawn and "%" not in found[title].text
                  and "$" not in found[title].text]  # fmt: skip


def test_a_decision_leads_from_an_agent_to_its_choice(grafana: Grafana, pilot: Pilot) -> None:
    graph = seen(grafana, pilot, "agent-behaviour")["Who chose what"]
    assert {"concierge", "answer", "triage"} <= set(graph.text.split())
    assert graph.drawn > 5


@pytest.mark.parametrize("uid", queries.boards())
def test_grafana_itself_accepts_every_query_of_a_board(grafana: Grafana, uid: str) -> None:
    refused = []
    for panel in queries.panels(queries.boards()[uid]):
        if panel["datasource"]["uid"] == "tempo":
            continue  # the browser asks Tempo for traces by another way
        targets = [
            {**target, "expr": _filled(target.get("expr", "")), "query": _filled(target.get("query", ""))}
            for target in panel["targets"]
        ]
        body = {"queries": [{**each, "intervalMs": 60_000, "maxDataPoints": 100} for each in targets],
                "from": "now-1h", "to": "now"}  # fmt: skip
        status, answer = grafana.ask("/api/ds/query", body)
        errors = [result["error"] for result in answer.get("results", {}).values() if result.get("error")]
        if status != 200 or errors:
            refused.append((panel["title"], status, errors or answer))
    assert [] == refused


def _filled(text: str) -> str:
    for name in queries.ALL:
        text = text.replace(f"${name}", ".*")
    return text


def test_the_overview_fits_on_one_screen(grafana: Grafana, pilot: Pilot) -> None:
    size(pilot, 1440, 900)
    grafana.open(pilot, "overview")
    assert 900 >= max(each.bottom for each in panels(pilot))
    assert len(nothing_of("overview")) == len(panels(pilot))


def test_cost_today_stands_beside_its_budget(grafana: Grafana, pilot: Pilot) -> None:
    found = seen(grafana, pilot, "overview")
    assert found["Cost today"].text.split()[0].startswith("$")
    assert "/ $" in found["Cost today"].text


def test_a_board_without_data_has_no_failure(grafana: Grafana, clear: Pilot) -> None:
    for uid in queries.boards():
        found = seen(grafana, clear, uid, **{"from": "now-60d", "to": "now-59d"})
        assert [] == [each.title for each in found.values() if each.failed], uid


def test_the_boards_have_come_from_the_repository(grafana: Grafana) -> None:
    status, found = grafana.ask("/api/search?type=dash-db&tag=agents")
    assert (200, set(queries.boards())) == (status, {each["uid"] for each in found})


@pytest.mark.parametrize("server", ["loki", "tempo", "prometheus"])
def test_with_a_server_down_only_its_own_panels_are_empty(
    grafana: Grafana, pilot: Pilot, stack: Stack, server: str
) -> None:
    with without(stack, server):
        for uid in queries.boards():
            found = seen(grafana, pilot, uid)
            own = {panel["title"] for panel in queries.panels(queries.boards()[uid])
                   if server in str([target["datasource"]["uid"] for target in panel["targets"]])}  # fmt: skip
            empty = empty_of(uid, found) | {each.title for each in found.values() if each.failed}
            assert set() == empty - own - set(MAY_BE_EMPTY), (uid, server)
