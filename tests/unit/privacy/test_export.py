"""Exports: what leaves, in which form, and what must not."""

from __future__ import annotations

import csv
import hashlib
import json
import signal
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.store.database import open_for_read
from syndarix_obs_read.errors import UsageError
from syndarix_obs_read.export.formats import jsonl
from syndarix_obs_read.export.lines import lines as straight_lines
from syndarix_obs_read.export.person import export_person
from syndarix_obs_read.export.privacy import WithoutSecrets
from syndarix_obs_read.export.rows import Choice, entries
from syndarix_obs_read.export.run import run
from syndarix_obs_read.privacy.forget import forget
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.users import pseudonym_of

ALL = Choice("records", 0, 2**62)
LEDGER = Choice("ledger", 0, 2**62)


def fill(home: Path, users: tuple[str, ...] = ("ada", "bob"), calls: int = 3, redaction: str = "all") -> ReadSettings:
    obs = ObservabilityPlatform(Settings(home=home, set_global=False, redaction=redaction))
    for user in users:
        with obs.session(agent="support", user=user, session_id=f"chat of {user}", project="acme"):
            for number in range(calls):
                text = f"{user} says {number}, mail me at someone@example.org"
                with obs.llm(provider="openai", model="gpt-4o", messages=[{"role": "user", "content": text}]) as call:
                    call.response(
                        messages=[{"role": "assistant", "content": "yes"}], finish_reason="stop",
                        usage={"prompt_tokens": 100 + number, "completion_tokens": 7},
                    )  # fmt: skip
                obs.decision("tool_selection", options=["a", "b"], selected="a", reasoning=text)
    assert obs.flush(60)
    obs.shutdown()
    return ReadSettings(home=home)


@pytest.fixture
def settings(tmp_path: Path) -> ReadSettings:
    return fill(tmp_path / "home")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def test_json_lines_hold_every_record_and_the_manifest_its_hashes(settings: ReadSettings, tmp_path: Path) -> None:
    manifest = run(settings, ALL, tmp_path / "out", rows_per_part=3)
    found = lines(tmp_path / "out")
    connection = open_for_read(settings.store_path)
    stored = [row[0] for row in connection.execute("SELECT record_id FROM records ORDER BY id")]
    connection.close()
    assert stored == [each["record_id"] for each in found]
    assert len(stored) == manifest["rows"]
    for part in manifest["files"]:
        data = (tmp_path / "out" / part["name"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (part["bytes"], part["sha256"])


@pytest.mark.parametrize("redaction", ["all", "off"])
def test_lines_straight_from_the_columns_are_those_of_every_other_way(tmp_path: Path, redaction: str) -> None:
    settings = fill(tmp_path / "home", ("ada", "my password=hunter2hunter2", "ünïcode \"q\""), redaction=redaction)
    with closing(open_for_read(settings.store_path)) as connection:
        straight = [line for page in straight_lines(connection, ALL, 0, 2**62, WithoutSecrets()) for line in page]
        gate = WithoutSecrets()
        others = [jsonl([gate(entry)]) for page in entries(connection, ALL, 0) for entry in page]
    assert 20 < len(others)
    assert others == straight


def test_the_ledger_adds_up_to_the_same_amount_in_every_format(settings: ReadSettings, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    for form in ("jsonl", "csv", "parquet"):
        run(settings, LEDGER, tmp_path / form, format_name=form)
    amounts = [Decimal(each["total_cost_usd"]) for each in lines(tmp_path / "jsonl")]
    with (tmp_path / "csv" / "ledger-000001.csv").open(newline="") as file:
        from_csv = [Decimal(row["total_cost_usd"]) for row in csv.DictReader(file)]
    table = pq.read_table(tmp_path / "parquet")
    assert amounts == from_csv == [Decimal(each) for each in table.column("total_cost_usd").to_pylist()]
    assert sum(amounts) > 0


def test_parquet_reads_back_equal_to_json_lines(settings: ReadSettings, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    run(settings, ALL, tmp_path / "a")
    run(settings, ALL, tmp_path / "b", format_name="parquet")
    rows = pq.read_table(tmp_path / "b").to_pylist()
    nested = {"attributes", "events", "options", "sections", "evicted", "payload"}
    back = [
        {key: json.loads(value) if key in nested else value for key, value in row.items() if value is not None}
        for row in rows
    ]
    assert lines(tmp_path / "a") == back


def test_otlp_is_read_by_an_otlp_reader(settings: ReadSettings, tmp_path: Path) -> None:
    manifest = run(settings, ALL, tmp_path / "out", format_name="otlp")
    spans = []
    for line in (tmp_path / "out" / "records-000001.otlp.jsonl").read_text().splitlines():
        document = json.loads(line)
        for batch in document["resourceSpans"]:
            for span in batch["scopeSpans"][0]["spans"]:  # OTLP's JSON has ids as hex, protobuf's as base64
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        span[name] = __import__("base64").b64encode(bytes.fromhex(span[name])).decode()
        request = json_format.ParseDict(document, ExportTraceServiceRequest())
        spans += [s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]
    assert manifest["rows"] == len(spans)
    assert all(len(span.trace_id) == 16 and span.start_time_unix_nano for span in spans)


def test_a_shared_set_has_other_names_other_times_and_says_what_it_is(settings: ReadSettings, tmp_path: Path) -> None:
    first, second = (run(settings, ALL, tmp_path / name, purpose="sharing") for name in ("a", "b"))
    ours = lines(tmp_path / "a")
    text = "".join(path.read_text() for path in (tmp_path / "a").iterdir())
    assert pseudonym_of(settings, "ada") not in text
    assert "chat of ada" not in text
    assert 2 == len({each["user"] for each in ours})
    assert {each["user"] for each in ours}.isdisjoint({each["user"] for each in lines(tmp_path / "b")})
    run(settings, ALL, tmp_path / "plain")
    gaps = {each["start_ns"] - other["start_ns"] for each, other in zip(ours, lines(tmp_path / "plain"), strict=True)}
    assert 1 == len(gaps - {0})
    assert "pseudonymised, not anonymous" == first["privacy"] == second["privacy"]


def test_a_shared_set_goes_with_a_person_who_is_in_it_and_what_others_put_beside_it_stays(
    settings: ReadSettings, tmp_path: Path
) -> None:
    run(settings, ALL, tmp_path / "set", purpose="sharing")
    (tmp_path / "set" / "README.md").write_text("how we read it")
    forget(settings, pseudonym_of(settings, "ada"))
    assert ["README.md", "_manifest.json"] == sorted(path.name for path in (tmp_path / "set").iterdir())


def test_five_users_of_each_combination_make_a_shared_set_k_anonymous(tmp_path: Path) -> None:
    settings = fill(tmp_path / "home", ("a", "b", "c", "d", "e"), calls=1)
    assert "k >= 5" in run(settings, ALL, tmp_path / "out", purpose="sharing")["privacy"]


def test_secrets_never_leave_even_from_a_store_without_redaction(tmp_path: Path) -> None:
    obs = ObservabilityPlatform(Settings(home=tmp_path / "home", set_global=False, redaction="off"))
    key = "sk-" + "proj-" + "A1b2C3d4" * 6
    with obs.session(agent="a", user="ada"), obs.tool("login", arguments={"api_key": key}) as tool:
        tool.result({"said": f"your key {key}"})
    assert obs.flush(60)
    obs.shutdown()
    settings = ReadSettings(home=tmp_path / "home")
    for form in ("jsonl", "csv", "otlp"):
        run(settings, ALL, tmp_path / form, format_name=form)
        assert all(key not in path.read_text() for path in (tmp_path / form).iterdir())


def test_a_persons_data_comes_as_json_and_as_a_page_with_others_masked(tmp_path: Path) -> None:
    settings = fill(tmp_path / "home")
    ada, bob = pseudonym_of(settings, "ada"), pseudonym_of(settings, "bob")
    counts = export_person(settings, ada, tmp_path / "out")
    data = json.loads((tmp_path / "out" / "data.json").read_text())
    page = (tmp_path / "out" / "data.html").read_text()
    assert {name: len(data[name]) for name in counts} == counts
    assert {ada} == {row["user"] for row in data["records"]}
    assert "ada says 2" in page
    assert bob not in page + json.dumps(data)
    assert "someone@example.org" not in page


def test_an_erasure_reaches_exports_and_keeps_their_sums(settings: ReadSettings, tmp_path: Path) -> None:
    run(settings, LEDGER, tmp_path / "ledger")
    run(settings, ALL, tmp_path / "csv", format_name="csv")
    before = sum(Decimal(each["total_cost_usd"]) for each in lines(tmp_path / "ledger"))
    ada = pseudonym_of(settings, "ada")
    assert forget(settings, ada).complete
    assert before == sum(Decimal(each["total_cost_usd"]) for each in lines(tmp_path / "ledger"))
    assert ada not in "".join(path.read_text() for path in tmp_path.glob("[lc]*/*") if path.is_file())
    part = json.loads((tmp_path / "ledger" / "_manifest.json").read_text())["files"][0]
    assert part["sha256"] == hashlib.sha256((tmp_path / "ledger" / part["name"]).read_bytes()).hexdigest()


def test_another_export_in_the_folder_is_refused(settings: ReadSettings, tmp_path: Path) -> None:
    run(settings, ALL, tmp_path / "out")
    with pytest.raises(UsageError, match="not empty"):
        run(settings, ALL, tmp_path / "out")


KILLED = """
import os, signal, sys
from pathlib import Path
from syndarix_obs_read.export.rows import Choice
from syndarix_obs_read.export.run import run
from syndarix_obs_read.settings import ReadSettings
def tell(done, total):
    if list(Path(sys.argv[2]).glob("records-*")):
        os.kill(os.getpid(), signal.SIGKILL)
run(ReadSettings(home=Path(sys.argv[1])), Choice("records", 0, 2**62), Path(sys.argv[2]), tell=tell, rows_per_part=500)
"""


def test_a_killed_export_goes_on_behind_the_last_whole_part(tmp_path: Path) -> None:
    settings = fill(tmp_path / "home", ("ada",), calls=1_500)
    out = tmp_path / "out"
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "home"), str(out)], check=False)
    assert -signal.SIGKILL == done.returncode
    before = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.glob("records-*")}
    assert 0 < len(before) < 7
    manifest = run(settings, ALL, out, rows_per_part=500)
    assert before.items() <= {part["name"]: part["sha256"] for part in manifest["files"]}.items()
    found = [each["record_id"] for each in lines(out)]
    assert 3_001 == len(found) == len(set(found)) == manifest["rows"]
