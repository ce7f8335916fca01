"""Reports by mail: a file says what goes to whom and when; a real mail server on this machine takes them."""

from __future__ import annotations

import email
import email.policy
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiosmtpd", reason="a mail server of these tests' own (extra `dev`)")

from aiosmtpd.controller import Controller

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.mailing.directives import MailFile, load
from syndarix_obs_read.mailing.due import SENT, last_due, send_due
from syndarix_obs_read.mailing.post import MailRefused, hand_in
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.watching.tell import Telling
from syndarix_obs_read.watching.told import Told
from syndarix_obs_read.watching.watch import Watch

MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


class Taken:
    """What the server was given."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]  # the default policy makes EmailMessage
        return "250 taken"


@pytest.fixture
def taken() -> Taken:
    """The mails that were taken."""
    return Taken()


@pytest.fixture
def port(taken: Taken) -> Iterator[int]:
    """Port of a mail server."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = int(probe.getsockname()[1])
    controller = Controller(taken, hostname="127.0.0.1", port=free)
    controller.start()
    yield free
    controller.stop()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one session."""
    folder = tmp_path_factory.mktemp("mail")
    obs = ObservabilityPlatform(Settings(home=folder, backend="embedded", set_global=False))
    with obs.session("support", session_id="s-1"), obs.tool("search"):
        pass
    obs.shutdown(10)
    return folder


def file(folder: Path, port: int, reports: str = "- {name: weekly, to: [team@example.com]}", more: str = "") -> Path:
    """A file of directives."""
    path = folder / "reports.yml"
    smtp = f"smtp: {{host: 127.0.0.1, port: {port}, from: obs@example.com, tls: none{more}}}"
    path.write_text(f"{smtp}\nreports:\n  {reports}\n", "utf-8")
    return path


@pytest.fixture
def mails(tmp_path: Path, port: int) -> MailFile:
    """One report, on Mondays at seven."""
    return load(file(tmp_path, port))


async def due(home: Path, tmp_path: Path, mails: MailFile, now: datetime) -> list[str]:
    """A look of the watch; what was sent is remembered in `tmp_path`."""
    settings = ReadSettings(home=tmp_path)
    return await send_due(EmbeddedBackend(store_path(home)), settings, mails, now)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (MONDAY, MONDAY),
        (MONDAY - timedelta(minutes=1), MONDAY - timedelta(days=7)),
        (MONDAY + timedelta(days=6, hours=23), MONDAY),
    ],
)
def test_a_report_is_due_once_a_week(now: datetime, expected: datetime, mails: MailFile) -> None:
    assert expected == last_due(mails.reports[0], now)


async def test_a_new_directive_waits_for_its_moment_then_each_week_is_sent_once(
    home: Path, tmp_path: Path, mails: MailFile, taken: Taken
) -> None:
    counts = []
    for now in (MONDAY, MONDAY + timedelta(days=6), MONDAY + timedelta(days=7), MONDAY + timedelta(days=7, minutes=5),
                MONDAY + timedelta(days=14)):  # fmt: skip
        assert [] == await due(home, tmp_path, mails, now)
        counts.append(len(taken.mails))

    assert [0, 0, 1, 1, 2] == counts


async def test_the_mail_says_the_week_and_has_the_report_as_a_file(
    home: Path, tmp_path: Path, mails: MailFile, taken: Taken
) -> None:
    await due(home, tmp_path, mails, MONDAY)
    await due(home, tmp_path, mails, MONDAY + timedelta(days=7))
    [mail] = taken.mails
    [attached] = mail.iter_attachments()

    assert ("obs@example.com", "team@example.com") == (mail["From"], mail["To"])
    assert mail["Subject"].startswith("syndarix-obs: Week 11-23 07:00 to 11-30 07:00")
    assert "weekly-" in str(attached.get_filename())
    assert "default-src &#39;none&#39;" in str(attached.get_content())
    assert "–" in str(attached.get_content()), "its letters are those of the report"
    assert str(mail.get_body().get_content()).startswith("# Week")  # type: ignore[union-attr]  # it has a body


async def test_a_server_that_is_down_is_told_and_asked_again_at_the_next_look(
    home: Path, tmp_path: Path, mails: MailFile, taken: Taken
) -> None:
    away = MailFile(smtp=mails.smtp.model_copy(update={"port": 1}), reports=mails.reports)
    later = MONDAY + timedelta(days=7)
    await due(home, tmp_path, mails, MONDAY)
    [trouble] = await due(home, tmp_path, away, later)

    assert trouble.startswith("the report weekly was not sent: the mail server 127.0.0.1:1 did not take the mail")
    assert [] == await due(home, tmp_path, mails, later)
    assert 1 == len(taken.mails)


async def test_the_watch_sends_what_is_due(home: Path, tmp_path: Path, mails: MailFile, taken: Taken) -> None:
    (tmp_path / SENT).write_text(json.dumps({"weekly": MONDAY.isoformat()}), "utf-8")
    obs = ObservabilityPlatform(Settings(home=tmp_path, backend="embedded", set_global=False))
    later = round((MONDAY + timedelta(days=8)).timestamp() * 1e9)
    telling = Telling(None, lambda _labels: (), Told(tmp_path))
    watch = Watch(EmbeddedBackend(store_path(home)), obs, telling, ReadSettings(home=tmp_path), lambda: later, mails)
    looked = await watch.look()
    obs.shutdown(10)

    assert () == looked.trouble
    assert 1 == len(taken.mails)


def test_a_report_is_sent_at_once_by_the_command(
    home: Path, tmp_path: Path, port: int, taken: Taken, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("SYNDARIX_OBS_READ_REPORTS_FILE", str(file(tmp_path, port)))
    codes = [run(["report", "--mail", name, "--home", str(home)]) for name in ("weekly", "x")]
    said = capsys.readouterr()

    assert (0, 1) == (codes[0], len(taken.mails)), said
    assert codes[1] != 0
    assert "sent to team@example.com" in said.out
    assert "no report 'x'; there are weekly" in said.err


def test_without_encryption_a_server_that_offers_none_is_refused(mails: MailFile, taken: Taken) -> None:
    secure = mails.smtp.model_copy(update={"tls": "starttls"})

    with pytest.raises(MailRefused, match="STARTTLS"):
        hand_in(EmailMessage(), secure)
    assert [] == taken.mails


@pytest.mark.parametrize(
    ("reports", "more", "words"),
    [
        ("- {name: w, to: [team]}", "", "'team' is no mail address"),
        ("- {name: w, to: []}", "", "reports.0.to"),
        ("- {name: w, to: [a@b], day: someday}", "", "'monday'"),
        ("- {name: w, to: [a@b], hour: 3}", "", "hour: Extra inputs"),
        ("- {name: w, to: [a@b]}\n  - {name: w, to: [a@b]}", "", "two reports are named 'w'"),
        ("- {name: w, to: [a@b]}", ", username: x", "belong together"),
    ],
)
def test_a_wrong_entry_is_named(reports: str, more: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"reports\.yml") as refused:
        load(file(tmp_path, 25, reports, more))

    assert words in str(refused.value)


def test_mail_does_not_leave_the_machine_in_the_open(tmp_path: Path) -> None:
    path = file(tmp_path, 25)
    path.write_text(path.read_text().replace("127.0.0.1", "mail.example.com"))

    with pytest.raises(SettingsError, match="encrypted"):
        load(path)
