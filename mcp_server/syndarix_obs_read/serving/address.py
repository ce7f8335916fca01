"""Where a server listens, and under which rules."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.serving.access_rules import ANYWHERE, LOOPBACK, Rules
from syndarix_obs_read.settings import ReadSettings


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen, and the file with the tokens that open the door."""

    host: str = "127.0.0.1"
    port: int = 8765
    token_file: Path | None = None

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach it."""
        try:
            return not ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host not in LOOPBACK

    def check(self) -> None:
        """Raise SettingsError for a public address without a token file."""
        if self.is_public and self.token_file is None:
            raise SettingsError(
                f"{self.host} can be reached from other machines: give --token-file, a file with a bearer token "
                "(`openssl rand -hex 32`), or listen on 127.0.0.1"
            )


def rules(settings: ReadSettings, address: Address) -> Rules:
    """The rules that the settings name for a server at this address."""
    own = () if address.host in ANYWHERE else (address.host.strip("[]").lower(),)
    return Rules(
        hosts=frozenset((*own, *(name.lower() for name in _names(settings.allowed_hosts)))),
        origins=frozenset(_names(settings.allowed_origins)),
        per_minute=settings.rate_limit,
    )


def _names(text: str) -> list[str]:
    return [name.strip().rstrip("/") for name in text.split(",") if name.strip()]
