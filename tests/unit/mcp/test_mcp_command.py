"""`syndarix-obs mcp` and `syndarix-obs doctor` on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from syndarix_obs_read.cli.run import run


def test_the_command_line_does_not_import_mcp() -> None:
    code = "import sys, syndarix_obs_read.cli.app; print('mcp' in sys.modules, 'prometheus_client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert "False False" == done.stdout.strip()


def test_the_snippet_starts_this_command_with_this_home(
    small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_READ_ANSWER_TOKENS", "4000")
    assert 0 == run(["mcp", "--print-config", "--home", str(small)])

    entry = json.loads(capsys.readouterr().out)["mcpServers"]["syndarix-obs"]
    assert entry["command"].endswith("syndarix-obs")
    assert ["mcp"] == entry["args"]
    assert {"SYNDARIX_OBS_BACKEND": "embedded", "SYNDARIX_OBS_HOME": str(small),
            "SYNDARIX_OBS_READ_ANSWER_TOKENS": "4000"} == entry["env"]  # fmt: skip


def test_the_snippet_for_http_has_the_address_and_no_secret(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-secret-that-stays-here")
    token.chmod(0o600)
    run(
        ["mcp", "--print-config", "--transport", "http", "--host", "0.0.0.0", "--port", "9", "--token-file", str(token)]
    )

    shown = capsys.readouterr().out
    entry = json.loads(shown)["mcpServers"]["syndarix-obs"]
    assert "http://127.0.0.1:9/mcp" == entry["url"]
    assert "Bearer ${SYNDARIX_OBS_MCP_TOKEN}" == entry["headers"]["Authorization"]
    assert "a-secret" not in shown


def test_a_public_address_without_a_token_ends_with_the_reason(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run(["mcp", "--transport", "http", "--host", "0.0.0.0", "--home", str(small)])
    assert "--token-file" in capsys.readouterr().err


def test_a_healthy_chain_ends_with_zero(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["doctor", "--home", str(small), "--json"])

    report = json.loads(capsys.readouterr().out)
    names = {check["name"]: check["state"] for check in report["checks"]}
    assert "ok" == names["home"] == names["store"] == names["last trace"]


def test_a_chain_without_a_store_ends_with_one_and_says_how_to_mend_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == run(["doctor", "--home", str(tmp_path)])
    assert "syndarix-obs demo" in capsys.readouterr().out
