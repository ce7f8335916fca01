"""Every setting: environment name, type, default, meaning. The settings page of the docs is generated from this table.

A variable is `SYNDARIX_OBS_` and the field's name in capitals; standard `OTEL_*` names are honoured where they exist.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableValue

from syndarix_obs.errors import SettingsError
from syndarix_obs.store.location import default_home, store_path
from syndarix_obs.vocabulary import SCRAPE_PORTS

PREFIX = "SYNDARIX_OBS_"
_USER_OF_URL = re.compile(r"://[^\s/@]*@")
_READ_SIDE = frozenset({"SYNDARIX_OBS_BACKEND", "SYNDARIX_OBS_HOME"})


def _or_otel(name: str, *otel: str) -> AliasChoices:
    # Without the bare name, which would be read from the environment too: a stray SERVICE_NAME is not ours.
    return AliasChoices(PREFIX + name.upper(), *otel)


class Settings(BaseSettings):
    """Settings of the write side. Arguments win over the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", populate_by_name=True, env_ignore_empty=True, frozen=True
    )

    enabled: bool = Field(True, description="False turns every call into a cheap no-op.")
    service_name: str = Field(
        "agent", validation_alias=_or_otel("service_name", "OTEL_SERVICE_NAME"),
        description="Name of the emitting service.", examples=["checkout-agent"],
    )  # fmt: skip
    environment: str = Field("default", description="Deployment environment.", examples=["production"])
    project: str | None = Field(None, description="Project that pays, unless a session names one.", examples=["acme"])
    backend: Literal["embedded", "stack", "both", "none"] = Field(
        "embedded", description="Where records go: one SQLite file, the LGTM stack, both, or nowhere but the metrics."
    )
    home: Path = Field(
        default_factory=default_home, description="Folder of the SQLite file, the spool and the pseudonym key.",
        examples=["/var/lib/agent/observability"],
    )  # fmt: skip
    capture: Literal["none", "metadata", "full"] = Field(
        "full", description="How much of messages, arguments and results is kept: nothing, sizes and roles, or all."
    )
    redaction: Literal["off", "secrets", "all"] = Field(
        "all", description="What is masked before anything leaves the process: nothing, secrets, or secrets and PII."
    )
    redaction_patterns: dict[str, str] = Field(
        default_factory=dict, description="Further patterns to mask, as JSON: name to regular expression.",
        examples=['{"employee": "E-[0-9]{6}"}'],
    )  # fmt: skip
    redaction_presidio: str | None = Field(
        None, description="Name of an installed spaCy model with which Presidio masks names of persons and places "
        "beside the patterns; needs the extra `presidio`, and is slow: some 60 ms of the worker for a KB.",
        examples=["en_core_web_lg"],
    )  # fmt: skip
    user_key_file: Path | None = Field(
        None, description="File with the key of user pseudonyms; by default one is made in `home`.",
        examples=["/run/secrets/user_key"],
    )  # fmt: skip
    payload_keys: bool = Field(
        False,
        description="Encrypt what is said under a key for each user before it is stored or sent, so that `forget` "
        "makes all copies unreadable at once; needs the extra `payload-keys`. Encrypted texts cannot be searched.",
    )  # fmt: skip
    prices_file: Path | None = Field(
        None, description="YAML file of dated price overrides.", examples=["/etc/agent/prices.yml"]
    )
    budgets_file: Path | None = Field(
        None, description="YAML file of budgets, held before each call; answers and alerts read it too.",
        examples=["/etc/agent/budgets.yml"],
    )  # fmt: skip
    guard_timeout: float = Field(
        600.0, gt=0, le=86_400,
        description="Seconds until what a budget reserved for a call that never ended is given back; the clients of "
        "providers give up after 600.",
    )  # fmt: skip
    guard_wait: float = Field(
        1.0, gt=0, le=10,
        description="Seconds that a call waits for the budgets' file at most; after that the guard has failed.",
    )  # fmt: skip
    guard_on_failure: Literal["allow", "refuse"] = Field(
        "allow",
        description="What becomes of a call when the guard fails or no price is known for its model: it passes and is "
        "counted, or it is refused.",
    )  # fmt: skip
    guard_max_output: int | None = Field(
        None, ge=1,
        description="Tokens to reserve for an answer whose request sets no limit; the model's limit otherwise.",
        examples=["4096"],
    )  # fmt: skip
    guard_share: float = Field(
        1.0, gt=0, le=1,
        description="Part of each budget that this machine may spend, where several machines share it.",
        examples=["0.25"],
    )  # fmt: skip
    loop_threshold: int = Field(
        4, ge=2, description="Calls of one tool with the same arguments in a session that count as a loop."
    )
    automatic_decisions: bool = Field(
        True, description="Record what models decide (which tool, how to recover, which form) without code for it."
    )
    request_usage: bool = Field(
        False, description="Ask the provider for usage on streamed OpenAI calls (adds `stream_options`)."
    )
    official_instrumentors: bool = Field(
        False, description="Let `auto_instrument` use the official instrumentors for openai and anthropic, not our own."
    )
    sample_ratio: float = Field(
        1.0, ge=0, le=1, validation_alias=_or_otel("sample_ratio", "OTEL_TRACES_SAMPLER_ARG"),
        description="Share of traces that is kept; metrics and the cost ledger always count every call.",
    )  # fmt: skip
    slow_trace_seconds: float = Field(
        30.0, gt=0, description="A trace at least this slow is kept whatever the sample ratio."
    )
    costly_trace_usd: float = Field(
        1.0, gt=0, description="A trace at least this expensive is kept whatever the sample ratio."
    )
    queue_max_records: int = Field(50_000, ge=100, description="Most ended spans that wait for the worker.")
    queue_max_bytes: int = Field(
        64 * 1024 * 1024, ge=1_000_000, description="Most payload bytes that wait for the worker, roughly."
    )
    flush_interval: float = Field(0.25, gt=0, le=1, description="Seconds between two rounds of the worker.")
    shutdown_timeout: float = Field(
        4.0, gt=0, le=60, description="Seconds that exit may wait for destinations; the process ends within one more."
    )
    save_on_signals: bool = Field(
        True, description="Save what waits at SIGTERM and SIGHUP, where the program has no handler of its own."
    )
    max_payload_bytes: int = Field(
        4_000_000, ge=1_000, description="Largest payload of one record; what is cut says so and is counted."
    )
    preview_chars: int = Field(240, ge=0, le=2_000, description="Characters of the preview that stays on the span.")
    metrics_port: int | None = Field(
        None, ge=0, le=65_535, examples=[9464],
        description="Port of the scrape endpoint; 0 serves none. Unset: with the stack the first free one of 9464 to "
        "9468, else none.",
    )  # fmt: skip
    metrics_host: str | None = Field(
        None, examples=["127.0.0.1"],
        description="Address of the scrape endpoint. Unset: loopback, and with the stack Docker's bridge where there "
        "is one, so that a Prometheus in Docker reaches it.",
    )  # fmt: skip
    pushgateway_url: str | None = Field(
        None, description="Pushgateway for processes that end before a scrape.", examples=["http://127.0.0.1:9091"]
    )
    loki_url: str = Field("http://127.0.0.1:3100", description="Base URL of Loki.")
    loki_tenant: str | None = Field(None, description="Tenant header for Loki.", examples=["team-a"])
    otlp_endpoint: str = Field(
        "http://127.0.0.1:4318",
        validation_alias=_or_otel(
            "otlp_endpoint", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
        ),
        description="OTLP endpoint of Tempo; `/v1/traces` is added for HTTP when missing.",
    )
    otlp_protocol: Literal["http/protobuf", "grpc"] = Field(
        "http/protobuf",
        validation_alias=_or_otel(
            "otlp_protocol", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"
        ),
        description="OTLP transport; HTTP carries larger batches.",
    )
    otlp_headers: str = Field(
        "", validation_alias=_or_otel(
            "otlp_headers", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"
        ),
        description="Headers for OTLP, `key=value` separated by commas.", examples=["x-scope-orgid=team-a"],
    )  # fmt: skip
    extra_otlp_endpoint: str | None = Field(
        None, description="A second OTLP/HTTP destination for traces, for example Jaeger.",
        examples=["http://127.0.0.1:14318"],
    )  # fmt: skip
    zipkin_url: str | None = Field(
        None, description="Zipkin JSON destination for traces.", examples=["http://127.0.0.1:9411/api/v2/spans"]
    )
    send_timeout: float = Field(10.0, gt=0, le=120, description="Seconds until one request to a destination fails.")
    spool_max_bytes: int = Field(
        512 * 1024 * 1024, ge=1_000_000, description="Disk space for what destinations have not taken yet."
    )
    retention_days: int = Field(30, ge=1, description="Days that the SQLite file keeps records.")
    retention: dict[str, int] = Field(
        default_factory=dict,
        description="Days by class (payloads, decisions, logs, records, ledger) or PROJECT.CLASS, as JSON; records, "
        "decisions and logs keep to `retention_days` otherwise, payloads to their record.",
        examples=['{"payloads": 7, "ledger": 400, "acme.payloads": 3}'],
    )  # fmt: skip
    log_level: Literal["debug", "info", "warning", "error", "critical"] = Field(
        "info", description="Least severe application log line that is captured."
    )
    set_global: bool = Field(
        True, description="Become OpenTelemetry's global tracer provider when the program has none."
    )

    def __init__(self, **values: Any) -> None:
        _refuse_unknown_variables()
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(explain(error)) from None
        except UnreadableValue as error:
            raise SettingsError(_explain_json(str(error))) from None

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Headers carry keys, and addresses may carry a password: neither is shown."""
        for name, value in super().__repr_args__():
            if name == "otlp_headers" and value:
                value = ",".join(f"{pair.partition('=')[0]}=…" for pair in value.split(","))
            elif isinstance(value, str) and "@" in value:
                value = _USER_OF_URL.sub("://…@", value)
            yield name, value

    @property
    def scrape_ports(self) -> tuple[int, ...]:
        """Ports to try for the scrape endpoint, in order; none means that it is not served."""
        if self.metrics_port is not None:
            return (self.metrics_port,) if self.metrics_port else ()
        return SCRAPE_PORTS if self.backend in {"stack", "both"} else ()

    @property
    def store_path(self) -> Path:
        """Where the SQLite file lies."""
        return store_path(self.home)


def variable(field: str) -> str:
    """Environment name of a field."""
    return PREFIX + field.upper()


def _refuse_unknown_variables() -> None:
    known = {variable(name) for name in Settings.model_fields} | _READ_SIDE
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known and not name.startswith(PREFIX + "READ_"):
            raise SettingsError(_unknown(name, sorted(known)))


def _unknown(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {nearest[0]}?" if nearest else f"Known variables: {', '.join(known)}."
    return f"Unknown setting {name}. {hint} Rename or unset it."


def explain(error: ValidationError) -> str:
    """One sentence per wrong value: the variable, the value, what is allowed, an example."""
    return "\n".join(_explain_one(dict(problem)) for problem in error.errors())


def _explain_one(problem: dict[str, Any]) -> str:
    location = str(problem["loc"][0]) if problem["loc"] else "settings"
    field = _field_of(location)
    if field is None:
        return _unknown(location, sorted(Settings.model_fields))
    info = Settings.model_fields[field]
    example = info.examples[0] if info.examples else info.get_default(call_default_factory=True, validated_data={})
    return (
        f"{variable(field)}={str(problem['input'])!r} is not allowed: {problem['msg']}. "
        f"{info.description} Example: {variable(field)}={example}"
    )


def _explain_json(message: str) -> str:
    field = next((name for name in Settings.model_fields if f'"{name}"' in message), "redaction_patterns")
    example = (Settings.model_fields[field].examples or ["{}"])[0]
    value = os.environ.get(variable(field), "")
    return f"{variable(field)}={value!r} is not allowed: it must be JSON. Example: {variable(field)}='{example}'"


def _field_of(location: str) -> str | None:
    lowered = location.lower().removeprefix(PREFIX.lower())
    if lowered in Settings.model_fields:
        return lowered
    for name, info in Settings.model_fields.items():
        alias = info.validation_alias
        if isinstance(alias, AliasChoices) and location in alias.choices:
            return name
    return None
