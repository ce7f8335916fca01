"""From one thing to the next: every link of the boards leads, with real data, to what it says."""

from __future__ import annotations

import json
import time
import urllib.parse
from typing import Any

import pytest
from browser_pilot import Pilot
from grafana_pages import TALL, Grafana, Seen, panels, size

import queries
from syndarix_obs import vocabulary as v

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

EXPLORER = "http://127.0.0.1:8766"
LINES = '{kind="llm_call",service_name="office"}'


def seen(grafana: Grafana, pilot: Pilot, uid: str, **words: str) -> dict[str, Seen]:
    """Every panel of a board by its title."""
    size(pilot, 1440, TALL)
    grafana.open(pilot, uid, **{"from": "now-1h", "to": "now", **words})
    return {each.title: each for each in panels(pilot)}


def links_of(pilot: Pilot) -> list[str]:
    """Where the links of a page lead to."""
    return list(pilot.js("[...document.querySelectorAll('a')].map(each => each.href)"))


def settings_of(grafana: Grafana, source: str) -> dict[str, Any]:
    """What a data source is provisioned with."""
    _, found = grafana.ask(f"/api/datasources/uid/{source}")
    settings: dict[str, Any] = found["jsonData"]
    return settings


def spans_of(grafana: Grafana, trace_id: str, source: str = "tempo") -> list[dict[str, Any]]:
    """The spans of a trace, asked as Grafana asks for them."""
    status, found = grafana.ask(f"/api/datasources/proxy/uid/{source}/api/v2/traces/{trace_id}")
    assert status == 200
    return [span for resource in found["trace"].get("resourceSpans", [])
            for scope in resource["scopeSpans"] for span in scope["spans"]]  # fmt: skip


def lines_of(grafana: Grafana, query: str, source: str = "loki") -> list[tuple[str, dict[str, str]]]:
    """Lines that a query finds in the last half an hour, each with its labels."""
    asked = {"refId": "A", "datasource": {"uid": source}, "expr": query, "queryType": "range", "maxLines": 50}
    body = {"from": "now-30m", "to": "now", "queries": [asked]}
    status, answer = grafana.ask("/api/ds/query", body)
    assert status == 200, answer
    found = []
    for frame in answer["results"]["A"]["frames"]:
        names = [field["name"] for field in frame["schema"]["fields"]]
        columns = dict(zip(names, frame["data"]["values"], strict=True))
        found += list(zip(columns["Line"], columns["labels"], strict=True))
    return found


def test_a_dot_on_a_graph_of_latency_leads_to_its_trace(grafana: Grafana) -> None:
    target = settings_of(grafana, "prometheus")["exemplarTraceIdDestinations"][0]
    dots = [each for panel in queries.panels(queries.boards()["overview"]) if panel["title"] == "Latency"
            for each in panel["targets"] if each.get("exemplar")]  # fmt: skip
    query = urllib.parse.quote(dots[0]["expr"].partition(" <")[0].replace("$environment", ".*").replace("$agent", ".*"))
    asked = f"query={query}&start={time.time() - 1800:.0f}&end={time.time():.0f}"
    _, found = grafana.ask(f"/api/datasources/proxy/uid/prometheus/api/v1/query_exemplars?{asked}")
    office = [dot for series in found["data"] if series["seriesLabels"]["agent"] == "concierge"
              for dot in series["exemplars"]]  # fmt: skip
    spans = spans_of(grafana, office[-1]["labels"][target["name"]], target["datasourceUid"])
    assert "chat gpt-4o-mini-2024-07-18" in {span["name"] for span in spans}


def test_a_recent_run_leads_to_its_trace_in_tempo_and_in_the_explorer(grafana: Grafana, pilot: Pilot) -> None:
    seen(grafana, pilot, "overview")
    pilot.js("[...document.querySelectorAll('[role=gridcell] a')].find(each => each.innerText.endsWith('…')).click()")
    menu = "[...document.querySelectorAll('a')].filter(each => /^Open /.test(each.innerText)).map(each => each.href)"
    pilot.until(f"{menu}.length === 2")
    in_tempo, in_explorer = pilot.js(menu)
    assert in_explorer.startswith(f"{EXPLORER}/trace?id=")
    pilot.go(in_tempo)
    pilot.until("document.body.innerText.includes('invoke_agent')", "document.body.innerText.slice(0, 500)")


def test_a_span_leads_to_its_own_log_lines(grafana: Grafana) -> None:
    settings = settings_of(grafana, "tempo")["tracesToLogsV2"]
    _, labels = lines_of(grafana, LINES)[0]
    span_id, trace_id = labels["span_id"], labels["trace_id"]
    query = settings["query"].replace("${__trace.traceId}", trace_id).replace("${__span.spanId}", span_id)
    found = lines_of(grafana, query, settings["datasourceUid"])
    assert {(span_id, trace_id)} == {(each["span_id"], each["trace_id"]) for _, each in found}
    assert {"llm_call", "cost"} == {each["kind"] for _, each in found}
    assert any(line.startswith("llm_call ") and " · chat gpt-4o-mini" in line for line, _ in found)


def test_a_span_in_tempo_offers_its_log_lines(grafana: Grafana, pilot: Pilot) -> None:
    _, labels = lines_of(grafana, LINES)[0]
    query = {"refId": "A", "datasource": {"type": "tempo", "uid": "tempo"}, "queryType": "traceql",
             "query": labels["trace_id"]}  # fmt: skip
    pane = {"a": {"datasource": "tempo", "queries": [query], "range": {"from": "now-1h", "to": "now"}}}
    pilot.go(f"{grafana.url}/explore?schemaVersion=1&panes={urllib.parse.quote(json.dumps(pane))}")
    row = "[...document.querySelectorAll('[class*=span-name], [data-testid*=span-view]')]"
    pilot.until(f"{row}.length > 2", "document.body.innerText.slice(0, 800)")
    pilot.js("document.querySelectorAll('[data-testid*=\"span-view\"]')[1].click()")
    offered = "[...document.querySelectorAll('a, button')].some(each => /logs/i.test(each.innerText))"
    pilot.until(offered, "document.body.innerText.slice(0, 1500)")


def test_a_log_line_leads_to_its_trace(grafana: Grafana) -> None:
    (derived,) = settings_of(grafana, "loki")["derivedFields"]
    assert ("label", "${__value.raw}") == (derived["matcherType"], derived["url"])
    _, labels = lines_of(grafana, LINES)[0]
    spans = spans_of(grafana, labels[derived["matcherRegex"]], derived["datasourceUid"])
    assert any(span["name"].startswith("chat ") for span in spans)


def test_a_model_leads_to_its_own_performance(grafana: Grafana, pilot: Pilot) -> None:
    links = seen(grafana, pilot, "llm-performance")["Models side by side"].links
    narrowed = next(link for link in links if "var-model=gpt" in link)
    pilot.go(grafana.url + narrowed)
    grafana.settle(pilot)
    rows = next(each for each in panels(pilot) if each.title == "Models side by side")
    assert {cell for cell in rows.cells if cell.startswith(("gpt", "claude"))} == {narrowed.partition("var-model=")[2]}


def test_a_model_on_the_board_of_costs_leads_to_its_performance(grafana: Grafana, pilot: Pilot) -> None:
    links = seen(grafana, pilot, "cost-analysis")["By model"].links
    assert any(link.startswith("/d/llm-performance?") and "var-model=claude" in link for link in links)


def test_choosing_an_agent_keeps_the_runs_in_which_it_took_part(grafana: Grafana, pilot: Pilot) -> None:
    runs = seen(grafana, pilot, "overview", var_agent="support")["Recent traces"]
    assert "triage" in runs.cells  # it began them


def test_a_firing_alert_leads_to_its_section_of_the_runbook(grafana: Grafana, pilot: Pilot) -> None:
    alerts = seen(grafana, pilot, "errors-alerts")["Firing alerts"]
    link = alerts.links[0]
    name = link.rpartition("=")[2]
    assert name in alerts.cells
    pilot.go(grafana.url + link)
    pilot.until(f"document.body.innerText.includes('{name}')", "document.title")


@pytest.mark.parametrize("uid", queries.boards())
def test_every_board_leads_to_the_explorer(grafana: Grafana, pilot: Pilot, uid: str) -> None:
    seen(grafana, pilot, uid)
    assert any(link.startswith(f"{EXPLORER}/?") for link in links_of(pilot))


def test_the_address_of_the_explorer_can_be_another(grafana: Grafana, pilot: Pilot) -> None:
    seen(grafana, pilot, "overview", **{"var-explorer": "https://obs.example.org"})
    assert any(link.startswith("https://obs.example.org/?") for link in links_of(pilot))


def test_a_span_leads_to_the_numbers_of_its_agent_and_model(grafana: Grafana) -> None:
    settings = settings_of(grafana, "tempo")["tracesToMetrics"]
    assert {v.GEN_AI_AGENT_NAME, v.GEN_AI_REQUEST_MODEL} == {tag["key"] for tag in settings["tags"]}
    chosen = 'agent="concierge",model="gpt-4o-mini-2024-07-18"'
    for query in settings["queries"]:
        text = urllib.parse.quote(query["query"].replace("$__tags", chosen))
        _, found = grafana.ask(f"/api/datasources/proxy/uid/prometheus/api/v1/query?query={text}")
        assert found["data"]["result"], query["name"]
