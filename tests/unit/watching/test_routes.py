"""Routes of an Alertmanager configuration: who hears of which alert, and what is said of a file that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from syndarix_obs_read.errors import ReadError, SettingsError
from syndarix_obs_read.watching.channels import Mail, Slack, Webhook
from syndarix_obs_read.watching.messages import Message, Unusual
from syndarix_obs_read.watching.routes import routes_of

RECEIVERS = "receivers: [{name: all, webhook_configs: [{url: http://all}]}]\n"
FULL = """
global:
  slack_api_url_file: slack
  smtp_smarthost: mail.example.org:587
  smtp_from: alerts@example.org
  smtp_auth_username: alerts
  smtp_auth_password_file: password
route:
  receiver: team
  routes:
    - {receiver: audit, continue: true}
    - {receiver: page, matchers: ['severity="critical"']}
    - {receiver: eu, matchers: ['agent=~"eu-.+"', team!=cost], routes: [{matchers: [agent = eu-quiet], receiver: none}]}
    - {receiver: old, match: {team: old}, match_re: {agent: a|b}}
receivers:
  - {name: team, slack_configs: [{channel: '#agents', send_resolved: true}]}
  - name: audit
    webhook_configs: [{url: http://audit/, http_config: {authorization: {credentials_file: token}}}]
  - {name: page, email_configs: [{to: 'a@example.org, b@example.org', require_tls: false}], pagerduty_configs: [{}]}
  - {name: eu, webhook_configs: [{url: http://eu/, http_config: {basic_auth: {username: u, password: p}}}]}
  - {name: old, webhook_configs: [{url: http://old/, send_resolved: false}]}
  - {name: none}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration with its secrets beside it."""
    for name, text in {"slack": "https://hooks/secret\n", "password": "pass\n", "token": "t1\n"}.items():
        (tmp_path / name).write_text(text)
    found = tmp_path / "alertmanager.yml"
    found.write_text(FULL)
    return found


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({"severity": "warning", "agent": "x"}, ["webhook 1 of receiver audit"]),
        ({"severity": "critical"}, ["webhook 1 of receiver audit", "email 1 of receiver page",
                                    "pagerduty 1 of receiver page"]),
        ({"agent": "eu-1"}, ["webhook 1 of receiver audit", "webhook 1 of receiver eu"]),
        ({"agent": "eu-1", "team": "cost"}, ["webhook 1 of receiver audit"]),
        ({"agent": "eu-quiet"}, ["webhook 1 of receiver audit"]),
        ({"agent": "b", "team": "old"}, ["webhook 1 of receiver audit", "webhook 1 of receiver old"]),
    ],
    ids=("a route with continue alone", "critical", "by expression", "negated", "below a route", "old form"),
)  # fmt: skip
def test_an_alert_goes_the_way_that_alertmanager_would_send_it(
    file: Path, labels: dict[str, str], names: list[str]
) -> None:
    assert names == [channel.name for channel in routes_of(file)(labels)]


def test_without_a_route_that_matches_the_first_receiver_hears(tmp_path: Path) -> None:
    file = tmp_path / "routes.yml"
    file.write_text("route: {receiver: all, routes: [{receiver: all, matchers: [team=cost]}]}\n" + RECEIVERS)
    assert ["webhook 1 of receiver all"] == [channel.name for channel in routes_of(file)({"team": "agents"})]


def test_channels_have_what_they_inherit_and_their_secrets(file: Path) -> None:
    of = routes_of(file).channels
    (slack,), (audit,), (mail, pager), (eu,), (old,) = (of[name] for name in ("team", "audit", "page", "eu", "old"))
    assert isinstance(slack, Slack)
    assert ("https://hooks/secret", "#agents", True) == (slack.url, slack.channel, slack.ends_too)
    assert isinstance(audit, Webhook)
    assert ({"Authorization": "Bearer t1"}, None, True, "audit") == (
        audit.headers, audit.auth, audit.ends_too, audit.receiver,
    )  # fmt: skip
    assert isinstance(mail, Mail)
    assert (("a@example.org", "b@example.org"), "alerts@example.org", "mail.example.org", 587) == (
        mail.to, mail.sender, mail.host, mail.port,
    )  # fmt: skip
    assert ("alerts", "pass", False, False) == (mail.user, mail.password, mail.require_tls, mail.ends_too)
    assert isinstance(eu, Webhook)
    assert (("u", "p"), False, False) == (eu.auth, old.ends_too, pager.ends_too)
    assert not [each for each in (slack, audit, mail, eu) if "secret" in repr(each) or "pass" in repr(each)]


async def test_what_only_alertmanager_can_send_is_said(file: Path) -> None:
    _, pager = routes_of(file).channels["page"]
    with pytest.raises(ReadError, match="pagerduty 1 of receiver page is sent by Alertmanager only"):
        await pager.send(Message(Unusual("support", 1, ()), ends=False, at_ns=2))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "is no YAML"),
        ("[]", "there is no `route:`"),
        ("route: {receiver: all}\nreceivers: [{name: other}]", "no receiver has the name 'all'"),
        ("route: {receiver: all, routes: [nonsense]}\n" + RECEIVERS, "a route is 'nonsense'"),
        ("route: {receiver: all, matchers: ['no matcher']}\n" + RECEIVERS, "is no matcher; write it like"),
        ("route: {receiver: all, matchers: ['a=~\"(\"']}\n" + RECEIVERS, "is no regular expression"),
        ("route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: x}]}]", "needs `url` or `url_file`"),
        ("route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [x]}]", "is 'x' and no mapping"),
        ("route: {receiver: a}\nreceivers: [{name: a, email_configs: [{to: x}]}]", "needs `to`, a sender"),
        ("route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url_file: gone}]}]", "cannot be read"),
    ],
)
def test_a_file_that_is_wrong_says_what_is(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "routes.yml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=words.replace("(", r"\(")):
        routes_of(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"routes.yml cannot be read"):
        routes_of(tmp_path / "routes.yml")
