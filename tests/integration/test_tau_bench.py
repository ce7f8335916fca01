"""60 real sessions of an airline agent (tau-bench), driven through our API and found again by the read side.

What must not be stored is looked for with patterns of this file's own, not with the redactor's.
"""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.store.database import open_for_read
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import StoredRecord

pytestmark = pytest.mark.slow

Message = dict[str, Any]
_MARKER = re.compile(r"\[REDACTED:[a-z_0-9]+\]")
_MONTH = "(?:Jan|Febr|March|Apr|May|June|July|Aug|Sept|Oct|Nov|Dec)[a-z]*"
_LAST_MESSAGE = "last_message"


@dataclass(frozen=True)
class Conversation:
    """One line of the file."""

    session_id: str
    user: str
    outcome: str
    messages: list[Message]

    def of(self, role: str) -> list[Message]:
        """Its messages of one role."""
        return [message for message in self.messages if message["role"] == role]


@dataclass(frozen=True)
class Recorded:
    """All conversations, and where they were recorded to."""

    conversations: list[Conversation]
    home: Path
    masked: dict[str, float]
    errors: list[str]


@pytest.fixture(scope="module")
def recorded(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    lines = (shared_data / "tau_bench_airline_gpt4o.jsonl").read_text(encoding="utf-8").splitlines()
    conversations = [conversation(json.loads(line)) for line in lines]
    home = tmp_path_factory.mktemp("tau")
    obs = ObservabilityPlatform(Settings(home=home, backend="embedded", redaction="all", set_global=False))
    for one in conversations:
        drive(obs, one)
        assert obs.flush(60)
    masked = {
        sample.labels["type"]: sample.value
        for metric in obs.registry.collect()
        for sample in metric.samples
        if sample.name == "syndarix_obs_redactions_total"
    }
    errors = [
        str(sample)
        for metric in obs.registry.collect()
        for sample in metric.samples
        if sample.name in {"syndarix_obs_internal_errors_total", "syndarix_obs_records_dropped_total"} and sample.value
    ]
    assert obs.shutdown(60)
    return Recorded(conversations, home, masked, errors)


def conversation(line: dict[str, Any]) -> Conversation:
    """A line of the file, as what it says."""
    return Conversation(
        session_id=f"airline-{line['task_id']}-{line['trial']}",
        user=line["user_id"],
        outcome="success" if line["reward"] == 1 else "failure",
        messages=line["messages"],
    )


def drive(obs: ObservabilityPlatform, one: Conversation) -> None:
    """One session: a model call per assistant message with the history before it, a tool call per tool message."""
    with obs.session("airline", agent_type="assistant", user=one.user, session_id=one.session_id) as session:
        for at, message in enumerate(one.messages):
            if message["role"] == "assistant":
                with obs.llm(provider="openai", model="gpt-4o", messages=one.messages[:at]) as call:
                    call.response([message])
            elif message["role"] == "tool":
                use_tool(obs, one.messages[at - 1], message)
        if one.messages[-1]["role"] != "assistant":
            obs.annotate(one.messages[-1]["content"], label=_LAST_MESSAGE)
        session.outcome(one.outcome)


def use_tool(obs: ObservabilityPlatform, asked: Message, answered: Message) -> None:
    """The tool call that the assistant asked for, with what came back."""
    call = next(call for call in asked["tool_calls"] if call["id"] == answered["tool_call_id"])
    arguments = json.loads(call["function"]["arguments"])
    with obs.tool(call["function"]["name"], arguments=arguments, call_id=call["id"]) as tool:
        tool.result(answered["content"])
        if answered["content"].startswith("Error"):
            tool.set_error(answered["content"], "ToolError")


# --- what the read side finds ---


@pytest.fixture(scope="module")
def found(recorded: Recorded) -> dict[str, list[StoredRecord]]:
    """Records by session, oldest first, through the embedded backend."""

    async def ask() -> dict[str, list[StoredRecord]]:
        backend = EmbeddedBackend(recorded.home / "store.sqlite3")
        try:
            return {one.session_id: await of_session(backend, one.session_id) for one in recorded.conversations}
        finally:
            await backend.close()

    return asyncio.run(ask())


async def of_session(backend: EmbeddedBackend, session_id: str) -> list[StoredRecord]:
    page = await backend.records(Filter(session_id=session_id), limit=1_000, payloads=True)
    assert not page.more
    return sorted(page.rows, key=lambda record: record.start_ns)


def of_kind(records: list[StoredRecord], kind: str) -> list[StoredRecord]:
    return [record for record in records if record.kind == kind]


def test_nothing_is_lost_on_the_way(recorded: Recorded) -> None:
    assert [] == recorded.errors


def test_every_session_is_found_with_its_outcome(recorded: Recorded, found: dict[str, list[StoredRecord]]) -> None:
    wanted = Counter(one.outcome for one in recorded.conversations)
    outcomes = {name: [record.text("outcome") for record in of_kind(rows, "session")] for name, rows in found.items()}

    assert {"failure": 37, "success": 23} == wanted
    assert {one.session_id: [one.outcome] for one in recorded.conversations} == outcomes


def test_every_message_is_found(recorded: Recorded, found: dict[str, list[StoredRecord]]) -> None:
    count = 0
    for one in recorded.conversations:
        stored = messages_of(found[one.session_id])
        assert [message["role"] for message in one.messages] == [message["role"] for message in stored]
        for original, kept in zip(one.messages, stored, strict=True):
            assert_same(original.get("content"), kept.get("content"))
            count += 1
    assert 1_684 == count


def messages_of(records: list[StoredRecord]) -> list[Message]:
    """The conversation as the store tells it: the last call's history and answer, and what came after."""
    last = of_kind(records, "llm_call")[-1]
    after = of_kind(records, "tool_call")[-1:] if last_is_tool_request(last) else []
    said: list[Message] = [*last.payload["input"], *last.payload["output"]]
    said += [{"role": "tool", "content": record.payload["result"]} for record in after]
    if not after:
        notes = [record for record in of_kind(records, "annotation") if record.text("label") == _LAST_MESSAGE]
        said += [{"role": "user", "content": record.payload["note"]} for record in notes]
    return said


def last_is_tool_request(record: StoredRecord) -> bool:
    return bool(record.payload["output"][-1].get("tool_calls"))


def test_every_model_call_is_found_with_its_answer(recorded: Recorded, found: dict[str, list[StoredRecord]]) -> None:
    count = 0
    for one in recorded.conversations:
        calls = of_kind(found[one.session_id], "llm_call")
        for original, record in zip(one.of("assistant"), calls, strict=True):
            assert_same(original, record.payload["output"][-1])
            count += 1
    assert 782 == count


def test_every_tool_call_is_found_with_arguments_and_result(
    recorded: Recorded, found: dict[str, list[StoredRecord]]
) -> None:
    count = 0
    for one in recorded.conversations:
        asked = [call for message in one.of("assistant") for call in message.get("tool_calls") or []]
        calls = of_kind(found[one.session_id], "tool_call")
        for call, answer, record in zip(asked, one.of("tool"), calls, strict=True):
            assert call["function"]["name"] == record.text("tool")
            assert_same(json.loads(call["function"]["arguments"]), record.payload["arguments"])
            assert_same(answer["content"], record.payload["result"])
            assert answer["content"].startswith("Error") == record.failed
            count += 1
    assert 357 == count


def assert_same(original: Any, stored: Any) -> None:
    """Equal but for markers in place of what was masked; nothing else may be missing."""
    if isinstance(original, dict):
        assert set(original) == set(stored)
        for key, value in original.items():
            assert_same(value, stored[key])
    elif isinstance(original, list):
        assert len(original) == len(stored)
        for one, other in zip(original, stored, strict=True):
            assert_same(one, other)
    elif isinstance(stored, str) and _MARKER.search(stored):
        pattern = ".{1,40}?".join(re.escape(piece) for piece in _MARKER.split(stored))
        assert re.fullmatch(pattern, str(original), re.DOTALL), f"{stored!r} is more than {original!r} masked"
    else:
        assert original == stored


# --- what must not be there ---


def texts(value: Any) -> Iterator[str]:
    """Every string of the source, at any depth; tool arguments are JSON in strings and stay so."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def emails(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}", text))


def births(text: str) -> set[str]:
    """Dates that the data calls dates of birth, in the form they are given in."""
    date = rf"\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}/\d{{1,2}}/\d{{4}}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?, \d{{4}}"
    return set(re.findall(rf'(?i)(?:"dob"|dob|birth|born)[^\n\d]{{0,40}}?({date})', text))


def cards(text: str) -> set[str]:
    """Card numbers as the airline's data has them (four digits alone are no card number), and full ones."""
    full = re.findall(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d)", text)
    return set(re.findall(r"credit_card_\d{5,}", text)) | {number for number in full if luhn(number)}


def luhn(number: str) -> bool:
    digits = [int(digit) for digit in number if digit.isdigit()][::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


@pytest.fixture(scope="module")
def stored_texts(recorded: Recorded) -> str:
    """Everything that stands in the store: all columns of all tables, payloads unpacked."""
    connection = open_for_read(recorded.home / "store.sqlite3")
    parts: list[str] = []
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if table.startswith("search"):
            continue  # trigrams without positions; their bytes are looked at with the files
        for row in connection.execute(f'SELECT * FROM "{table}"'):
            parts += [as_text(value) for value in tuple(row) if isinstance(value, (str, bytes))]
    connection.close()
    return "\n".join(parts)


def as_text(value: str | bytes) -> str:
    if isinstance(value, str):
        return value
    try:
        return zlib.decompress(value).decode()
    except zlib.error:  # what refers to contents, and their hashes
        return value.decode(errors="replace")


@pytest.mark.parametrize(("extract", "at_least"), [(emails, 25), (births, 105), (cards, 40)])
def test_no_personal_data_stands_in_the_store(
    recorded: Recorded, stored_texts: str, extract: Any, at_least: int
) -> None:
    source = [text for one in recorded.conversations for text in texts(one.messages)]
    secrets = set().union(*(extract(text) for text in source))

    assert at_least <= len(secrets)
    assert [] == sorted(secret for secret in secrets if secret in stored_texts)


@pytest.mark.parametrize("extract", [emails, births, cards])
def test_no_personal_data_stands_in_the_bytes_of_any_file(recorded: Recorded, extract: Any) -> None:
    source = [text for one in recorded.conversations for text in texts(one.messages)]
    secrets = set().union(*(extract(text) for text in source))
    raw = {path.name: path.read_bytes() for path in recorded.home.rglob("*") if path.is_file()}

    assert "store.sqlite3" in raw
    assert [] == [(name, secret) for name, data in raw.items() for secret in secrets if secret.encode() in data]


def test_what_was_masked_is_counted_by_kind(recorded: Recorded) -> None:
    assert {"email", "date_of_birth", "credit_card"} <= {kind for kind, count in recorded.masked.items() if count}
