"""`syndarix-obs web`: where it listens, and what it says when it cannot."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from syndarix_obs_read.cli.run import run
from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.server import PORT, Serving


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_is_taken_says_so_and_names_another(
    taken: int, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(["web", "--port", str(taken), "--home", str(home)])

    said = capsys.readouterr()
    assert f"port {taken} of 127.0.0.1 is taken" in said.err
    assert "--port" in said.err
    assert "" == said.out


def test_a_public_address_without_a_token_ends_with_the_reason(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run(["web", "--host", "0.0.0.0", "--home", str(home)])
    assert "--token-file" in capsys.readouterr().err


def test_a_token_file_that_cannot_be_read_ends_with_the_reason(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(["web", "--token-file", str(tmp_path / "none"), "--home", str(home)])
    assert "cannot read the tokens" in capsys.readouterr().err


def test_an_address_of_another_machine_cannot_be_listened_on(home: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token-of-the-tests\n")
    (tmp_path / "token").chmod(0o600)
    with pytest.raises(SettingsError, match=r"cannot listen on port 0 of 192\.0\.2\.1"):
        Serving(ReadSettings(home=home), Address("192.0.2.1", 0, tmp_path / "token"))


def test_port_zero_takes_a_free_one_and_the_address_says_which(home: Path) -> None:
    serving = Serving(ReadSettings(home=home), Address(port=0))
    try:
        port = int(serving.url.rstrip("/").rpartition(":")[2])
        assert 0 < port != PORT
    finally:
        serving.close()


def test_the_default_port_is_not_that_of_the_mcp_server() -> None:
    assert Address().port != PORT


def test_help_lists_the_command_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["web", "--help"])
    assert "Example: syndarix-obs web --open" in capsys.readouterr().out
