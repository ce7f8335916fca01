"""The two gates: neither lets anything pass that a pattern would mask, and with google-re2 the outcome is the same."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.redaction.test_redact_samples import PERSONAL_SAMPLES, SECRET_SAMPLES

from syndarix_obs import guard
from syndarix_obs.redaction.conditions import PHONES, SEARCHES
from syndarix_obs.redaction.engine import Engine
from syndarix_obs.redaction.fast import FastGate, Gates
from syndarix_obs.redaction.gate import Gate
from syndarix_obs.redaction.keys import quoted_values
from syndarix_obs.redaction.personal import PERSONAL
from syndarix_obs.redaction.secrets import SECRETS
from syndarix_obs.redaction.spans import GROUPS, KEY_GROUPS
from syndarix_obs.redaction.step import Redactor

re2 = pytest.importorskip("re2", reason="google-re2 is not installed: pip install 'syndarix-obs[fast]'")
DATA = Path(__file__).parents[4] / "shared" / "data"

PLAIN, FAST = Redactor("all", accelerated=False), Redactor("all")
ENGINE = Engine(personal=True, own={}, custom=None)
PLAIN_GATE, FAST_GATE = Gate(personal=True), FastGate(re2, personal=True)
KEYED = [
    "password: hunter22", "Authorization=abcd1234", "access key: hunter22", "access token = hunter22",
    "api  key: abcd12",
    "auth-token:abcd1234", "PASSPHRASE is abcd1234", "pwd=abcd1234", "set-cookie: abcd1234",
    "secret\u3000: abcd1234", "the secret  is  abc123", "SSN 078051120", "social security number: 078051120",
    '{"socialSecurityNumber": "078051120"}', "card  number: 1234 5678", "ccNumber=12345678", "CVV2: 123", "cvc #123",
    "credit_card_4421486", "DOB: 1970-06-06", "d.o.b: 1970-06-06", "born on 4 March 1980", "birthday = March 4th, 1980",
    "phone number is 5551234567", "tel.: 5551234567", '{\\"phone\\": \\"5551234567\\"}', "WhatsApp 5551234567",
    "(0171) 1234567", "DE89 37 04 00 44 0532 0130 00", "xoxp-123456789012-abcdefGHIJKLmnop", "postgres://a:b@c/d",
    "bearer\tabc.def-123", "%204111111111111111", "%20078-05-1120", "::ffff:102:304", "fe80::1ff:fe23:4567:890a",
]  # fmt: skip
SAMPLES = [sample for _, sample in SECRET_SAMPLES + PERSONAL_SAMPLES] + KEYED
EDGES = [
    "", " ", "  ", "\n", "\t", '"', "'", "\\", "\\n", "%20", "\\u0020", ".", ",", "-", "_", ":", "=", "+", "(", ")",
    "/",    "0", "12", "a", "Z", "é", "☃", "\u2011", "\u00a0", "\u3000", "\x00", "\u212a", "İ",
]  # fmt: skip
WORDS = [
    "key", "token", "phone", "birth", "born", "dob", "card", "number", "secret", "is", "social", "cc", "num", "ssn",
    "no", "2024-05-20", "06:00:00", "1733467121000", "555", "0171", "4111", "and", "std", "passenger", "KW12", "ey",
    "J", "SG.",
]  # fmt: skip
fragments = st.sampled_from(SAMPLES + WORDS) | st.sampled_from(EDGES) | st.text(max_size=3)
texts = st.lists(fragments, max_size=10).map("".join)
documents = st.recursive(
    texts | st.integers() | st.floats() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3) | inner.map(json.dumps),
    max_leaves=5,
)


def all_groups(text: str) -> str:
    return ENGINE.mask(text, GROUPS, Counter())


@given(texts)
@settings(max_examples=400, deadline=None)
def test_google_re2_reports_every_group_that_the_plain_gate_reports(text: str) -> None:
    for data in (text.encode("utf-8", "replace"), json.dumps(text).encode()):
        assert PLAIN_GATE.hits(data) <= (FAST_GATE.hits(data) or set())


@given(documents)
@settings(max_examples=300, deadline=None)
def test_the_masked_document_is_the_same_with_and_without_google_re2(document: Any) -> None:
    assert PLAIN.json(document) == FAST.json(document)


@given(texts)
@settings(max_examples=400, deadline=None)
def test_a_gate_reports_the_group_of_every_pattern_that_finds_something(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    found = {pattern.group for pattern in (*SECRETS, *PERSONAL) if any(True for _ in pattern.find(text))}
    for data in (text.encode(), json.dumps(text, ensure_ascii=False).encode()):
        assert found <= PLAIN_GATE.hits(data)
        assert not any(True for _ in quoted_values(ENGINE.keys, text)) or PLAIN_GATE.hits(data) & KEY_GROUPS


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize(
    "around", ["{}", "a {} b", '"{}"', "a\n{}\nb", "x={};", "\\n{}\\n", "%20{} ", "ünï {} ☃", "({})."]
)
def test_every_kind_of_secret_passes_neither_gate(sample: str, around: str) -> None:
    text = around.format(sample)
    for gate in (PLAIN_GATE, FAST_GATE):
        found = gate.hits(json.dumps(text, ensure_ascii=False).encode())
        assert all_groups(text) == ENGINE.mask(text, found or (), Counter())


@pytest.mark.parametrize("mode", ["secrets", "all"])
@pytest.mark.parametrize("file", ["provider_recordings.jsonl", "tau_bench_airline_gpt4o.jsonl"])
def test_real_traffic_is_masked_alike_with_and_without_google_re2(file: str, mode: str) -> None:
    if not (DATA / file).exists():
        pytest.skip(f"../shared/data/{file} is not here")
    plain, fast = Redactor(mode, accelerated=False), Redactor(mode)
    for line in (DATA / file).read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        for document in (line, record, *record.get("messages", ())):
            assert plain.json(document) == fast.json(document)


def test_what_is_clean_in_real_traffic_is_seldom_looked_at_twice() -> None:
    file = DATA / "tau_bench_airline_gpt4o.jsonl"
    if not file.exists():
        pytest.skip("../shared/data/tau_bench_airline_gpt4o.jsonl is not here")
    messages = [m for line in file.read_text(encoding="utf-8").splitlines() for m in json.loads(line)["messages"]]
    texts = [(text, PLAIN.json(text)) for text in map(json.dumps, messages)]
    clean = [text for text, masked in texts if masked == json.dumps(text, ensure_ascii=False)]
    for gate in (PLAIN_GATE, FAST_GATE):
        assert sum(bool(gate.hits(json.dumps(text).encode())) for text in clean) <= len(clean) // 100


class TestChoice:
    def test_without_google_re2_the_plain_gate_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "re2", None)
        gates = Gates(personal=True)
        assert gates.fast is None
        assert {"at"} == gates.hits(b"ann@example.com")
        assert 0 == guard.failures().get("redact_fast_gate", 0)

    def test_another_module_of_that_name_is_counted_and_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "re2", ModuleType("re2"))
        gates = Gates(personal=True)
        assert {"at"} == gates.hits(b"ann@example.com")
        assert 1 == guard.failures()["redact_fast_gate"]

    def test_an_automaton_that_gives_up_is_no_answer(self) -> None:
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
        assert FastGate(module, personal=True).hits(b"ann@example.com") is None

    def test_secrets_alone_are_searched_in_mode_secrets(self) -> None:
        for gate in (Gate(personal=False), FastGate(re2, personal=False)):
            assert {"at"} == gate.hits(b"ann@example.com, +1 415 555 0132, 078-05-1120")
            assert {"word"} == gate.hits(b"password: hunter22")

    def test_each_group_has_a_condition(self) -> None:
        assert {one.group for together in SEARCHES for one in together} == GROUPS
        assert {"keyed"} == {one.group for one in PHONES}


EVIL = [
    "a@", "1-2.3 ", "+0 ", "+", "0 ", "DE12 ", "birth 1", "dob ", "phone: (", "tel ", "api_ ", "key ", "password  ",
    ":a", "::", "-----", "begin ", "12 34 56 ", "00.", "é\u2011", "\\", "cc-", "k", "ssn  ",
]  # fmt: skip


@pytest.mark.parametrize("gate", [PLAIN_GATE.hits, FAST_GATE.hits], ids=["re", "google-re2"])
@pytest.mark.parametrize("unit", EVIL)
def test_a_gate_costs_in_proportion_to_the_text(gate: Callable[[bytes], object], unit: str) -> None:
    """Four times the text may cost at most ten times as much (quadratic would be sixteen)."""

    def cost(size: int) -> float:
        data = (unit * (size // len(unit))).encode()
        best = float("inf")
        for _ in range(3):
            start = time.thread_time()
            gate(data)
            best = min(best, time.thread_time() - start)
        return best

    assert cost(80_000) <= 10 * max(cost(20_000), 0.001)
