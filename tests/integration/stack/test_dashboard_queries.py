"""Every query of every board, run on real Prometheus, Loki and Tempo after the demo: none fails, and all but a few that
say why return data."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alert_sinks import free_ports
from needed_servers import require, speed_up_boards, write_agents

import queries
from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_demo.run import run
from syndarix_obs_stack.launcher import Stack, running_stack
from syndarix_obs_stack.options import Options

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

RANGE_S, STEP_S, DEADLINE_S = 7200, 60, 90
EMPTY_AFTER_THE_DEMO = {
    "Running now": "the demo has ended: no session is open",
    "Longest wait": "the demo has ended: no session is open",
    "Open sessions without a step": "the demo has ended: no session is open",
    "Alerts on log lines": "the demo leaks no secret and does not fail 20 times a minute",
    "Spikes": "the normal spend needs 40 minutes of history",
    "P95 latency and its learned band": "the band leaves out the newest 10 minutes",
    "Outside its band now": "the band leaves out the newest 10 minutes",
    "Contained failures": "nothing fails inside the telemetry",
    "Contained failures, by place": "nothing fails inside the telemetry",
    "Forecast": "nobody watches: the watch makes it",
    "Forecast by project": "nobody watches: the watch makes it",
    "Of the budget": "it needs the forecast",
    "Bill and ledger": "no admin key of a provider",
    "Budgets": "no budget is set",
    "Burn of the monthly budget": "no budget is set",
    "Calls over a budget": "no budget is set",
    "How unusual": "nobody watches, and a demo of minutes has no past",
    "Episodes": "nobody watches, and a demo of minutes has no past",
    "Calls and what is usual": "what is usual is learned from a day",
    "Cost and what is usual": "what is usual is learned from a day",
    "Latency P95 and what is usual": "what is usual is learned from a day",
    "Failed attempts to send": "all destinations are up",
    "Given up, by reason": "nothing is dropped",
    "Waiting on disk": "gone with the demo's process",
    "Texts cut to size": "no text of the demo is long enough",
    "Label values collapsed": "no label of the demo has too many values",
    "Masked before leaving": "it masks in its first seconds, when Prometheus has no earlier minute to compare with",
    "Firing alerts": "may be empty: whether an alert fires depends on how fast the demo runs",
    "Alerts over time": "may be empty: whether an alert fires depends on how fast the demo runs",
    "Critical alerts": "may be empty: whether an alert fires depends on how fast the demo runs",
    "Agent versions": "may be empty: a version is new only once",
}
"""Panels of which a query may be empty, and why."""


@pytest.fixture(scope="module")
def stack(make_options: Callable[[dict[str, str], dict[str, str]], Options]) -> Iterator[Stack]:
    """The three stores after a run of the demo, with the boards' rules evaluated every 5 s instead of minutes."""
    names = ("prometheus", "loki", "tempo")
    require(*names)
    (port,) = free_ports(1)
    with running_stack(make_options({}, {}), only=names) as stack, pytest.MonkeyPatch.context() as environment:
        etc = stack.options.etc / "prometheus"
        write_agents(etc, f'[{{"targets": ["127.0.0.1:{port}"], "labels": {{"environment": "demo"}}}}]')
        speed_up_boards(stack.options)
        _settings(environment, stack, port)
        run(stack.options.data / "home", 30, 7, on_progress=lambda _done, _of: time.sleep(1.5))  # one scrape each
        _fail_once(stack.options.data / "home")
        yield stack


def _settings(environment: pytest.MonkeyPatch, stack: Stack, port: int) -> None:
    ports = stack.options.ports
    environment.setenv("SYNDARIX_OBS_BACKEND", "stack")
    environment.setenv("SYNDARIX_OBS_LOKI_URL", f"http://127.0.0.1:{ports.loki}")
    environment.setenv("SYNDARIX_OBS_OTLP_ENDPOINT", f"http://127.0.0.1:{ports.otlp_http}")
    environment.setenv("SYNDARIX_OBS_METRICS_PORT", str(port))


def _fail_once(home: Path) -> None:
    """A trace that fails now: Tempo finds what is older than 15 minutes only once it has cut a block."""
    settings = Settings(home=home, service_name="support-desk", environment="demo", set_global=False, metrics_port=0)
    with ObservabilityPlatform(settings) as obs:
        with pytest.raises(TimeoutError), obs.session("support", project="acme"), obs.tool("search", arguments={}):
            raise TimeoutError("no answer")
        assert obs.flush(30)


def _get(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        pytest.fail(f"{error.code}: {error.read().decode()[:500]}")


def _result(stack: Stack, query: queries.Query) -> list[Any]:
    """What the query returns; fails the test when the server refuses it."""
    ports, now = stack.options.ports, time.time()
    text = urllib.parse.quote(query.filled(RANGE_S, STEP_S))
    between = f"start={now - RANGE_S:.0f}&end={now:.0f}"
    if query.language == "traceql":
        found = _get(f"http://127.0.0.1:{ports.tempo}/api/search?q={text}&{between}&limit=20")
        return list(found.get("traces", []))
    base = f"http://127.0.0.1:{ports.prometheus}/api/v1"
    if query.exemplars:
        return list(_get(f"{base}/query_exemplars?query={text}&{between}")["data"])
    if query.language == "logql":
        base = f"http://127.0.0.1:{ports.loki}/loki/api/v1"
    at = f"query?time={now:.0f}" if query.instant else f"query_range?{between}&step={STEP_S}"
    return list(_get(f"{base}/{at}&query={text}")["data"]["result"])


@pytest.mark.parametrize("uid", queries.boards())
def test_every_query_of_a_board_returns_data_after_the_demo(stack: Stack, uid: str) -> None:
    left = [query for query in queries.queries(uid) if query.language != "math"]
    deadline = time.monotonic() + DEADLINE_S
    while left and time.monotonic() < deadline:
        left = [query for query in left if not _result(stack, query)]
        if {query.panel for query in left} <= set(EMPTY_AFTER_THE_DEMO):
            break
        time.sleep(2)
    assert set() == {(query.panel, query.ref) for query in left if query.panel not in EMPTY_AFTER_THE_DEMO}


@pytest.mark.parametrize("uid", queries.boards())
def test_every_variable_of_a_board_has_values_after_the_demo(stack: Stack, uid: str) -> None:
    ports = stack.options.ports
    for label, selector in queries.variable_selectors(uid).items():
        match = urllib.parse.quote(selector.replace('"$environment"', '"demo"').replace('"$agent"', '".*"'))
        values = _get(f"http://127.0.0.1:{ports.prometheus}/api/v1/label/{label}/values?match[]={match}")["data"]
        assert values, f"{label}: {selector}"


@pytest.mark.parametrize("language", ["promql", "logql"])
def test_one_chosen_agent_and_environment_narrow_every_query_without_an_error(stack: Stack, language: str) -> None:
    chosen = {**queries.ALL, "agent": "support", "environment": "demo", "model": "(gpt-4o|claude-sonnet-4-6)"}
    for uid in queries.boards():
        for query in queries.queries(uid):
            if query.language == language:
                _result(stack, replace(query, text=query.filled(RANGE_S, STEP_S, chosen)))
