"""Settings of the read side."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.settings import ReadSettings, variable


def test_the_home_folder_is_shared_with_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_HOME", "/somewhere")
    assert Path("/somewhere/store.sqlite3") == ReadSettings().store_path


def test_variables_without_the_prefix_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/elsewhere")
    monkeypatch.setenv("BACKEND", "stack")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    settings = ReadSettings()
    assert Path("/elsewhere") != settings.home
    assert "embedded" == settings.backend


@pytest.mark.parametrize(("value", "expected"), [("embedded", "embedded"), ("both", "embedded"), ("none", "embedded"),
                                                 ("stack", "stack")])  # fmt: skip
def test_every_backend_of_the_agent_can_be_read(monkeypatch: pytest.MonkeyPatch, value: str, expected: str) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_BACKEND", value)
    assert expected == ReadSettings().backend


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_READ_LIMIT", "7")
    assert 9 == ReadSettings(limit=9).limit
    assert 7 == ReadSettings().limit


def test_budgets_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_READ_DAILY_BUDGET_USD", "0.1")
    assert Decimal("0.1") == ReadSettings().daily_budget_usd


def test_a_wrong_value_names_variable_value_choices_and_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_BACKEND", "cloud")
    with pytest.raises(SettingsError, match=r"SYNDARIX_OBS_BACKEND='cloud' .*'embedded' or 'stack'.*Example: "):
        ReadSettings()


def test_an_unknown_variable_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_READ_LIMITS", "7")
    with pytest.raises(SettingsError, match="Did you mean SYNDARIX_OBS_READ_LIMIT"):
        ReadSettings()


def test_variables_of_the_agent_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_CAPTURE", "none")
    assert 50 == ReadSettings().limit


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(SettingsError, match="Unknown setting colour"):
        ReadSettings(colour="red")


def test_a_zone_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    assert UTC is ReadSettings().zone
    assert "Europe/Berlin" == str(ReadSettings(timezone="Europe/Berlin").zone)
    monkeypatch.setenv("SYNDARIX_OBS_READ_TIMEZONE", "Mars/Olympus")
    with pytest.raises(SettingsError, match="SYNDARIX_OBS_READ_TIMEZONE='Mars/Olympus' is not allowed: no such zone"):
        ReadSettings()


def test_the_usual_time_must_be_readable() -> None:
    with pytest.raises(SettingsError, match="SYNDARIX_OBS_READ_SINCE='a while' is not allowed: cannot read the time"):
        ReadSettings(since="a while")


def test_shared_settings_have_no_read_in_their_name() -> None:
    assert ("SYNDARIX_OBS_HOME", "SYNDARIX_OBS_READ_LIMIT") == (variable("home"), variable("limit"))
