"""Sends the reports that are due, each once: the file `reports-sent.json` in the home folder remembers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read.answers.report import Report, report_agent, report_week
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.mailing.directives import DAYS, Directive, MailFile, MailServer
from syndarix_obs_read.mailing.post import hand_in, mail_of
from syndarix_obs_read.privacy.audit import audit
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import SECOND_NS, TimeRange

SENT: Final = "reports-sent.json"
"""File that says when each report was last due and sent."""
WEEK: Final = timedelta(days=7)

HandIn = Callable[[EmailMessage, MailServer], None]


def last_due(directive: Directive, now: datetime) -> datetime:
    """The last moment at which it was due, `now` included."""
    at = now.replace(hour=directive.at.hour, minute=directive.at.minute, second=0, microsecond=0)
    found = at - timedelta(days=(now.weekday() - DAYS.index(directive.day)) % 7)
    return found if found <= now else found - WEEK


async def send_due(
    backend: Backend, settings: ReadSettings, file: MailFile, now: datetime, hand: HandIn = hand_in
) -> list[str]:
    """Send what is due. Returns what could not be sent, in words; the next look tries again.

    A directive that is new is first due at its next moment: nobody gets the report of a week before it was asked for.

    Args:
        now: with the zone in which the directives' hours are meant.
    """
    place = settings.home / SENT
    sent, trouble = _read(place), []
    for directive in file.reports:
        due = last_due(directive, now)
        before = sent.get(directive.name)
        if before is None or datetime.fromisoformat(before) >= due:
            sent.setdefault(directive.name, due.isoformat())
            continue
        try:
            await send(backend, settings, file, directive, due, hand)
        except (ReadError, SyndarixObsError) as error:
            trouble.append(f"the report {directive.name} was not sent: {error}")
            continue
        sent[directive.name] = due.isoformat()
        _write(place, sent)
    _write(place, sent)
    return trouble


async def send(
    backend: Backend, settings: ReadSettings, file: MailFile, directive: Directive, until: datetime,
    hand: HandIn = hand_in,
) -> Report:  # fmt: skip
    """Send the report of the week up to a moment, whether it is due or not.

    Raises:
        MailRefused: the server did not take it.
        SettingsError, BackendError, FilterError: the report or the password could not be had.
    """
    period = _week(until)
    if directive.agent is None:
        report = await report_week(backend, settings, period)
    else:
        report = await report_agent(backend, settings, directive.agent, period)
    mail = await asyncio.to_thread(mail_of, report, directive, file.smtp.sender)
    await asyncio.to_thread(hand, mail, file.smtp)
    audit(settings, "export", f"a report about a {report.about} by mail to {len(directive.to)}")
    return report


def _week(until: datetime) -> TimeRange:
    since = until - WEEK
    begin, end = (int(each.timestamp()) * SECOND_NS for each in (since, until))
    return TimeRange(begin, end, f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}")


def _read(place: Path) -> dict[str, str]:
    try:
        found = json.loads(place.read_text("utf-8"))
        return {name: each for name, each in found.items() if datetime.fromisoformat(each)}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # as if every directive were new: none is sent twice


def _write(place: Path, sent: Mapping[str, str]) -> None:
    text = json.dumps(sent, indent=1)
    if not place.is_file() or place.read_text("utf-8") != text:
        draft = place.with_name(f".{place.name}.draft")
        draft.write_text(text, "utf-8")
        draft.replace(place)
