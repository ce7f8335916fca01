"""Breach → Prometheus → Alertmanager → webhook, Slack and e-mail, with the committed rules, routes and templates.

Everything happens on one schedule, so that five trials of each severity, a silence, an inhibition and the resolves take
little more than a minute together. The moments of the trials differ by 1.37 s, so they meet different phases of scrape
and evaluation.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from alert_sinks import HOST, Arrival, HttpServer, Mailbox, Receiver, poll
from needed_servers import require, write_agents

from syndarix_obs_stack.launcher import Stack, running_stack
from syndarix_obs_stack.options import Options

pytestmark = [
    pytest.mark.real_servers,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),  # the sink is on loopback
]

TRIALS = 5
PROMISE = 30.0
"""Seconds from breach to receiver."""
SMTP_PASSWORD = "a password from a file"
WEBHOOK_TOKEN = "a token from a file"


class Schedule:
    """What the agents' metrics page says, as a function of time."""

    def __init__(self) -> None:
        self.begin(float("inf"))

    def begin(self, start: float) -> None:
        """Set the moment of every breach."""
        self.breach = {trial: start + 1.37 * trial for trial in range(TRIALS)}
        self.silenced = start
        self.loki_dies = start + 5
        self.exports_fail = self.loki_dies + PROMISE + 5
        self.recovery = start + PROMISE + 5

    def agents(self, now: float) -> str:
        """The page at this moment."""
        broken = {trial: at <= now < self.recovery for trial, at in self.breach.items()}
        lines = [f'llm_requests_total{{provider="p",model="m{t}",agent="w{t}",project="x",status="ok"}} {int(now)}'
                 for t in broken]  # fmt: skip
        for trial, at in self.breach.items():
            lines.append(f'agent_loops_detected_total{{agent="c{trial}",tool="search"}} {int(at <= now)}')
            left = 0.02 if broken[trial] else 0.8
            lines.append(f'llm_rate_limit_remaining_ratio{{provider="p",model="m{trial}",limit="tokens"}} {left}')
            lines += self._context(f"i{trial}", broken[trial])
        lines += self._context("silenced", now >= self.silenced)
        failures = int(100 * max(0.0, now - self.exports_fail))
        for name in ("loki", "zipkin"):
            lines.append(f'syndarix_obs_export_failures_total{{destination="{name}"}} {failures}')
        return "\n".join(lines) + "\n"

    def _context(self, agent: str, full: bool) -> list[str]:
        return [
            f'context_window_used_ratio{{agent="{agent}"}} {0.97 if full else 0.3}',
            f'agent_sessions_active{{agent="{agent}",type="t"}} 1',
        ]


@dataclass
class Scene:
    """A running stack and everything around it."""

    stack: Stack
    schedule: Schedule
    receiver: Receiver
    mailbox: Mailbox

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Talk to Alertmanager."""
        connection = http.client.HTTPConnection(HOST, self.stack.options.ports.alertmanager, timeout=10)
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return json.loads(text)

    def states(self, **labels: str) -> list[dict[str, Any]]:
        """Status of the alerts with these labels, as Alertmanager sees them."""
        alerts = self.ask("GET", "/api/v2/alerts")
        return [each["status"] for each in alerts if labels.items() <= each["labels"].items()]


def _write_targets(options: Options, agents: str, loki: str) -> None:
    folder = options.etc / "prometheus" / "targets"
    ports = options.ports
    write_agents(options.etc / "prometheus", f'- targets: ["{agents}"]\n')
    stack = {"alertmanager": f"{HOST}:{ports.alertmanager}", "loki": loki}
    entries = [f'- targets: ["{address}"]\n  labels: {{job: {job}}}\n' for job, address in stack.items()]
    (folder / "stack.yml").write_text("".join(entries))


@pytest.fixture(scope="module")
def scene(make_options: Callable[[dict[str, str], dict[str, str]], Options]) -> Iterator[Scene]:
    """The stack with all channels on; the schedule begins once both pages have been scraped."""
    require("prometheus", "alertmanager")
    receiver, mailbox = Receiver(), Mailbox("alerts", SMTP_PASSWORD)
    schedule = Schedule()
    agents = HttpServer(lambda *_: (200, schedule.agents(time.time())))
    loki = HttpServer(lambda *_: (200 if time.time() < schedule.loki_dies else 500, "up_since 1\n"))
    environment = {
        "ALERT_WEBHOOK_URL": f"http://{receiver.address}/alerts",
        "ALERT_EMAIL_TO": "oncall@example.org",
        "SMTP_SMARTHOST": f"{HOST}:{mailbox.port}",
        "SMTP_USERNAME": "alerts",
        "SMTP_REQUIRE_TLS": "false",
        "GRAFANA_URL": "https://grafana.example.org",
        "RUNBOOK_BASE_URL": "https://git.example.org/obs/",
    }
    secrets = {
        "slack_api_url": f"http://{receiver.address}/slack",
        "smtp_password": SMTP_PASSWORD,
        "webhook_token": WEBHOOK_TOKEN,
    }
    with running_stack(make_options(environment, secrets), only=("prometheus", "alertmanager")) as stack:
        _write_targets(stack.options, agents.address, loki.address)
        scene = Scene(stack, schedule, receiver, mailbox)
        _wait_for_scrapes(stack)
        _silence(scene, "silenced")
        schedule.begin(time.time() + 1)
        yield scene
    for each in (agents, loki, receiver, mailbox):
        each.close()


def _wait_for_scrapes(stack: Stack) -> None:
    """Until both jobs were scraped twice, so that a rate has something to start from."""
    query = urllib.parse.quote('count(count_over_time(up{job=~"agents|loki"}[1m]) >= 2)')

    def scraped() -> bool | None:
        connection = http.client.HTTPConnection(HOST, stack.options.ports.prometheus, timeout=10)
        connection.request("GET", f"/api/v1/query?query={query}")
        result = json.loads(connection.getresponse().read())["data"]["result"]
        return True if result and result[0]["value"][1] == "2" else None

    assert poll(scraped, 60), "Prometheus does not scrape"


def _silence(scene: Scene, agent: str) -> None:
    now = time.time()
    stamp = "%Y-%m-%dT%H:%M:%SZ"
    body = {
        "matchers": [{"name": "agent", "value": agent, "isRegex": False, "isEqual": True}],
        "startsAt": time.strftime(stamp, time.gmtime(now)),
        "endsAt": time.strftime(stamp, time.gmtime(now + 600)),
        "createdBy": "test",
        "comment": "planned",
    }
    assert scene.ask("POST", "/api/v2/silences", body)["silenceID"]


BREACHES: dict[str, Callable[[int], dict[str, str]]] = {
    "critical": lambda trial: {"alertname": "LoopDetected", "agent": f"c{trial}"},
    "warning": lambda trial: {"alertname": "RateLimitNear", "model": f"m{trial}"},
    "info": lambda trial: {"alertname": "ContextWindowNearFull", "agent": f"i{trial}"},
}


@pytest.mark.parametrize("severity", BREACHES)
def test_every_breach_reaches_the_webhook_within_thirty_seconds(
    scene: Scene, severity: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    seconds: list[float] = []
    for trial, breach in scene.schedule.breach.items():
        labels = BREACHES[severity](trial) | {"severity": severity}
        arrived = poll(lambda wanted=labels: scene.receiver.alert(**wanted), breach + PROMISE - time.time())
        assert arrived is not None, f"{labels} did not arrive within {PROMISE} s"
        seconds.append(arrived[0].at - breach)
    record_testsuite_property(f"breach_to_webhook_{severity}", [round(each, 1) for each in seconds])
    assert PROMISE > max(seconds)


def _slack(scene: Scene, *parts: str) -> dict[str, Any] | None:
    for arrival in scene.receiver.on("/slack"):
        for attachment in arrival.body["attachments"]:
            message = {**attachment, "channel": arrival.body["channel"]}
            if all(part in json.dumps(message, ensure_ascii=False) for part in parts):
                return message
    return None


def test_slack_says_what_since_when_and_where_to_look(scene: Scene) -> None:
    page = poll(lambda: _slack(scene, "LoopDetected · c0", "#agents-page"), 60)
    assert page is not None
    assert "danger" == page["color"]
    assert "[CRITICAL] LoopDetected · c0" == page["title"]
    assert "https://grafana.example.org/d/agent-behaviour?var-agent=c0" == page["title_link"]
    text = page["text"]
    assert text.startswith("c0 runs in a loop with search\nThe same call of search came again and again")
    assert "\nSince: 20" in text
    assert "\nDashboard: https://grafana.example.org/d/agent-behaviour?var-agent=c0" in text
    assert "\nRunbook: https://git.example.org/obs/docs/runbook.md#loopdetected" in text
    traces = urllib.parse.urlsplit(text.partition("Traces: ")[2].split()[0])
    panes = json.loads(urllib.parse.parse_qs(traces.query)["panes"][0])
    query = '{ span.gen_ai.agent.name = "c0" && span.syndarix.loop.count > 0 }'
    assert query == panes["t"]["queries"][0]["query"]


def test_a_critical_alert_reaches_on_call_and_its_team_and_a_warning_only_its_team(scene: Scene) -> None:
    def channels(name: str) -> set[str]:
        return {each.body["channel"] for each in scene.receiver.on("/slack") if name in json.dumps(each.body)}

    assert poll(lambda: True if len(channels("LoopDetected")) == 2 else None, 60)
    assert poll(lambda: channels("RateLimitNear") or None, 60)
    assert {"#agents-page", "#agents"} == channels("LoopDetected")
    assert {"#agents"} == channels("RateLimitNear")
    assert set() == channels("ContextWindowNearFull")


def _mail(scene: Scene, subject: str) -> tuple[float, Message] | None:
    return next((each for each in list(scene.mailbox.messages) if subject in str(each[1]["Subject"])), None)


def test_the_page_arrives_by_mail_with_the_password_from_its_file(
    scene: Scene, record_testsuite_property: Callable[[str, object], None]
) -> None:
    found = poll(lambda: _mail(scene, "LoopDetected"), 60)
    assert found is not None
    at, mail = found
    record_testsuite_property("breach_to_mail", round(at - scene.schedule.breach[0], 1))
    assert "oncall@example.org" == mail["To"]
    bodies = {part.get_content_type(): str(part.get_payload(decode=True), "utf-8") for part in mail.walk()
              if not part.is_multipart()}  # fmt: skip
    assert "runs in a loop with search" in bodies["text/plain"]
    assert 'href="https://grafana.example.org/d/agent-behaviour' in bodies["text/html"]


def test_the_webhook_is_called_with_the_token_from_its_file(scene: Scene) -> None:
    first: Arrival | None = poll(lambda: next(iter(scene.receiver.on("/alerts")), None), 60)
    assert first is not None
    assert f"Bearer {WEBHOOK_TOKEN}" == first.headers["authorization"]


def test_a_silenced_alert_reaches_nobody_while_its_neighbour_does(scene: Scene) -> None:
    assert poll(lambda: scene.receiver.alert(agent="i0"), 60)
    assert poll(lambda: scene.states(agent="silenced") or None, 60)
    assert {"suppressed"} == {each["state"] for each in scene.states(agent="silenced")}
    assert scene.receiver.alert(agent="silenced") is None


def test_what_is_over_is_said_to_be_over(scene: Scene) -> None:
    ended = poll(lambda: scene.receiver.alert("resolved", alertname="RateLimitNear"), 120)
    assert ended is not None
    assert poll(lambda: _slack(scene, "[RESOLVED] RateLimitNear", "good"), 30)
    assert poll(lambda: scene.receiver.alert("resolved", alertname="ContextWindowNearFull", agent="i4"), 60)


def test_a_dead_loki_silences_the_exports_that_fail_because_of_it_and_no_others(scene: Scene) -> None:
    down = poll(lambda: scene.receiver.alert(alertname="StackTargetDown", job="loki"), 120)
    assert down is not None
    assert poll(lambda: scene.receiver.alert(alertname="ExportFailing", destination="zipkin"), 120)
    (status,) = scene.states(alertname="ExportFailing", destination="loki")
    assert "suppressed" == status["state"]
    assert status["inhibitedBy"]
    assert scene.receiver.alert(alertname="ExportFailing", destination="loki") is None


def test_each_group_of_alerts_is_one_message(scene: Scene) -> None:
    poll(lambda: scene.receiver.alert(alertname="LoopDetected", agent="c4"), 60)
    groups = {json.dumps(each.body["groupLabels"], sort_keys=True) for each in scene.receiver.on("/alerts")}
    assert '{"agent": "c0", "alertname": "LoopDetected"}' in groups
    assert '{"alertname": "RateLimitNear"}' in groups


def test_nothing_of_the_stack_listens_beyond_loopback(scene: Scene) -> None:
    wide = {
        line.split()[1]
        for name in ("tcp", "tcp6")
        for pid in (scene.stack.pid_of(server) for server in scene.stack.running())
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    ports = {f"{port:04X}" for port in (scene.stack.options.ports.prometheus, scene.stack.options.ports.alertmanager)}
    ours = {each for each in wide if each.rpartition(":")[2] in ports}
    assert {f"0100007F:{port}" for port in ports} == ours
