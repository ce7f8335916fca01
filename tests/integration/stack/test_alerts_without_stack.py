"""An episode reaches webhook, Slack and mail without the stack, by the configuration that Alertmanager runs with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import decode_header, make_header
from pathlib import Path

import pytest
from alert_sinks import HOST, Mailbox, Receiver

from syndarix_obs_read.cli.run import run
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.watching.messages import Unusual
from syndarix_obs_read.watching.routes import routes_of
from syndarix_obs_read.watching.run import route_of
from syndarix_obs_read.watching.tell import Telling
from syndarix_obs_read.watching.told import Told
from syndarix_obs_stack.render import write_alertmanager

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # the sink is on loopback

ROOT = Path(__file__).parents[3]
ONE = Unusual("support", 1_790_000_000 * 10**9, ("cost is 3 where 1 was expected (level)",))
PASSWORD, TOKEN = "a password from a file", "a token from a file"


@dataclass(frozen=True)
class World:
    """Receivers on loopback, and a configuration that names them."""

    receiver: Receiver
    mailbox: Mailbox
    file: Path

    def settings(self) -> ReadSettings:
        """Of a watch over the SQLite file."""
        return ReadSettings(home=self.file.parent, alert_routes_file=self.file)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The repository's own configuration with `.env` and secrets of a team, rendered as for Alertmanager."""
    receiver, mailbox = Receiver(), Mailbox("alerts", PASSWORD)
    environment = {
        "ALERT_WEBHOOK_URL": f"http://{receiver.address}/alerts", "ALERT_EMAIL_TO": "oncall@example.org",
        "SMTP_SMARTHOST": f"{HOST}:{mailbox.port}", "SMTP_USERNAME": "alerts", "SMTP_REQUIRE_TLS": "false",
        "SLACK_CHANNEL_AGENTS": "#ours",
    }  # fmt: skip
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, text in {"slack_api_url": f"http://{receiver.address}/slack", "smtp_password": PASSWORD,
                       "webhook_token": TOKEN}.items():  # fmt: skip
        (secrets / name).write_text(text)
    write_alertmanager(ROOT, tmp_path, environment, secrets)
    yield World(receiver, mailbox, tmp_path / "alertmanager.yml")
    receiver.close()
    mailbox.close()


async def test_an_episode_arrives_at_webhook_and_slack_and_its_end_too(world: World) -> None:
    settings = world.settings()
    for unusual in ([ONE], [ONE], []):
        telling = Telling(None, route_of(settings), Told(settings.home))
        assert [] == await telling.tell(unusual, ONE.since_ns + 10**9)
    first, last = world.receiver.on("/alerts")
    assert (f"Bearer {TOKEN}", "webhook", "firing", "resolved") == (
        first.headers["authorization"], first.body["receiver"], first.body["status"], last.body["status"],
    )  # fmt: skip
    assert ONE.labels == first.body["commonLabels"]
    slack, over = world.receiver.on("/slack")
    (shown,) = slack.body["attachments"]
    assert ("#ours", "[WARNING] AgentAnomaly · support", "warning") == (
        slack.body["channel"], shown["title"], shown["color"],
    )  # fmt: skip
    assert shown["text"].startswith("support is unusual\ncost is 3 where 1 was expected (level)\nSince: 2026-09-21")
    assert "good" == over.body["attachments"][0]["color"]
    assert [] == world.mailbox.messages, "a warning is not for those on call"


async def test_mail_travels_with_the_password_from_its_file(world: World) -> None:
    world.file.write_text(world.file.read_text().replace('severity="critical"', 'severity="warning"'))
    settings = world.settings()
    assert [] == await Telling(None, route_of(settings)).tell([ONE], ONE.since_ns + 10**9)
    ((_, mail),) = world.mailbox.messages
    subject = str(make_header(decode_header(str(mail["Subject"]))))
    assert ("oncall@example.org", "[WARNING] AgentAnomaly · support") == (mail["To"], subject)
    assert "cost is 3 where 1 was expected" in mail.get_payload(decode=True).decode()  # type: ignore[union-attr]  # one part


def test_a_rehearsal_says_who_took_it_and_who_did_not(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_READ_ALERT_ROUTES_FILE", str(world.file))
    assert 0 == run(["watch", "--rehearse"])
    assert "webhook 1 of receiver webhook: took it\nslack 1 of receiver team-agents: took it\n" == (
        capsys.readouterr().out
    )
    (world.file.parent / "secrets" / "slack_api_url").write_text("http://127.0.0.1:1/secret")
    assert 1 == run(["watch", "--rehearse"])
    said = capsys.readouterr().out
    assert "slack 1 of receiver team-agents: FAILED: slack 1 of receiver team-agents cannot be reached" in said
    assert "secret" not in said
    monkeypatch.delenv("SYNDARIX_OBS_READ_ALERT_ROUTES_FILE")
    assert 1 == run(["watch", "--rehearse"])
    assert "nobody would hear of an episode: set SYNDARIX_OBS_READ_ALERT_ROUTES_FILE" in capsys.readouterr().err


async def test_a_mail_server_that_is_away_is_named(world: World) -> None:
    text = world.file.read_text().replace('severity="critical"', 'severity="warning"')
    world.file.write_text(text.replace(f"{HOST}:{world.mailbox.port}", f"{HOST}:1"))
    (words,) = await Telling(None, route_of(world.settings())).tell([ONE], ONE.since_ns + 10**9)
    assert f"email 1 of receiver page: {HOST}:1 did not take the mail" in words


@pytest.mark.skipif(shutil.which("amtool") is None, reason="not on the PATH: amtool")
@pytest.mark.parametrize("team", ["platform", "cost", "nobody"])
def test_the_committed_routes_lead_where_alertmanager_s_own_tool_says(world: World, team: str) -> None:
    for severity in ("critical", "warning", "info"):
        said = subprocess.run(
            ["amtool", "config", "routes", "test", f"--config.file={world.file}", f"severity={severity}",
             f"team={team}"], capture_output=True, text=True, check=True, timeout=20,
        ).stdout  # fmt: skip
        root = routes_of(world.file).root
        assert said.strip().split(",") == list(root.receivers({"severity": severity, "team": team}))
