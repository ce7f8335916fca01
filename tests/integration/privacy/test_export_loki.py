"""An export and the audit trail over a real Loki: what was told comes out once, and who read it stands there."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from short_servers import short_servers

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.answers.audit import AuditTrail, list_audit
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import Rows, StoredRecord
from syndarix_obs_read.export.rows import Choice
from syndarix_obs_read.export.run import run
from syndarix_obs_read.serving.guarded import guarded
from syndarix_obs_read.serving.roles import Reader, visit
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]
CALLS = 300
SINCE = time.time_ns() - 3_600 * 10**9
ALL = Filter(since_ns=SINCE, environment="test")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadSettings]:
    if shutil.which("loki") is None:
        pytest.skip("loki is not on the PATH")
    folder = tmp_path_factory.mktemp("export")
    with short_servers(folder, ("loki",)) as stack:
        url = f"http://127.0.0.1:{stack.options.ports.loki}"
        obs = ObservabilityPlatform(
            Settings(home=folder / "home", backend="stack", loki_url=url, otlp_endpoint="", set_global=False,
                     environment="test")
        )  # fmt: skip
        with obs.session(agent="support", user="ada"):
            for number in range(CALLS):
                with obs.tool("search", arguments={"number": number}) as tool:
                    tool.result({"said": f"answer {number}"})
        assert obs.flush(60)
        obs.shutdown()
        yield ReadSettings(home=folder / "home", backend="stack", loki_url=url, retention_days=1)


async def read(settings: ReadSettings, reader: Reader | None = None) -> Rows[StoredRecord]:
    backend = guarded(open_backend(settings), settings)
    with visit(reader, "tool search_logs"):
        found = await backend.records(ALL, limit=10_000, payloads=True)
    await backend.close()
    return found


async def trail(settings: ReadSettings) -> AuditTrail:
    backend = open_backend(settings)
    found = await list_audit(backend, settings.home, TimeRange(SINCE, time.time_ns() + 10**9, "1h"), 50)
    await backend.close()
    return found


def test_an_export_of_loki_holds_what_answers_show(settings: ReadSettings, tmp_path: Path) -> None:
    choice = Choice("records", SINCE, time.time_ns(), (("environment", "test"),))
    manifest = run(settings, choice, tmp_path / "out")
    lines = [json.loads(line) for path in (tmp_path / "out").glob("*.jsonl") for line in path.read_text().splitlines()]
    told = {each.text("record_id"): each.payload for each in asyncio.run(read(settings)).rows}
    assert told == {line["record_id"]: line.get("payload", {}) for line in lines}
    assert manifest["rows"] == len(lines) == len(told)
    assert CALLS == Counter(line["kind"] for line in lines)["tool_call"]


def test_who_read_texts_stands_in_loki_without_them(settings: ReadSettings) -> None:
    assert any(each.payload for each in asyncio.run(read(settings, Reader("ops", "operator"))).rows)
    assert not any(each.payload for each in asyncio.run(read(settings, Reader("board", "read-only"))).rows)
    deadline = time.monotonic() + 20
    while not (entries := asyncio.run(trail(settings)).entries) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [("ops (operator)", "read payloads")] == [(each.who, each.action) for each in entries]
    assert "answer" not in entries[0].detail
