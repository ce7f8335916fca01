"""A report as a mail, and the handing in of a mail."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Final

from syndarix_obs_read.answers.report import Report
from syndarix_obs_read.errors import ReadError, SettingsError
from syndarix_obs_read.mailing.directives import Directive, MailServer
from syndarix_obs_read.mailing.smtp import connected
from syndarix_obs_read.reporting.markdown import as_markdown
from syndarix_obs_read.reporting.write import written

_TYPES: Final = {"html": ("text", "html"), "md": ("text", "markdown"), "pdf": ("application", "pdf")}


class MailRefused(ReadError):
    """The mail server was not reached, or did not take the mail."""


def mail_of(report: Report, directive: Directive, sender: str) -> EmailMessage:
    """The mail: the report as text in it, and as a file beside it."""
    mail = EmailMessage()
    mail["Subject"] = f"syndarix-obs: {report.title}"
    mail["From"] = sender
    mail["To"] = ", ".join(directive.to)
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    mail.set_content(as_markdown(report))
    file = Path(f"{directive.name}-{report.made:%Y-%m-%d}.{directive.form}")
    main, sub = _TYPES[directive.form]
    charset = {"charset": "utf-8"} if main == "text" else None
    mail.add_attachment(written(report, file), maintype=main, subtype=sub, filename=file.name, params=charset)
    return mail


def hand_in(mail: EmailMessage, server: MailServer) -> None:
    """Give a mail to the server.

    Raises:
        MailRefused: it was not taken; says why.
        SettingsError: the password cannot be read.
    """
    password = _password(server)
    try:
        with connected(server.host, server.port, server.tls) as connection:
            if server.username is not None:
                connection.login(server.username, password)
            connection.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        raise MailRefused(f"the mail server {server.host}:{server.port} did not take the mail: {error}") from None


def _password(server: MailServer) -> str:
    if server.password_file is None:
        return ""
    try:
        return server.password_file.read_text("utf-8").strip()
    except OSError as error:
        raise SettingsError(f"the mail password's file {server.password_file} cannot be read: {error}") from None
