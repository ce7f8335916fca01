"""The boards in a real Grafana and a real browser, after the demo: no error, no cut title, no word in an empty cell."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator

import browser_pilot
import pytest
from alert_sinks import free_ports
from browser_pilot import Pilot, flying
from grafana_pages import TALL, Grafana, Seen, panels, size
from needed_servers import require, speed_up_boards, write_agents

import queries
from syndarix_obs_demo.run import run
from syndarix_obs_stack.launcher import Stack, running_stack
from syndarix_obs_stack.options import Options

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

SESSIONS = 30
WIDTHS = (1440, 1920)
MAY_BE_EMPTY = {
    "Running now": "the demo has ended",
    "Agent processes up": "the demo has ended",
    "Longest wait": "the demo has ended",
    "Open sessions without a step": "the demo has ended",
    "Alerts on log lines": "the demo leaks no secret and does not fail 20 times a minute",
    "Spikes": "the normal spend needs 40 minutes of history",
    "P95 latency and its learned band": "the band needs an hour",
    "Outside its band now": "the band needs an hour",
    "Failing traces": "Tempo finds what is older than 15 minutes only once it has cut a block",
    "Firing alerts": "whether an alert fires depends on how fast the demo runs",
    "Alerts over time": "whether an alert fires depends on how fast the demo runs",
    "Forecast": "nobody watches: the watch makes it",
    "Forecast by project": "nobody watches: the watch makes it",
    "Of the budget": "it needs the forecast",
    "Bill and ledger": "no admin key of a provider",
    "Budgets": "no budget is set",
    "Burn of the monthly budget": "no budget is set",
    "Calls over a budget": "no budget is set",
    "How unusual": "nobody watches, and a demo of minutes has no past",
    "Episodes": "nobody watches, and a demo of minutes has no past",
    "Failed attempts to send": "all destinations are up",
    "Given up, by reason": "nothing is dropped",
    "Contained failures": "nothing fails inside the telemetry",
    "Contained failures, by place": "nothing fails inside the telemetry",
    "Waiting on disk": "gone with the demo's process",
    "Texts cut to size": "no text of the demo is long enough",
    "Label values collapsed": "no label of the demo has too many values",
    "Masked before leaving": "it masks in its first seconds, when Prometheus has no earlier minute to compare with",
}
"""Panels that may show no data, and why."""


@pytest.fixture(scope="module")
def stack(make_options: Callable[[dict[str, str], dict[str, str]], Options]) -> Iterator[Stack]:
    """All servers from the repository's files, after the demo, with the boards' rules evaluated every 5 s."""
    names = ("prometheus", "loki", "tempo", "grafana")
    require(*names)
    if browser_pilot.installed() is None:
        pytest.skip("no Chromium on the PATH")
    (port,) = free_ports(1)
    options = make_options({}, {})
    with running_stack(options, only=names) as stack, pytest.MonkeyPatch.context() as environment:
        write_agents(options.etc / "prometheus", f'[{{targets: ["127.0.0.1:{port}"], labels: {{environment: demo}}}}]')
        speed_up_boards(options)
        for name, value in {
            "BACKEND": "stack",
            "LOKI_URL": f"http://127.0.0.1:{options.ports.loki}",
            "OTLP_ENDPOINT": f"http://127.0.0.1:{options.ports.otlp_http}",
            "METRICS_PORT": str(port),
        }.items():
            environment.setenv(f"SYNDARIX_OBS_{name}", value)
        run(options.data / "home", SESSIONS, 7, on_progress=lambda _done, _of: time.sleep(1.5))  # one scrape each
        yield stack


@pytest.fixture(scope="module")
def grafana(stack: Stack) -> Grafana:
    """The Grafana of the stack."""
    password = (stack.options.secrets / "grafana_admin_password").read_text("utf-8")
    return Grafana(stack.options.ports.grafana, password)


@pytest.fixture(scope="module")
def pilot(grafana: Grafana, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pilot]:
    """A browser that is logged in."""
    browser = browser_pilot.installed()
    assert browser is not None
    with flying(browser, tmp_path_factory.mktemp("browser")) as pilot:
        grafana.enter(pilot)
        yield pilot


def seen(grafana: Grafana, pilot: Pilot, uid: str, width: int = 1440, **words: str) -> dict[str, Seen]:
    """Every panel of a board by its title."""
    size(pilot, width, TALL)
    # Into the future: a graph in steps of five minutes shows the demo's minute at the next step only.
    grafana.open(pilot, uid, **{"from": "now-1h", "to": "now+5m", **words})
    return {each.title: each for each in panels(pilot)}


def nothing_of(uid: str) -> dict[str, str]:
    """What each panel of a board says when it is empty."""
    found = queries.panels(queries.boards()[uid])
    return {panel["title"]: panel["fieldConfig"]["defaults"]["noValue"] for panel in found}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("uid", queries.boards())
def test_a_person_sees_every_panel_of_a_board_whole(grafana: Grafana, pilot: Pilot, uid: str, width: int) -> None:
    found, words = seen(grafana, pilot, uid, width), nothing_of(uid)
    assert set(words) == set(found)
    assert [] == [each.title for each in found.values() if each.failed]
    assert [] == [each.title for each in found.values() if each.cut]
    assert [] == [each.title for each in found.values() if each.wide]
    assert [] == [each.title for each in found.values() if words[each.title] in each.cells]
    empty = {each.title for each in found.values() if words[each.title] in each.text}
    assert set() == empty - set(MAY_BE_EMPTY)
    assert [] == [text for text in pilot.complaints if "TypeError" in text]


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
    return text.replace("$__rate_interval", "1m")


def test_the_overview_fits_on_one_screen(grafana: Grafana, pilot: Pilot) -> None:
    size(pilot, 1440, 900)
    grafana.open(pilot, "overview")
    assert 900 >= max(each.bottom for each in panels(pilot))
    assert len(nothing_of("overview")) == len(panels(pilot))


def test_cost_today_stands_beside_its_budget(grafana: Grafana, pilot: Pilot) -> None:
    found = seen(grafana, pilot, "overview")
    assert found["Cost today"].text.split()[0].startswith("$")
    assert "/ $" in found["Cost today"].text


def test_a_board_without_data_has_no_failure(grafana: Grafana, pilot: Pilot) -> None:
    for uid in queries.boards():
        found = seen(grafana, pilot, uid, **{"from": "now-2d", "to": "now-1d"})
        assert [] == [each.title for each in found.values() if each.failed], uid
    assert [] == [text for text in pilot.complaints if "TypeError" in text]


@pytest.mark.parametrize("server", ["loki", "tempo", "prometheus"])
def test_with_a_server_down_only_its_own_panels_are_empty(
    grafana: Grafana, pilot: Pilot, stack: Stack, server: str
) -> None:
    stack.down([server])
    try:
        for uid in queries.boards():
            found = seen(grafana, pilot, uid)
            own = {panel["title"] for panel in queries.panels(queries.boards()[uid])
                   if server in str([target["datasource"]["uid"] for target in panel["targets"]])}  # fmt: skip
            words = nothing_of(uid)
            empty = {each.title for each in found.values() if each.failed or words[each.title] in each.text}
            assert set() == empty - own - set(MAY_BE_EMPTY), (uid, server)
    finally:
        shutil.rmtree(stack.options.etc / "prometheus" / "rules", ignore_errors=True)  # the copy of speed_up_boards
        stack.up([server])




def test_a_recent_run_leads_to_its_trace_in_tempo_and_in_the_explorer(grafana: Grafana, pilot: Pilot) -> None:
    seen(grafana, pilot, "overview")
    pilot.js("[...document.querySelectorAll('[role=gridcell] a')].find(each => each.innerText.endsWith('…')).click()")
    menu = "[...document.querySelectorAll('a')].filter(each => /^Open /.test(each.innerText)).map(each => each.href)"
    pilot.until(f"{menu}.length === 2")
    in_tempo, in_explorer = pilot.js(menu)
    assert in_explorer.startswith("http://127.0.0.1:8766/trace?id=")
    pilot.go(in_tempo)
    pilot.until("document.body.innerText.includes('invoke_agent')", "document.body.innerText.slice(0, 500)")


def test_a_model_leads_to_its_own_performance(grafana: Grafana, pilot: Pilot) -> None:
    links = seen(grafana, pilot, "llm-performance")["Models side by side"].links
    narrowed = next(link for link in links if "var-model=gpt" in link)
    pilot.go(grafana.url + narrowed)
    grafana.settle(pilot)
    rows = next(each for each in panels(pilot) if each.title == "Models side by side")
    assert {cell for cell in rows.cells if cell.startswith(("gpt", "claude"))} == {narrowed.partition("var-model=")[2]}


def test_choosing_an_agent_keeps_the_runs_in_which_it_took_part(grafana: Grafana, pilot: Pilot) -> None:
    runs = seen(grafana, pilot, "overview", var_agent="support")["Recent traces"]
    assert "triage" in runs.cells  # it began them


def test_an_alert_leads_to_the_runbook(grafana: Grafana, pilot: Pilot) -> None:
    found = queries.boards()["errors-alerts"]
    panel = next(each for each in queries.panels(found) if each["title"] == "Firing alerts")
    (link,) = [each["value"][0]["url"] for override in panel["fieldConfig"]["overrides"]
               for each in override["properties"] if each["id"] == "links"]  # fmt: skip
    variable = next(each for each in found["templating"]["list"] if each["name"] == "runbook")
    address = link.replace("${runbook}", variable["query"]).replace("${__value.raw}", "HighErrorRate")
    pilot.go(grafana.url + address)
    pilot.until("document.body.innerText.includes('HighErrorRate')", "document.title")
