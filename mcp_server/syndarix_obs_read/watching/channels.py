"""How a message travels without Alertmanager: to a webhook, to Slack, by mail."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Final, Protocol

import httpx

from syndarix_obs_read.errors import BackendUnavailable, ReadError
from syndarix_obs_read.mailing.smtp import Encryption, connected
from syndarix_obs_read.watching.messages import Message, body

TIMEOUT_S: Final = 10.0
_SMTPS_PORT: Final = 465


class Channel(Protocol):
    """A way to one receiver."""

    @property
    def name(self) -> str:
        """For people, and by which it is remembered what was told."""

    @property
    def ends_too(self) -> bool:
        """Whether it is also told that an episode is over."""

    async def send(self, message: Message) -> None:
        """Send. Raises ReadError when it was not taken."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts the body that Alertmanager would post."""

    name: str
    url: str
    receiver: str = "syndarix-obs"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    ends_too: bool = True
    transport: Any = None

    async def send(self, message: Message) -> None:
        """Post it."""
        await _post(self, self.url, body(message, self.receiver), self.headers, self.auth, self.transport)


@dataclass(frozen=True, slots=True)
class Slack:
    """Posts to an incoming webhook of Slack."""

    name: str
    url: str = field(repr=False)
    channel: str = ""
    ends_too: bool = False
    transport: Any = None

    async def send(self, message: Message) -> None:
        """Post it."""
        title, text = _for_slack(message.title), _for_slack(message.text)
        attachment = {"title": title, "fallback": title, "text": text, "color": "good" if message.ends else "warning"}
        channel = {"channel": self.channel} if self.channel else {}
        await _post(self, self.url, {**channel, "attachments": [attachment]}, {}, None, self.transport)


@dataclass(frozen=True, slots=True)
class Mail:
    """Sends by SMTP."""

    name: str
    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    require_tls: bool = True
    ends_too: bool = False

    async def send(self, message: Message) -> None:
        """Send it; the connection is made in a thread."""
        try:
            await asyncio.to_thread(self._send, message)
        except (OSError, smtplib.SMTPException) as error:
            raise BackendUnavailable(f"{self.name}: {self.host}:{self.port} did not take the mail: {error}") from error

    def _send(self, message: Message) -> None:
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = message.title, self.sender, ", ".join(self.to)
        mail.set_content(message.text)
        plain: Encryption = "starttls" if self.require_tls else "none"
        encryption: Encryption = "tls" if self.port == _SMTPS_PORT else plain
        with connected(self.host, self.port, encryption, TIMEOUT_S) as server:
            if self.user:
                server.login(self.user, self.password)
            server.send_message(mail)


@dataclass(frozen=True, slots=True)
class Unsendable:
    """Stands for what only Alertmanager can send, so that it is said whenever it would have been told."""

    name: str
    ends_too: bool = False

    async def send(self, message: Message) -> None:  # noqa: ARG002 - nothing is sent
        """Say so."""
        raise ReadError(f"{self.name} is sent by Alertmanager only; `watch` sends to webhooks, Slack and mail")


async def _post(
    channel: Channel, url: str, json: Any, headers: Mapping[str, str], auth: tuple[str, str] | None, transport: Any
) -> None:
    try:
        async with httpx.AsyncClient(transport=transport, timeout=TIMEOUT_S) as client:
            login = httpx.USE_CLIENT_DEFAULT if auth is None else auth
            (await client.post(url, json=json, headers=dict(headers), auth=login)).raise_for_status()
    except httpx.HTTPStatusError as error:  # without the address: that of Slack is a secret
        raise BackendUnavailable(f"{channel.name} answered {error.response.status_code}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BackendUnavailable(f"{channel.name} cannot be reached: {error or type(error).__name__}") from None


def _for_slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
