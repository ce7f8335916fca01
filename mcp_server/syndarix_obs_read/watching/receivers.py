"""Channels of the receivers of an Alertmanager configuration, with what they inherit and the secrets beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.watching.channels import Channel, Mail, Slack, Unsendable, Webhook

_SUFFIX: Final = "_configs"


class Reader:
    """Reads receivers.

    Args:
        folder: of the configuration, to which names of files are relative.
        shared: its `global`.
    """

    def __init__(self, folder: Path, shared: Mapping[str, Any]) -> None:
        self._folder = folder
        self._global = shared

    def channels(self, receiver: Mapping[str, Any]) -> Iterator[Channel]:
        """Each of a receiver's configurations."""
        name = str(receiver.get("name"))
        for kind, configs in receiver.items():
            if not kind.endswith(_SUFFIX):
                continue
            for number, config in enumerate(configs or ()):
                called = f"{kind.removesuffix(_SUFFIX)} {number + 1} of receiver {name}"
                if not isinstance(config, dict):
                    raise SettingsError(f"{called} is {config!r} and no mapping")
                yield self._channel(kind, called, name, config)

    def _channel(self, kind: str, called: str, receiver: str, config: Mapping[str, Any]) -> Channel:
        if kind == "webhook_configs":
            return self._webhook(called, receiver, config)
        if kind == "slack_configs":
            url = self._secret(config, "api_url") or self._secret(self._global, "slack_api_url")
            channel, ends = str(config.get("channel") or ""), config.get("send_resolved") is True
            return Slack(called, _address(url, called, "api_url"), channel, ends)
        if kind == "email_configs":
            return self._mail(called, config)
        return Unsendable(called)

    def _webhook(self, called: str, receiver: str, config: Mapping[str, Any]) -> Webhook:
        http = {**(self._global.get("http_config") or {}), **(config.get("http_config") or {})}
        authorization = http.get("authorization") or {}
        basic = http.get("basic_auth") or {}
        token = self._secret(authorization, "credentials") or self._secret(http, "bearer_token")
        headers = {"Authorization": f"{authorization.get('type') or 'Bearer'} {token}"} if token else {}
        auth = (str(basic.get("username") or ""), self._secret(basic, "password")) if basic else None
        url = _address(self._secret(config, "url"), called, "url")
        return Webhook(called, url, receiver, headers, auth, config.get("send_resolved") is not False)

    def _mail(self, called: str, config: Mapping[str, Any]) -> Mail:
        def of(name: str) -> Any:
            return config.get(name, self._global.get(f"smtp_{name}"))

        host, _, port = str(of("smarthost") or "").rpartition(":")
        to = tuple(each.strip() for each in str(config.get("to") or "").split(",") if each.strip())
        sender = str(of("from") or "")
        if not host or not port.isdecimal() or not to or not sender:
            raise SettingsError(f"{called} needs `to`, a sender (`from` or `smtp_from`) and a server with its port "
                                "(`smarthost` or `smtp_smarthost`, as mail.example.org:587)")  # fmt: skip
        password = self._secret(config, "auth_password") or self._secret(self._global, "smtp_auth_password")
        return Mail(
            called, to, sender, host.strip("[]"), int(port), str(of("auth_username") or ""), password,
            of("require_tls") is not False, config.get("send_resolved") is True,
        )  # fmt: skip

    def _secret(self, given: Mapping[str, Any], name: str) -> str:
        """The value, or what the file holds that `<name>_file` names; empty without either."""
        if file := given.get(f"{name}_file"):
            path = self._folder / str(file)
            try:
                return path.read_text("utf-8").strip()
            except OSError as error:
                raise SettingsError(f"{name}_file: {path} cannot be read: {error.strerror}") from None
        return str(given.get(name) or "")


def _address(url: str, called: str, name: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"{called} needs `{name}` or `{name}_file` with an address that begins with https://")
    return url
