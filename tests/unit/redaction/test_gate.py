"""The gate lets nothing pass that a pattern would mask: with it and without it the outcome is the same."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.redaction.test_redact_samples import PERSONAL_SAMPLES, SECRET_SAMPLES

from syndarix_obs import guard
from syndarix_obs.redaction import gate as gate_module
from syndarix_obs.redaction.catalogue import patterns
from syndarix_obs.redaction.gate import Gate, automaton
from syndarix_obs.redaction.step import Redactor

re2 = pytest.importorskip("re2", reason="google-re2 has no wheel for this platform")
DATA = Path(__file__).parents[4] / "shared" / "data"
ALL = patterns(personal=True)
WITHOUT, WITH = Redactor("all", accelerated=False), Redactor("all")
KEYED = [
    "password: hunter22", "Authorization=abcd1234", "access key: hunter22", "access token = hunter22",
    "api key: abcd12", "auth-token:abcd1234", "PASSPHRASE is abcd1234", "pwd=abcd1234", "set-cookie: sid=abcd1234",
    "the secret  is  abc123", "SSN 078051120", "social security number: 078051120", "contraseña: abcd1234",
    '{"socialSecurityNumber": "078051120"}', "card number: 1234 5678", "ccNumber=12345678", "CVV2: 123", "cvc #123",
    "credit_card_4421486", "DOB: 1970-06-06", "d.o.b: 1970-06-06", "born on 4 March 1980", "birthday = March 4th, 1980",
    "phone number is 5551234567", "tel.: 5551234567", '{\\"phone\\": \\"5551234567\\"}', "WhatsApp 5551234567",
    "(0171) 1234567", "DE89 37 04 00 44 0532 0130 00", "xoxp-123456789012-abcdefGHIJKLmnop", "postgres://a:b@c/d",
    "bearer\tabc.def-123", "%204111111111111111", "%20078-05-1120", "::ffff:102:304", "fe80::1ff:fe23:4567:890a",
    "bob%40example.com", "bob&#64;example.com", "b\u200bob@example.com", "4111\u00a01111\u00a01111\u00a01111",
    "4111&nbsp;1111&nbsp;1111&nbsp;1111", "c2VjcmV0OiBhbm4ubGVlQGV4YW1wbGUuY29tIGFuZCBtb3Jl", "mysql -pxK9vQ2mW7z",
    "password\txK9vQ2mW7z", "<password>xK9vQ2mW7z</password>", "reach me at 347 123 4567", "004915123456789",
    "13800138000", "8 (912) 345-67-89", "my bsn is 111222333", "steuerid: 86095742719", "529.982.247-25", "12345678Z",
    "00:1B:44:11:3A:B7", "221B Baker Street, London NW1 6XE", "Musterstraße 12, 10115 Berlin", "My name is Ann Lee.",
    "Dear Mr. Jürgen Schäfer,", "Name: Ann Lee", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "| dob |\n|---|\n| 1985-03-14 |",
    "bob [at] example [dot] com", "?sig=abcDEF123456xyz7890%3D", "curl -u ann:s3cret9 x",
    "Authorization: Digest user=bob, nonce=77",
]  # fmt: skip
SAMPLES = [sample for _, sample in SECRET_SAMPLES + PERSONAL_SAMPLES] + KEYED
EDGES = [
    "", " ", "  ", "\n", "\t", '"', "'", "\\", "\\n", "%20", "\\u0020", ".", ",", "-", "_", ":", "=", "+", "(", ")",
    "/", "0", "12", "a", "Z", "é", "☃", "\u2011", "\u00a0", "\u3000", "\x00", "\u212a", "İ", "\x1b[31m", "中", "\x0b",
]  # fmt: skip
WORDS = [
    "key", "token", "phone", "birth", "born", "dob", "card", "number", "secret", "is", "social", "cc", "num", "ssn",
    "no", "2024-05-20", "06:00:00", "1733467121000", "555", "0171", "4111", "and", "std", "passenger", "KW12", "ey",
    "J", "SG.", "pin", "code", "name", "Mr", "call", "sid", "cf", "pan", "Street", "Ann",
]  # fmt: skip
fragments = st.sampled_from(SAMPLES + WORDS) | st.sampled_from(EDGES) | st.text(max_size=3)
texts = st.lists(fragments, max_size=10).map("".join)
documents = st.recursive(
    texts | st.integers() | st.floats() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3) | inner.map(json.dumps),
    max_leaves=5,
)


@given(texts)
@settings(max_examples=300, deadline=None)
def test_a_text_is_masked_alike_with_and_without_the_gate(text: str) -> None:
    assert WITHOUT.text(text) == WITH.text(text)


@given(documents)
@settings(max_examples=200, deadline=None)
def test_a_document_is_masked_alike_with_and_without_the_gate(document: Any) -> None:
    assert WITHOUT.json(document) == WITH.json(document)


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_kind_of_secret_is_seen_wherever_it_stands(sample: str) -> None:
    for around in ("{}", "a {} b", '"{}"', "a\n{}\nb", "x={};", "\\n{}\\n", "%20{} ", "ünï {} ☃", "({}).", "中{}中"):
        text = around.format(sample)
        assert WITHOUT.text(text) == WITH.text(text)
        assert WITHOUT.json({"a": [text, json.dumps({"b": text})]}) == WITH.json({"a": [text, json.dumps({"b": text})]})


@pytest.mark.parametrize("sample", KEYED)
def test_what_stands_behind_its_name_or_in_disguise_is_masked(sample: str) -> None:
    assert "[REDACTED:" in WITH.text(sample)


@pytest.mark.slow
@pytest.mark.parametrize(
    "file", ["provider_recordings.jsonl", "tau_bench_airline_gpt4o.jsonl", "redaction_corpus.jsonl"]
)
def test_real_traffic_is_masked_alike_with_and_without_the_gate(file: str) -> None:
    if not (DATA / file).exists():
        pytest.skip(f"../shared/data/{file} is not here")
    for line in (DATA / file).read_text(encoding="utf-8").splitlines()[:: 1 if "corpus" in file else 9]:
        record = json.loads(line)
        for document in (line, record):
            assert WITHOUT.json(document) == WITH.json(document)


def test_what_is_clean_in_real_traffic_is_seldom_looked_at_twice() -> None:
    file = DATA / "tau_bench_airline_gpt4o.jsonl"
    if not file.exists():
        pytest.skip("../shared/data/tau_bench_airline_gpt4o.jsonl is not here")
    messages = [m for line in file.read_text(encoding="utf-8").splitlines() for m in json.loads(line)["messages"]]
    clean = [text for text in map(json.dumps, messages) if WITH.text(text) == text]
    gate = Gate(ALL)
    assert sum(bool(gate.hits(json.dumps(text).encode())) for text in clean) <= len(clean) // 50


class TestChoice:
    def test_every_pattern_says_what_it_needs(self) -> None:
        assert [] == [pattern.name for pattern in ALL if not pattern.needs]
        automaton(re2, tuple(need for pattern in ALL for need in pattern.needs))

    def test_without_google_re2_all_patterns_run_and_it_is_said_once(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setitem(sys.modules, "re2", None)
        monkeypatch.setattr(gate_module._Said, "once", False)
        with caplog.at_level(logging.WARNING, "syndarix_obs"):
            for _ in range(2):
                assert frozenset(range(len(ALL))) == Gate(ALL).hits(b"nothing here")
        assert ["google-re2 cannot be imported" in message for message in caplog.messages] == [True]
        assert 0 == guard.failures().get("redact_gate", 0)

    def test_another_module_of_that_name_is_counted_and_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "re2", ModuleType("re2"))
        assert frozenset(range(len(ALL))) == Gate(ALL).hits(b"nothing here")
        assert 1 == guard.failures()["redact_gate"]

    def test_an_automaton_that_gives_up_is_no_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Options:
            max_mem = never_capture = log_errors = 0

        class Set:
            @classmethod
            def SearchSet(cls, options: Options) -> Set:
                return cls()

            def Add(self, pattern: str) -> None: ...

            def Compile(self) -> None: ...

            def Match(self, data: bytes) -> None: ...

        module = ModuleType("re2")
        module.Options, module.Set = Options, Set  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "re2", module)
        assert frozenset(range(len(ALL))) == Gate(ALL).hits(b"ann@example.com")

    def test_personal_data_is_not_searched_in_mode_secrets(self) -> None:
        assert not [one for one in patterns(personal=False) if one.name in ("email", "phone", "credit_card", "name")]
        assert "ann@example.com, +1 415 555 0132" == Redactor("secrets").text("ann@example.com, +1 415 555 0132")
