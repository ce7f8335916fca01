"""Settings: environment, OpenTelemetry names, and errors that say what to do."""

from __future__ import annotations

import pytest

from syndarix_obs import Settings, SettingsError


def test_the_environment_is_read_and_arguments_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_CAPTURE", "metadata")
    assert "metadata" == Settings().capture
    assert "none" == Settings(capture="none").capture


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("OTEL_SERVICE_NAME", "checkout", "service_name", "checkout"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9", "otlp_endpoint", "http://127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "otlp_protocol", "grpc"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25", "sample_ratio", 0.25),
    ],
)
def test_standard_opentelemetry_names_are_honoured(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, field: str, expected: object
) -> None:
    monkeypatch.setenv(name, value)
    assert expected == getattr(Settings(), field)


def test_our_own_name_wins_over_the_standard_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "theirs")
    monkeypatch.setenv("SYNDARIX_OBS_SERVICE_NAME", "ours")
    assert "ours" == Settings().service_name


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("SYNDARIX_OBS_CAPTURE", "everything", ["SYNDARIX_OBS_CAPTURE", "everything", "metadata", "Example"]),
        ("SYNDARIX_OBS_LOOP_THRESHOLD", "many", ["SYNDARIX_OBS_LOOP_THRESHOLD", "many", "integer", "=4"]),
        ("SYNDARIX_OBS_SAMPLE_RATIO", "7", ["SYNDARIX_OBS_SAMPLE_RATIO", "'7'", "less than or equal to 1"]),
        ("SYNDARIX_OBS_REDACTION_PATTERNS", "[[", ["SYNDARIX_OBS_REDACTION_PATTERNS", "JSON", "employee"]),
        ("SYNDARIX_OBS_REDACTION_PATTERNS", '{"x": "("}', ["SYNDARIX_OBS_REDACTION_PATTERNS", "x", "Example"]),
        ("SYNDARIX_OBS_CAPTUER", "full", ["Unknown setting SYNDARIX_OBS_CAPTUER", "SYNDARIX_OBS_CAPTURE?"]),
    ],
)
def test_a_wrong_setting_names_variable_value_choices_and_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, parts: list[str]
) -> None:
    from syndarix_obs import ObservabilityPlatform

    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        ObservabilityPlatform.from_env()
    for part in parts:
        assert part in str(caught.value)


def test_an_unknown_argument_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="Did you mean capture"):
        Settings(captur="full")


def test_read_side_variables_are_not_ours_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_READ_TOKEN_BUDGET", "8000")
    assert "embedded" == Settings().backend


def test_the_home_follows_the_platforms_convention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert "/data/syndarix-obs/store.sqlite3" == str(Settings().store_path)
