"""Settings of the read side: environment name, type, default, meaning. The docs page is generated from this table.

`SYNDARIX_OBS_BACKEND`, `SYNDARIX_OBS_HOME`, `SYNDARIX_OBS_USER_KEY_FILE` and `SYNDARIX_OBS_PRICES_FILE` are shared with
the write side; everything else is `SYNDARIX_OBS_READ_` and the field's name in capitals.
"""

from __future__ import annotations

import difflib
import os
from datetime import UTC, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from syndarix_obs.store.location import default_home, store_path
from syndarix_obs_read.errors import SettingsError, TimeRangeError
from syndarix_obs_read.outcomes import DEFAULT
from syndarix_obs_read.timerange import parse_range

PREFIX: Final = "SYNDARIX_OBS_READ_"
SHARED: Final = ("backend", "home", "user_key_file", "prices_file", "budgets_file")
"""Fields whose variable is `SYNDARIX_OBS_…`, without `READ_`: the agent uses the same."""


def variable(field: str) -> str:
    """Environment name of a field."""
    return ("SYNDARIX_OBS_" if field in SHARED else PREFIX) + field.upper()


def _shared(name: str) -> AliasChoices:
    # Without the bare name, which would also be read from the environment: HOME is not the home meant here.
    return AliasChoices(variable(name))


class ReadSettings(BaseSettings):
    """Settings of the read side. Arguments win over the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", populate_by_name=True, env_ignore_empty=True, frozen=True
    )

    backend: Literal["embedded", "stack"] = Field(
        "embedded", validation_alias=_shared("backend"),
        description="Where answers come from: the SQLite file or the servers of the stack. "
        "The agent's values `both` and `none` read the SQLite file.",
    )  # fmt: skip
    home: Path = Field(
        default_factory=default_home, validation_alias=_shared("home"),
        description="Folder of the SQLite file.", examples=["/var/lib/agent/observability"],
    )  # fmt: skip
    user_key_file: Path | None = Field(
        None, validation_alias=_shared("user_key_file"),
        description="File with the key of user pseudonyms, when it is not the one in `home`.",
        examples=["/run/secrets/user_key"],
    )  # fmt: skip
    prices_file: Path | None = Field(
        None, validation_alias=_shared("prices_file"),
        description="YAML file of dated prices that calls are priced with; bills are held against them.",
        examples=["prices.yml"],
    )  # fmt: skip
    openai_admin_key_file: Path | None = Field(
        None, description="File with an admin key (`api.usage.read`) with which OpenAI's bill is read; only "
        "`reconcile` and `watch` read it, and nothing keeps it.", examples=["/run/secrets/openai_admin_key"],
    )  # fmt: skip
    anthropic_admin_key_file: Path | None = Field(
        None, description="File with an Admin API key with which Anthropic's bill is read, as for OpenAI.",
        examples=["/run/secrets/anthropic_admin_key"],
    )  # fmt: skip
    openai_admin_url: str | None = Field(
        None, description="Base URL of OpenAI's admin API, if it is not the public one.",
        examples=["https://api.openai.com/v1"],
    )  # fmt: skip
    anthropic_admin_url: str | None = Field(
        None, description="Base URL of Anthropic's admin API, if it is not the public one.",
        examples=["https://api.anthropic.com"],
    )  # fmt: skip
    budgets_file: Path | None = Field(
        None, validation_alias=_shared("budgets_file"), description="YAML file of budgets.",
        examples=["/etc/agent/budgets.yml"],
    )  # fmt: skip
    timezone: str = Field(
        "UTC", description="Zone of days, months and of times that name none.", examples=["Europe/Berlin"]
    )
    since: str = Field("24h", description="How far back a question looks that does not say.", examples=["7d"])
    limit: int = Field(50, ge=1, le=10_000, description="Rows in an answer that does not say how many.")
    daily_budget_usd: Decimal | None = Field(
        None, gt=0, description="What a day may cost, in dollars; shown beside today's cost.", examples=["25"]
    )
    monthly_budget_usd: Decimal | None = Field(
        None, gt=0, description="What a month may cost, in dollars; shown beside the month's cost.", examples=["500"]
    )
    failed_outcomes: str = Field(
        DEFAULT, description="Outcomes of a session, with commas, that count as failed beside sessions that end in an "
        "error; every success rate is reckoned with them.", examples=["failure,failed,error,escalated"],
    )  # fmt: skip
    stalled_after: float = Field(
        900, gt=0, description="Seconds without a finished step after which a running session counts as stalled."
    )
    timeout: float = Field(30.0, gt=0, le=600, description="Seconds that one question may take.")
    prometheus_url: str = Field("http://127.0.0.1:9090", description="Base URL of Prometheus.")
    loki_url: str = Field("http://127.0.0.1:3100", description="Base URL of Loki.")
    tempo_url: str = Field("http://127.0.0.1:3200", description="Base URL of Tempo.")
    alertmanager_url: str = Field("http://127.0.0.1:9093", description="Base URL of Alertmanager.")
    loki_data: Path | None = Field(
        None, description="Folder of Loki's files, if it is on this machine: an erasure is checked in their bytes.",
        examples=["/var/lib/loki"],
    )  # fmt: skip
    loki_delete_seconds: int = Field(
        5 * 3_600, ge=1,
        description="Seconds until a deletion in Loki is done: its `delete_request_cancel_period` (3 h here) and "
        "`retention_delete_delay` (2 h).",
    )
    other_files: str = Field(
        "", description="Files and folders of your own, with commas, that an erasure looks through, for example log "
        "files; one that holds the person is named, and not changed.", examples=["/var/log/agent,/srv/notes.md"],
    )  # fmt: skip
    tempo_data: Path | None = Field(
        None, description="Folder of Tempo's files, as for Loki.", examples=["/var/lib/tempo"]
    )
    tempo_grpc: str = Field("127.0.0.1:9095", description="Address of Tempo's gRPC port, which takes redactions.")
    tenant: str | None = Field(None, description="Tenant header for Loki and Tempo.", examples=["team-a"])
    token_file: Path | None = Field(
        None, description="File with a bearer token for the servers.", examples=["/run/secrets/grafana_token"]
    )
    basic_auth_file: Path | None = Field(
        None, description="File with `user:password` for the servers; a token file wins.",
        examples=["/run/secrets/grafana_login"],
    )  # fmt: skip
    retention_days: int = Field(
        30, ge=1, le=3_650, description="Days that the stack keeps data: how far back a question can look."
    )
    archive: str | None = Field(
        None, description="Folder, or address of object storage, to which `archive` moves finished days; unless it is "
        "set, the folder `archive` in `home`.", examples=["s3://company-audit/agents"],
    )  # fmt: skip
    archive_days: int | None = Field(
        None, ge=1, description="Days after which the archive lets a day go; unless it is set, it keeps them.",
        examples=["400"],
    )  # fmt: skip
    with_archive: bool = Field(
        False, description="Whether answers also look at archived days, as `--archive` does for a command."
    )
    max_response_bytes: int = Field(
        64 * 1024 * 1024, ge=10_000, description="Largest answer that is taken from a server, in bytes."
    )
    answer_tokens: int = Field(8_000, ge=1_000, description="Tokens that one answer of an MCP tool may take.")
    writes: bool | None = Field(
        None, description="Whether MCP tools and commands may raise and silence alerts; unless it is set, commands and "
        "the MCP server over stdio may, and the MCP server over HTTP may not.", examples=["true"],
    )  # fmt: skip
    alert_webhook_file: Path | None = Field(
        None, description="File with the address that `watch` sends alerts to where there is no Alertmanager.",
        examples=["/run/secrets/webhook"],
    )  # fmt: skip
    alert_routes_file: Path | None = Field(
        None, description="Alertmanager configuration (YAML) by whose routes `watch` sends alerts to webhooks, Slack "
        "and mail where there is no Alertmanager.", examples=["/etc/agent/alertmanager.yml"],
    )  # fmt: skip
    reports_file: Path | None = Field(
        None, description="YAML file of reports that `watch` sends by mail every week, with the mail server.",
        examples=["/etc/agent/reports.yml"],
    )  # fmt: skip
    audit: Literal["tokens", "all"] = Field(
        "tokens", description="Whose readings of payloads are noted in the audit trail: of those who come with a token "
        "over the network, or of all who ask, on this machine, too.", examples=["all"],
    )  # fmt: skip
    rate_limit: int = Field(
        600, ge=0,
        description="Requests a minute that one client may send to the MCP server over HTTP, or to the web explorer; "
        "0 is no limit.",
    )
    allowed_hosts: str = Field(
        "", description="Names, with commas, of the MCP server and the web explorer over HTTP, beside loopback.",
        examples=["mcp,obs.example.com"],
    )  # fmt: skip
    allowed_origins: str = Field(
        "", description="Web pages, with commas, that may talk to the MCP server and the web explorer, beside those "
        "of loopback.",
        examples=["https://obs.example.com"],
    )  # fmt: skip

    def __init__(self, **values: Any) -> None:
        _refuse_unknown_variables()
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError("\n".join(_explain(dict(problem)) for problem in error.errors())) from None

    @field_validator("backend", mode="before")
    @classmethod
    def _one_to_read(cls, value: Any) -> Any:
        return "embedded" if value in ("both", "none") else value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        _zone(value)
        return value

    @field_validator("since")
    @classmethod
    def _readable_since(cls, value: str) -> str:
        try:
            parse_range(value)
        except TimeRangeError as error:
            raise ValueError(str(error)) from None
        return value

    @property
    def may_write(self) -> bool:
        """Whether commands and the explorer may change something: unless it is forbidden."""
        return self.writes is not False

    @property
    def store_path(self) -> Path:
        """Where the SQLite file lies."""
        return store_path(self.home)

    @property
    def zone(self) -> tzinfo:
        """The zone of days, months and of times that name none."""
        return _zone(self.timezone)


def _zone(name: str) -> tzinfo:
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no such zone on this machine (the Python package tzdata brings them all)") from None


def _refuse_unknown_variables() -> None:
    known = [variable(name) for name in ReadSettings.model_fields if name not in SHARED]
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known:
            raise SettingsError(_unknown(name, known))


def _unknown(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {nearest[0]}?" if nearest else f"Known variables: {', '.join(sorted(known))}."
    return f"Unknown setting {name}. {hint} Rename or unset it."


def _explain(problem: dict[str, Any]) -> str:
    location = str(problem["loc"][0]) if problem["loc"] else "settings"
    field = location.lower().removeprefix(PREFIX.lower()).removeprefix("syndarix_obs_")
    if field not in ReadSettings.model_fields:
        return _unknown(location, sorted(ReadSettings.model_fields))
    info = ReadSettings.model_fields[field]
    example = info.examples[0] if info.examples else info.get_default(call_default_factory=True, validated_data={})
    message = str(problem["msg"]).removeprefix("Value error, ")
    return (
        f"{variable(field)}={str(problem['input'])!r} is not allowed: {message}. "
        f"{info.description} Example: {variable(field)}={example}"
    )
