"""The watch over a store: episodes become records, a gauge, an alert, and an answer; and a second look adds nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs import vocabulary as v
from syndarix_obs.records import model as r
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.answers.anomalies import find_episode, list_anomalies
from syndarix_obs_read.answers.forecast import forecast_costs
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.errors import NotFound, QueryError, SettingsError
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange
from syndarix_obs_read.watching.channels import Webhook
from syndarix_obs_read.watching.series import STEP_NS
from syndarix_obs_read.watching.tell import Telling, Unusual, webhook_of
from syndarix_obs_read.watching.watch import SETTLES_NS, Watch

DAYS = 2
START = 1_772_409_600 * 10**9
"""2026-03-02T00:00:00Z, a Monday."""
END = START + DAYS * 288 * STEP_NS
SINCE = END - 4 * STEP_NS
"""When calls became three times as dear."""


def calls() -> Iterator[r.Record]:
    """Six to ten calls every five minutes, the last 20 minutes three times as dear."""
    chance = np.random.default_rng(2)
    for place in range(DAYS * 288):
        at = START + place * STEP_NS
        for number in range(int(chance.integers(6, 11))):
            trace, start = f"{place * 100 + number + 1:032x}", at + number * 10**9
            common: dict[str, Any] = {
                "trace_id": trace, "span_id": "1", "parent_id": "2", "start_ns": start, "agent": "support",
                "end_ns": start + int(chance.lognormal(0, 0.3) * 10**9), "project": "acme", "model": "gpt-4o",
            }  # fmt: skip
            price = Decimal(repr(float(chance.normal(0.02, 0.002)))) * (3 if at >= SINCE else 1)
            yield r.LLMRecord(record_id=trace, input_tokens=1_000 + int(chance.integers(200)), **common)
            yield r.CostRecord(record_id=f"{trace}:cost", total_cost_usd=price, priced=True, **common)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two days of an agent."""
    home = tmp_path_factory.mktemp("watched")
    writer = StoreWriter(store_path(home))
    writer.write(list(calls()))
    writer.close()
    return home


class Receiver:
    """Keeps what is posted; answers with the status it is told to."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.status = 200

    def transport(self) -> httpx.MockTransport:
        """To hand to a client."""

        def answer(request: httpx.Request) -> httpx.Response:
            self.bodies.append(json.loads(request.content))
            return httpx.Response(self.status)

        return httpx.MockTransport(answer)


def telling(receiver: Receiver) -> Telling:
    hook = Webhook("pager", "http://pager/hook", transport=receiver.transport())
    return Telling(None, lambda _labels: (hook,))


async def test_an_episode_becomes_records_a_gauge_an_alert_and_an_answer(home: Path) -> None:
    settings, receiver = ReadSettings(home=home), Receiver()
    backend = EmbeddedBackend(store_path(home))
    platform = ObservabilityPlatform(Settings(home=home, backend="embedded", set_global=False, metrics_port=0))

    def clock() -> int:
        return END + SETTLES_NS

    first = await Watch(backend, platform, telling(receiver), settings, clock).look()
    assert [("cost", "opened")] == [(event.series, event.state) for event in first.events]
    labels = {"agent": "support", "series": "cost"}
    assert (platform.registry.get_sample_value("agent_anomaly", labels) or 0) >= 1
    (body,) = receiver.bodies
    assert ("firing", "AgentAnomaly", "support") == (
        body["status"], body["commonLabels"]["alertname"], body["commonLabels"]["agent"],
    )  # fmt: skip
    assert "cost is" in body["commonAnnotations"]["description"]

    assert None is platform.registry.get_sample_value(
        "llm_cost_forecast_dollars", {"project": "acme", "bound": "expected"}
    ), "two days are too few to foresee a month"

    again = await Watch(backend, platform, telling(Receiver()), settings, clock).look()
    assert () == again.events

    period = TimeRange(START, END + STEP_NS, "then")
    found = await list_anomalies(backend, Filter(agent="support"), period, 10)
    assert [("cost", "acme", True, 1)] == [
        (each.series, each.project, each.open, each.alarms) for each in found.anomalies
    ]
    assert (await list_anomalies(backend, Filter(agent="other"), period, 10)).hints
    one, its_time = await find_episode(backend, found.anomalies[0].episode[:6], now_ns=END + STEP_NS)
    assert ("cost", "support", SINCE) == (one.series, one.agent, its_time.since_ns)
    assert END + STEP_NS == its_time.until_ns
    with pytest.raises(NotFound, match="no episode"):
        await find_episode(backend, "zz")
    assert () == (await backend.search_traces(Filter(text="anomaly"), 10)).rows
    progress = platform.registry.get_sample_value("agent_last_progress_timestamp_seconds", {"agent": "support"})
    assert None is progress, "what is said about an agent is no progress of it"

    platform.anomaly("cost", "closed", agent="support", episode=found.anomalies[0].episode, at_ns=END + STEP_NS)
    platform.flush()
    assert 0 == platform.registry.get_sample_value("agent_anomaly", labels)
    platform.shutdown()
    await backend.close()


async def test_an_alert_is_sent_once_changed_ones_again_and_the_end_too() -> None:
    receiver = Receiver()
    told = telling(receiver)
    one = Unusual("support", 5, ("cost is 3 where 1 was expected",))
    assert [] == await told.tell([one], 10)
    assert [] == await told.tell([one], 20)
    assert [] == await told.tell([Unusual("support", 5, (*one.words, "calls: missing"))], 30)
    assert [] == await told.tell([], 40)
    assert ["firing", "firing", "resolved"] == [body["status"] for body in receiver.bodies]


async def test_an_alert_that_is_not_taken_is_said_and_sent_again() -> None:
    receiver = Receiver()
    told, one = telling(receiver), Unusual("support", 5, ("cost",))
    receiver.status = 500
    assert ["support" in words for words in await told.tell([one], 10)] == [True]
    receiver.status = 200
    assert [] == await told.tell([one], 20)
    assert 2 == len(receiver.bodies)


async def test_with_alertmanager_an_alert_is_renewed_at_every_look_and_ended_by_another_process_too() -> None:
    class Alertmanager:
        def __init__(self) -> None:
            self.raised: list[tuple[str, int]] = []

        async def trigger(self, labels: Any, annotations: Any, start_ns: int, end_ns: int) -> None:
            if "refused" in labels["agent"]:
                raise QueryError("a label is not allowed")
            self.raised.append((labels["agent"], end_ns))

    server: Any = Alertmanager()
    told = Telling(server)
    await told.tell([Unusual("support", 5, ("cost",))], 10**12)
    await told.tell([Unusual("support", 5, ("cost",))], 2 * 10**12)
    assert [] == await Telling(server).tell([], 3 * 10**12, ["support"])
    assert [("support", 1_900 * 10**9), ("support", 2_900 * 10**9), ("support", 3 * 10**12)] == server.raised
    assert ["refused" in words for words in await told.tell([Unusual("refused", 5, ())], 10**12)] == [True]


async def test_the_months_end_is_a_gauge_and_an_open_episode_is_one_again_after_a_restart(tmp_path: Path) -> None:
    now = START + 20 * 288 * STEP_NS
    with ObservabilityPlatform(Settings(home=tmp_path, backend="embedded", set_global=False)) as first:
        first.anomaly("cost", "opened", agent="support", project="acme", score=1.5, opened_ns=now, at_ns=now)
    StoreWriter(store_path(tmp_path)).write(
        [
            r.CostRecord(
                record_id=f"c{day}", trace_id=f"{day + 1:032x}", span_id="1", start_ns=now - day * 288 * STEP_NS,
                end_ns=now, project="acme", total_cost_usd=Decimal(2), priced=True,
            )
            for day in range(1, 20)
        ]
    )  # fmt: skip
    backend = EmbeddedBackend(store_path(tmp_path))
    platform = ObservabilityPlatform(Settings(home=tmp_path, backend="embedded", set_global=False))
    watch = Watch(backend, platform, Telling(None), ReadSettings(home=tmp_path), lambda: now + SETTLES_NS)
    await watch.look()
    expected = platform.registry.get_sample_value("llm_cost_forecast_dollars", {"project": "acme", "bound": "expected"})
    assert 62 == pytest.approx(expected, rel=0.1)
    said = await forecast_costs(backend, Filter(), ("project",), now_ns=now + SETTLES_NS)
    for bound, amount in (("expected", said.whole.expected_usd), ("low", said.whole.low_usd),
                          ("high", said.whole.high_usd)):  # fmt: skip
        assert amount is not None
        assert float(amount) == platform.registry.get_sample_value("llm_cost_forecast_all_dollars", {"bound": bound})
    assert 1.5 == platform.registry.get_sample_value("agent_anomaly", {"agent": "support", "series": "cost"})
    platform.shutdown()
    await backend.close()


def test_the_file_of_the_webhook_holds_an_address(tmp_path: Path) -> None:
    file = tmp_path / "hook"
    with pytest.raises(SettingsError, match="cannot be read"):
        webhook_of(file)
    file.write_text("nonsense\n")
    with pytest.raises(SettingsError, match="http://"):
        webhook_of(file)
    file.write_text("https://pager/hook\n")
    assert ("https://pager/hook", None) == (webhook_of(file), webhook_of(None))


def test_one_look_from_the_command_says_what_it_saw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == run(["watch", "--once", "--home", str(tmp_path)])
    assert "no store" in capsys.readouterr().err
    StoreWriter(store_path(tmp_path)).write([])
    assert 0 == run(["watch", "--once", "--home", str(tmp_path)])
    assert "looked at 0 agents" in capsys.readouterr().out
    assert 0 == run(["watch", "--once", "--json", "--home", str(tmp_path)])
    assert [] == json.loads(capsys.readouterr().out)["events"]
    assert 0 == run(["anomalies", "--home", str(tmp_path)])


def test_states_are_in_the_order_of_an_episode() -> None:
    assert ("opened", "worse", "closed") == v.ANOMALY_STATES
