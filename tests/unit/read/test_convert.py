"""A run in the form of other programs: as many spans, with the same names, inside one another as they were."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from syndarix_obs.records import model as r
from syndarix_obs.records.model import Record
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.answers.convert import FILES, FORMS, convert
from syndarix_obs_read.answers.trace import TraceSpan, get_trace
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.export.lanes import Slice, lanes
from syndarix_obs_read.export.register import exports, files_with

TRACE = "ab" * 16
SCHEMA = Path(__file__).resolve().parents[2] / "support" / "schemas" / "speedscope.json"
MS = 1_000_000
START = 1_790_000_000_000_000_007


def record(kind: type[Record], span: str, parent: str | None, at_ms: float, took_ms: float, **more: Any) -> Any:
    start = START + round(at_ms * MS)
    return kind(
        record_id=span, trace_id=TRACE, span_id=span, parent_id=parent, start_ns=start,
        end_ns=start + round(took_ms * MS), service="desk", environment="test", agent="desk", session_id="s-1",
        user="u_0123456789abcdef", **more,
    )  # fmt: skip


def records() -> Iterator[Record]:
    """A session with two tools in parallel, a step that outlives its parent, and a moment without length."""
    yield record(r.SessionRecord, "01", None, 0, 100, name="invoke_agent desk")
    yield record(r.TaskRecord, "02", "01", 0, 90, name="refund")
    yield record(
        r.LLMRecord, "03", "02", 0, 10, name="chat", model="gpt-4o", input_tokens=9, output_tokens=1, priced=True,
        cost_usd="0.002", payload=json.dumps({"input": "key sk-ant-api03-" + "a1B2" * 24}),
    )  # fmt: skip
    yield record(r.ToolRecord, "04", "02", 10, 50, tool="search")
    yield record(r.ToolRecord, "05", "02", 20, 30, tool="search")
    yield record(r.SpanRecord, "06", "05", 21, 5, name="http")
    yield record(
        r.DecisionRecord, "07", "02", 70, 0, decision_id="d", decision_type="tool_selection", selected="answer"
    )
    yield record(r.ToolRecord, "08", "02", 80, 40, tool="notify")
    yield record(r.LogRecord, "04", None, 12, 0, logger="shop", severity="info", payload='{"message": "found"}')


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the trace."""
    folder = tmp_path_factory.mktemp("convert")
    writer = StoreWriter(store_path(folder))
    writer.write(list(records()))
    writer.close()
    return folder


@pytest.fixture
async def backend(home: Path) -> AsyncIterator[EmbeddedBackend]:
    """The store's backend."""
    found = EmbeddedBackend(home / "store.sqlite3")
    yield found
    await found.close()


@pytest.fixture
async def spans(backend: EmbeddedBackend) -> tuple[TraceSpan, ...]:
    """What the trace's own page shows, without lines of the log."""
    return tuple(each for each in (await get_trace(backend, TRACE)).spans if each.kind != "app")


def read(events: list[dict[str, Any]]) -> dict[str, str | None]:
    """Which slice stands in which, as a viewer works it out: by time, track by track."""
    found: dict[str, str | None] = {}
    for track in {(e["pid"], e["tid"]) for e in events}:
        own = [e for e in events if (e["pid"], e["tid"]) == track]
        opened: list[dict[str, Any]] = []
        for event in sorted(own, key=lambda e: (e["ts"], -e["dur"])):
            while opened and event["ts"] >= opened[-1]["ts"] + opened[-1]["dur"] and opened[-1]["dur"]:
                opened.pop()
            while opened and not opened[-1]["dur"]:
                opened.pop()
            found[event["args"]["span_id"]] = opened[-1]["args"]["span_id"] if opened else None
            opened.append(event)
    return found


async def test_perfetto_gets_every_span_by_its_name_and_for_its_time(
    backend: EmbeddedBackend, spans: tuple[TraceSpan, ...]
) -> None:
    answer = await convert(backend, "s-1", "perfetto")
    slices = [e for e in json.loads(answer.text)["traceEvents"] if e["ph"] == "X"]

    assert 8 == answer.spans == len(spans)
    assert [(s.title, s.offset_ms * 1000, s.duration_ms * 1000) for s in spans] == [
        (e["name"], e["ts"], e["dur"]) for e in slices
    ]


NEEDED = {
    "M": {"name", "pid", "args"}, "X": {"name", "cat", "ts", "dur", "pid", "tid", "args"},
    "s": {"name", "cat", "id", "ts", "pid", "tid"}, "f": {"name", "cat", "id", "ts", "pid", "tid", "bp"},
    "C": {"name", "ts", "pid", "args"},
}  # fmt: skip
"""Fields of each phase that the Trace Event Format requires, or without which Perfetto drops the event."""


async def test_every_event_for_perfetto_has_what_its_format_requires(backend: EmbeddedBackend) -> None:
    found = json.loads((await convert(backend, "s-1", "perfetto")).text)
    named = {(e["pid"], e.get("tid")) for e in found["traceEvents"] if e["ph"] == "M"}

    for event in found["traceEvents"]:
        assert event["ph"] in NEEDED, event
        assert set() == NEEDED[event["ph"]] - event.keys(), event
        assert all(isinstance(event[name], int) for name in ("pid", "tid") if name in event), event
        times = [event[name] for name in ("ts", "dur") if name in event]
        assert all(isinstance(each, (int, float)) and each >= 0 for each in times), event
        if event["ph"] == "X":
            assert (event["pid"], event["tid"]) in named, "a lane without a name"


async def test_arrows_of_perfetto_have_both_ends(backend: EmbeddedBackend) -> None:
    events = json.loads((await convert(backend, "s-1", "perfetto")).text)["traceEvents"]
    begun, ended = ({e["id"]: e["ts"] for e in events if e["ph"] == phase} for phase in ("s", "f"))

    assert begun.keys() == ended.keys()
    assert all(begun[name] <= ended[name] for name in begun)


async def test_in_perfetto_spans_stand_in_one_another_as_they_were_called(backend: EmbeddedBackend) -> None:
    events = json.loads((await convert(backend, "s-1", "perfetto")).text)["traceEvents"]
    inside = read([e for e in events if e["ph"] == "X"])
    arrows = {e["id"][8:] for e in events if e["ph"] == "s"}

    assert {"01": None, "02": "01", "03": "02", "04": "02", "06": "05", "07": "02"} == {
        name: inside[name] for name in ("01", "02", "03", "04", "06", "07")
    }
    assert {"05", "08"} == arrows == {name for name, above in inside.items() if above is None} - {"01"}


async def test_dollars_run_along_as_a_counter(backend: EmbeddedBackend) -> None:
    events = json.loads((await convert(backend, "s-1", "perfetto")).text)["traceEvents"]
    assert [(10_000.0, {"usd": 0.002})] == [(e["ts"], e["args"]) for e in events if e["ph"] == "C"]


async def test_a_real_trace_processor_reads_the_same(
    backend: EmbeddedBackend, spans: tuple[TraceSpan, ...], tmp_path: Path
) -> None:
    processor = pytest.importorskip("perfetto.trace_processor", reason="the package perfetto is not installed")
    binary = shutil.which("trace_processor_shell")
    if binary is None:
        pytest.skip("trace_processor_shell is not on the PATH, and the package would fetch it from the network")
    path = tmp_path / "run.json"
    path.write_text((await convert(backend, "s-1", "perfetto")).text)
    with processor.TraceProcessor(trace=str(path), config=processor.TraceProcessorConfig(bin_path=binary)) as opened:
        rows = list(opened.query("select name, depth from slice"))
    assert Counter(span.title for span in spans) == Counter(row.name for row in rows)


async def test_speedscope_files_fit_the_published_schema(backend: EmbeddedBackend) -> None:
    found = json.loads((await convert(backend, "s-1", "speedscope")).text)
    jsonschema.validate(found, json.loads(SCHEMA.read_text("utf-8")))
    weights = {p["name"].partition(" ")[2]: p["weights"] for p in found["profiles"] if p["type"] == "sampled"}
    assert {"tokens": [10.0], "millionths of a dollar": [2000.0]} == weights


async def test_in_speedscope_every_span_opens_and_closes_in_order(
    backend: EmbeddedBackend, spans: tuple[TraceSpan, ...]
) -> None:
    found = json.loads((await convert(backend, "s-1", "speedscope")).text)
    frames = [frame["name"] for frame in found["shared"]["frames"]]
    seen: Counter[str] = Counter()
    for profile in (each for each in found["profiles"] if each["type"] == "evented"):
        opened: list[int] = []
        times = [event["at"] for event in profile["events"]]
        assert sorted(times) == times
        for event in profile["events"]:
            if event["type"] == "O":
                opened.append(event["frame"])
                seen[frames[event["frame"]]] += 1
            else:
                assert opened.pop() == event["frame"]
        assert [] == opened
    assert Counter(f"{span.kind} {span.title}" for span in spans) == seen


async def test_otlp_has_spans_with_messages_and_no_secret(backend: EmbeddedBackend) -> None:
    text = (await convert(backend, TRACE[:8], "otlp")).text
    sent = [s for batch in json.loads(text)["resourceSpans"] for scope in batch["scopeSpans"] for s in scope["spans"]]
    assert 9 == len(sent)
    assert "sk-ant" not in text
    assert "syndarix.payload" in text


async def test_another_form_is_an_error_that_names_the_known_ones(backend: EmbeddedBackend) -> None:
    with pytest.raises(FilterError, match="perfetto, speedscope, otlp, mermaid"):
        await convert(backend, "s-1", "svg")
    assert set(FILES) == set(FORMS)


def test_a_span_that_its_parent_has_no_room_for_gets_a_lane_of_its_own() -> None:
    whole, first, beside, after, late = (
        Slice(0, 100, None), Slice(0, 50, 0), Slice(40, 60, 0), Slice(50, 70, 0), Slice(90, 120, 0),
    )  # fmt: skip
    assert (0, 0, 1, 0, 1) == lanes([whole, first, beside, after, late])


def test_a_file_is_written_for_its_owner_alone_and_an_erasure_finds_it(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "run.json"
    assert 0 == run(["convert", "s-1", "--to", "perfetto", "-o", str(target), "--home", str(home)])
    assert 0o600 == target.stat().st_mode & 0o777
    assert [target] == files_with(home, [TRACE]) == exports(home)[-1:]


def test_a_file_that_cannot_be_written_says_what_to_do(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 != run(["convert", "s-1", "-o", str(tmp_path / "no" / "run.json"), "--home", str(home)])
    assert "name another file with -o" in capsys.readouterr().err
