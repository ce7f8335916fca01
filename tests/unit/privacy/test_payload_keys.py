"""With `payload_keys` what users say lies encrypted in every place; with the key erased, nobody reads it again."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import syndarix_obs.pipeline.runtime as runtime
from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs import vocabulary as v
from syndarix_obs.destinations.span_proto import encode_span
from syndarix_obs.encryption import KEY_FILE
from syndarix_obs.encryption.key_file import PayloadKeys
from syndarix_obs.encryption.payload import encrypted
from syndarix_obs.errors import SettingsError
from syndarix_obs.store.database import open_for_read
from syndarix_obs.testing import recording
from syndarix_obs_read.answers.logs import search_logs
from syndarix_obs_read.backends.decrypted import ERASED, Texts
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import RawLine, Rows, StoredRecord
from syndarix_obs_read.backends.stack.clients.loki import Line
from syndarix_obs_read.backends.stack.lines import record
from syndarix_obs_read.export.person import export_person
from syndarix_obs_read.export.rows import Choice
from syndarix_obs_read.export.run import run
from syndarix_obs_read.privacy.forget import Outcome, forget
from syndarix_obs_read.privacy.scan import scan
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import parse_range
from syndarix_obs_read.users import pseudonym_of

SECRET = "the parrot of Lindau sleeps"
LONG = [{"role": "user", "content": f"{SECRET} {number} " * 20} for number in range(6)]
HERS = Filter(agent="desk")


def talk(home: Path, user: str | None, **settings: Any) -> None:
    """One session with a call twice, a tool, a decision, an error and a line of a log."""
    obs = ObservabilityPlatform(Settings(home=home, set_global=False, payload_keys=True, **settings))
    logger = __import__("logging").getLogger("desk")
    handler = obs.capture_logs("desk")
    with obs.session(agent="desk", user=user, session_id=f"of {user}", project="acme"):
        for turn in (4, 6):
            with obs.llm(provider="openai", model="gpt-4o", messages=LONG[:turn]) as call:
                call.response(messages=[{"role": "assistant", "content": f"hm, {SECRET}"}], usage={"prompt_tokens": 9})
        with obs.tool("lookup", arguments={"q": SECRET}) as tool:
            tool.result({"found": [SECRET]})
        obs.decision("error_recovery", options=[SECRET, "wait"], selected=SECRET, reasoning=SECRET)
        obs.decision("tool_selection", options=["lookup", "ask"], selected="lookup", reasoning=SECRET)
        with pytest.raises(ValueError, match="parrot"), obs.tool("broken"):
            raise ValueError(SECRET)
        logger.warning("so: %s", SECRET)
    assert obs.flush(30)
    logger.removeHandler(handler)
    obs.shutdown()


def ask(home: Path, question: Callable[[EmbeddedBackend], Awaitable[Any]]) -> Any:
    async def asked() -> Any:
        backend = EmbeddedBackend(home / "store.sqlite3")
        try:
            return await question(backend)
        finally:
            await backend.close()

    return asyncio.run(asked())


def records(home: Path, where: Filter = HERS) -> tuple[StoredRecord, ...]:
    found: Rows[StoredRecord] = ask(home, lambda b: b.records(where, limit=100, payloads=True))
    return found.rows


def shown(home: Path) -> str:
    return json.dumps([[dict(each.data), dict(each.payload)] for each in records(home)], default=str)


def files(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("keys") / "home"
    for user in ("ada", "bob"):
        talk(home, user)
    return home


@pytest.fixture
def home(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "home"))


def test_what_was_said_is_in_no_file_and_readers_see_it(recorded: Path) -> None:
    found = scan(files(recorded), [SECRET.encode(), b"parrot", SECRET.encode("utf-16-le")])
    assert {} == found.hits
    kinds = [each for each in records(recorded) if SECRET in json.dumps([each.payload, dict(each.data)], default=str)]
    assert {"llm_call", "tool_call", "decision", "app"} == {each.kind for each in kinds}
    assert "enc:1:" not in shown(recorded)


def test_messages_and_their_fingerprints_read_as_they_were(recorded: Path) -> None:
    calls = records(recorded, Filter(agent="desk", kinds=("llm_call",), session_id="of ada"))
    asked = sorted((each.payload for each in calls), key=lambda each: len(each["input"]))
    assert [LONG[:4], LONG] == [each["input"] for each in asked]
    assert [[4, 1], [6, 1]] == [[len(each["hashes"]["input"]), len(each["hashes"]["output"])] for each in asked]
    assert asked[0]["hashes"]["input"] == asked[1]["hashes"]["input"][:4]


def test_content_is_still_kept_once_for_a_user_and_never_shared_by_two(recorded: Path) -> None:
    with closing(open_for_read(recorded / "store.sqlite3")) as connection:
        bodies = [bytes(str(row[0]), "utf-8") for row in connection.execute("SELECT body FROM contents")]
        users = connection.execute("SELECT count(DISTINCT user) FROM records WHERE user IS NOT NULL").fetchone()[0]
        messages = connection.execute("SELECT count(*) FROM contents WHERE mark IS NULL AND refs > 0").fetchone()[0]
    assert len(bodies) == len(set(bodies))
    assert 2 == users
    assert messages < 2 * (4 + 6)  # each message once for each user, and not once for each call


def test_names_numbers_and_the_chosen_tool_stay_readable_to_sql(recorded: Path) -> None:
    with closing(open_for_read(recorded / "store.sqlite3")) as connection:
        rows = connection.execute("SELECT * FROM records WHERE kind = 'decision'").fetchall()
        tools = {row[0] for row in connection.execute("SELECT tool FROM records WHERE tool IS NOT NULL")}
    chosen = {row["decision_type"]: row["selected"] for row in rows}
    assert ("lookup", True) == (chosen["tool_selection"], chosen["error_recovery"].startswith(v.ENCRYPTED_PREFIX))
    assert {"lookup", "broken"} == tools


def test_a_search_finds_nothing_in_encrypted_texts_and_says_so(recorded: Path) -> None:
    period = parse_range("1d")
    found = ask(recorded, lambda b: search_logs(b, Filter(text="parrot"), period, 10))
    assert () == found.lines
    assert "encrypted" in found.hints[0]


def test_an_erased_key_makes_every_copy_unreadable_at_once(home: Path, tmp_path: Path) -> None:
    settings = ReadSettings(home=home)
    backup = Path(shutil.copytree(home, tmp_path / "elsewhere"))
    ada = pseudonym_of(settings, "ada")
    with closing(sqlite3.connect(home / KEY_FILE)) as file:
        secret = file.execute("SELECT secret FROM keys WHERE pseudonym = ?", (ada,)).fetchone()[0]
    assert 1 == PayloadKeys(home).forget(ada)
    assert {} == scan(sorted(home.glob(f"{KEY_FILE}*")), [secret, ada.encode()]).hits
    hers = records(home, Filter(agent="desk", session_id="of ada"))
    assert ERASED in json.dumps([dict(each.payload) for each in hers])
    assert "parrot" not in json.dumps([[dict(each.payload), dict(each.data)] for each in hers], default=str)
    his = records(home, Filter(agent="desk", session_id="of bob"))
    assert SECRET in json.dumps([dict(each.payload) for each in his])
    shutil.copy(home / KEY_FILE, backup / KEY_FILE)  # an older copy of everything but the keys
    assert "parrot" not in json.dumps(
        [dict(each.payload) for each in records(backup, Filter(agent="desk", session_id="of ada"))]
    )


@pytest.fixture(scope="module")
def forgotten(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """The home folder after ada was erased."""
    home = Path(shutil.copytree(recorded, tmp_path_factory.mktemp("forgotten") / "home"))
    settings = ReadSettings(home=home)
    return home, forget(settings, pseudonym_of(settings, "ada"))


def test_forget_erases_the_key_first_and_says_so(forgotten: tuple[Path, Outcome]) -> None:
    home, outcome = forgotten
    assert outcome.complete, outcome.receipt
    first = outcome.receipt["places"][0]
    assert ("payload keys", 1, True) == (first["place"], first["count"], first["gone"])
    assert SECRET in shown(home)  # bob's


def test_an_older_file_of_keys_that_is_put_back_reads_nothing_of_the_erased(
    recorded: Path, forgotten: tuple[Path, Outcome], tmp_path: Path
) -> None:
    home = Path(shutil.copytree(forgotten[0], tmp_path / "home"))
    shutil.copy(recorded / KEY_FILE, home / KEY_FILE)
    ada = pseudonym_of(ReadSettings(home=home), "ada")
    key = PayloadKeys(recorded).of(ada)
    assert key
    assert {"a": ERASED} == Texts(home).payload(json.loads(encrypted('{"a":"b"}', key)))
    assert PayloadKeys(home).of(ada) is None
    assert not PayloadKeys(home).holds(ada)


def test_late_content_of_somebody_who_was_erased_gets_no_key(forgotten: tuple[Path, Outcome], tmp_path: Path) -> None:
    home = Path(shutil.copytree(forgotten[0], tmp_path / "home"))
    talk(home, "ada")
    assert not PayloadKeys(home).holds(pseudonym_of(ReadSettings(home=home), "ada"))
    assert "of ada" not in shown(home)


def test_exports_stay_encrypted_but_for_the_person_and_for_sharing(home: Path, tmp_path: Path) -> None:
    settings = ReadSettings(home=home)
    choice = Choice("records", 0, 2**62)
    for purpose in ("books", "sharing"):
        run(settings, choice, tmp_path / purpose, purpose=purpose)
    export_person(settings, pseudonym_of(settings, "ada"), tmp_path / "hers")
    texts = {
        folder: "".join(p.read_text() for p in (tmp_path / folder).glob("*.json*") if not p.name.startswith("_"))
        for folder in ("books", "sharing", "hers")
    }
    assert {"books": False, "sharing": True, "hers": True} == {name: SECRET in text for name, text in texts.items()}
    assert {"books": True, "sharing": False, "hers": False} == {name: "enc:1:" in text for name, text in texts.items()}


def test_content_without_a_user_stays_as_it_is(tmp_path: Path) -> None:
    talk(tmp_path / "home", None)
    assert not (tmp_path / "home" / KEY_FILE).exists()
    assert SECRET in shown(tmp_path / "home")


def test_redaction_comes_before_encryption(tmp_path: Path) -> None:
    with recording(home=tmp_path, payload_keys=True) as kit:
        with kit.obs.session(agent="a", user="ada"), kit.obs.tool("t", arguments={"mail": "ada@example.org"}):
            pass
        stored = kit.record("tool_call").payload
        assert {"mail": "[REDACTED:email]"} == Texts(tmp_path).payload(json.loads(stored))["arguments"]


def test_spans_carry_tokens_no_longer_than_an_attribute_may_be(tmp_path: Path) -> None:
    noise = "".join(chr(33 + (n * 7919 + n * n) % 90) for n in range(3_000))
    with recording(home=tmp_path, payload_keys=True, redaction="off") as kit:
        with kit.obs.session(agent="a", user="ada"), kit.obs.tool("t") as tool:
            tool.set(**{"my.note": noise})
        kit.obs.flush()
        token = next(span.attributes["my.note"] for span in kit.capture.spans if "my.note" in span.attributes)
    assert len(token) <= 2_048
    assert Texts(tmp_path).value(token).startswith(noise[:300])


def test_lines_for_loki_and_spans_for_tempo_hold_no_text_and_lines_read_back(tmp_path: Path) -> None:
    with recording(home=tmp_path, payload_keys=True) as kit:
        with kit.obs.session(agent="a", user="ada"), kit.obs.llm(provider="openai", model="m", messages=LONG) as call:
            call.response(messages=[{"role": "assistant", "content": SECRET}], usage={"prompt_tokens": 9})
        lines = [each.line() for each in kit.records()]
        spans = b"".join(encode_span(span) for span in kit.capture.spans)
    assert b"parrot" not in spans + "".join(lines).encode()
    found = [record(Line(1, "info", line), payload=True) for line in lines]
    (told,) = (each for each in Texts(tmp_path).all(filter(None, found)) if each.kind == "llm_call")
    assert LONG == told.payload["input"]


def test_a_store_of_keys_that_cannot_be_written_lets_no_content_out(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).mkdir()
    with recording(home=tmp_path, payload_keys=True, reraise=False) as kit:
        with kit.obs.session(agent="a", user="ada"), kit.obs.tool("t", arguments={"q": SECRET}):
            pass
        assert [None] == [each.payload for each in kit.records("tool_call")]


def test_the_setting_without_the_library_is_refused_with_the_command_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match=r"pip install 'syndarix-obs\[payload-keys\]'"):
        ObservabilityPlatform(Settings(home=tmp_path, set_global=False, payload_keys=True))


def test_a_raw_line_of_a_log_is_readable_json(recorded: Path) -> None:
    ada = pseudonym_of(ReadSettings(home=recorded), "ada")
    key = PayloadKeys(recorded).of(ada)
    assert key
    line = RawLine(1, {}, '{"kind":"x",' + encrypted('{"message":"a \\"b\\""}', key)[1:])
    found = Texts(recorded).lines(Rows((line,))).rows[0]
    assert {"kind": "x", "message": 'a "b"'} == json.loads(found.text)  # type: ignore[union-attr]


def test_a_changed_token_is_said_to_be_so(recorded: Path) -> None:
    key = PayloadKeys(recorded).of(pseudonym_of(ReadSettings(home=recorded), "ada"))
    assert key
    payload = json.loads(encrypted('{"a":"text"}', key))
    changed = payload["a"][:-3] + ("AAA" if payload["a"][-3:] != "AAA" else "BBB")
    assert "cut or changed" in Texts(recorded).payload({"a": changed})["a"]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[PayloadKeys, Texts]:
    home = tmp_path_factory.mktemp("any")
    return PayloadKeys(home), Texts(home)


SCALARS = [None, True, 0, -1.5, 2**53, "", "a", 'q"\n\\', "żółw \u2028", "enc:1:0123456789abcdef:AAAA", SECRET * 30]
JSON = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["role", "é", ""]), inner, max_size=3),
    max_leaves=12,
)


@given(
    payload=st.dictionaries(st.sampled_from(["input", "output", "system", "tools", "hashes", "é"]), JSON, max_size=5),
    hashed=st.booleans(),
)
def test_any_payload_comes_back_as_it_was(
    texts: tuple[PayloadKeys, Texts], payload: dict[str, Any], hashed: bool
) -> None:
    if hashed and isinstance(payload.get("input"), list):
        payload["hashes"] = {"input": ["0123456789abcdef"] * len(payload["input"])}
    keys, reader = texts
    key = keys.of("u_0123456789abcdef")
    assert key
    stored = encrypted(json.dumps(payload, ensure_ascii=False, separators=(",", ":")), key)
    assert payload == reader.payload(json.loads(stored))
    assert stored == encrypted(json.dumps(payload, ensure_ascii=False, separators=(",", ":")), key)
