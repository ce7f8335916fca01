"""The redactor's promises over arbitrary objects, its settings, its counts, and its cost on evil input."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from syndarix_obs import guard
from syndarix_obs.errors import SettingsError
from syndarix_obs.redaction.catalogue import KEYS, patterns
from syndarix_obs.redaction.engine import Engine
from syndarix_obs.redaction.keys import SensitiveKeys, harmless
from syndarix_obs.redaction.step import Redactor

ALL = Redactor("all")
KEY = "sk-ant-api03-PlantedSecret1234567890"


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def model_dump(self, **_: Any) -> Any:
        raise ValueError("no dump")


class Endless:
    def model_dump(self) -> Any:
        return {"again": Endless()}


class Hostile(dict):  # type: ignore[type-arg]  # a dict subclass that fails when it is read
    def items(self) -> Any:
        raise RuntimeError("not now")


class Model(BaseModel):
    name: str
    when: datetime | None = None


@dataclasses.dataclass
class Data:
    email: str


class Colour(Enum):
    RED = "red"


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.decimals()
    | st.datetimes()
    | st.uuids()
    | st.characters(categories=["Cs"])
    | st.builds(Broken)
    | st.just(Colour.RED)
    | st.sets(st.integers() | st.text(), max_size=3)
)
keys = st.text() | st.integers() | st.none() | st.floats() | st.tuples(st.integers()) | st.binary(max_size=4)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner, inner), max_leaves=12
)


@pytest.mark.slow
@given(values)
@settings(max_examples=200, deadline=None)
def test_any_value_becomes_valid_json_and_nothing_raises(value: Any) -> None:
    text = ALL.json(value)
    text.encode()
    assert json.loads(text) == ALL.value(value)
    assert 0 == guard.failures().get("redact", 0)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_planted_secret_never_comes_out(data: st.DataObject) -> None:
    planted = data.draw(st.sampled_from([KEY, "ann@example.com", "4111 1111 1111 1111", "DE89370400440532013000"]))
    edge = st.sampled_from(["", " ", "\n", "\r\n", "\t", '"', "\\", "(", "☃", "\x00", "\ud800", "\\n", "{", ","])
    value: Any = data.draw(edge) + planted + data.draw(edge)
    for _ in range(data.draw(st.integers(0, 4))):
        wrap = data.draw(st.sampled_from(["list", "dict", "key", "json", "mixed", "tuple"]))
        if wrap == "json":
            with contextlib.suppress(ValueError, TypeError, RuntimeError):  # what json cannot encode stays an object
                value = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
        elif wrap == "key":
            value = {value if isinstance(value, str) else "k": value}
        else:
            value = {
                "list": [1, value],
                "dict": {"k": value, "n": None},
                "tuple": (value, 1.5),
                "mixed": {"x": data.draw(values), "y": [value]},
            }[wrap]
    out = ALL.json(value)
    json.loads(out)
    assert planted not in out


class TestOddObjects:
    def test_pydantic_models_dataclasses_and_plain_types_read_as_their_content(self) -> None:
        when = datetime(2024, 5, 1, tzinfo=UTC)
        shown = ALL.value(
            [Model(name="x", when=when), Data("ann@example.com"), Decimal("1.10"), Colour.RED, b"hi", UUID(int=1)]
        )
        assert [
            {"name": "x", "when": "2024-05-01T00:00:00+00:00"},
            {"email": "[REDACTED:email]"},
            "1.10",
            "red",
            "hi",
            "00000000-0000-0000-0000-000000000001",
        ] == shown

    def test_cycles_depth_and_endless_objects_end_in_a_marker(self) -> None:
        cycle: list[Any] = [1]
        cycle.append(cycle)
        assert [1, "[circular]"] == ALL.value(cycle)
        deep: Any = KEY
        for _ in range(10_000):
            deep = [deep]
        assert "[too deep]" in ALL.json(deep)
        assert "[too deep]" in ALL.json(Endless())

    def test_what_cannot_be_read_says_so(self) -> None:
        assert '"[unreadable Broken]"' == ALL.json(Broken())
        assert "[unreadable Hostile]" == ALL.value({"h": Hostile(a=1)})["h"]
        assert "[2 bytes]" == ALL.value(b"\xff\xfe")

    def test_numbers_that_json_lacks_become_text(self) -> None:
        assert ["nan", "inf", "[integer of 33220 bits]"] == ALL.value([float("nan"), float("inf"), 10**10_000])

    def test_keys_of_any_type_become_text(self) -> None:
        shown = ALL.value({1: "a", None: "b", (1, 2): "c", b"k": "d", 1.5: "e"})
        assert {"1", "null", "(1, 2)", "k", "1.5"} == shown.keys()

    def test_lone_surrogates_are_replaced_and_pairs_joined(self) -> None:
        assert "a\ufffdb" == ALL.value("a\ud800b")
        assert "😀" == ALL.text("\ud83d\ude00")

    def test_a_card_number_given_as_an_integer_is_masked(self) -> None:
        assert {"n": "[REDACTED:credit_card]", "t": 1733467121000} == ALL.value(
            {"n": 4111111111111111, "t": 1733467121000}
        )

    def test_keys_that_become_equal_by_masking_keep_both_values(self) -> None:
        assert {"[REDACTED:email]": 1, "[REDACTED:email] 2": 2} == ALL.value({"a@x.com": 1, "b@x.com": 2})

    def test_the_callers_object_is_left_as_it_is(self) -> None:
        given_object = {"email": "ann@example.com", "in": [{"dob": "1990-01-01"}]}
        ALL.json(given_object)
        assert {"email": "ann@example.com", "in": [{"dob": "1990-01-01"}]} == given_object


class TestSensitiveKeys:
    @pytest.mark.parametrize(
        "key",
        [
            "password",
            "Password",
            "DB_PASSWORD",
            "user.password",
            "passwd",
            "pwd",
            "passphrase",
            "api_key",
            "apiKey",
            "api-key",
            "X-API-Key",
            "OPENAI_API_KEY",
            "Authorization",
            "http.request.header.authorization",
            "cookie",
            "Set-Cookie",
            "client_secret",
            "clientSecret",
            "secret",
            "access_token",
            "accessToken",
            "refresh_token",
            "auth_token",
            "id_token",
            "sessionToken",
            "private_key",
            "privateKey",
            "aws_secret_access_key",
            "AccountKey",
            "signing_key",
            "encryptionKey",
        ],
    )
    @pytest.mark.parametrize("value", ["x", 7, ["a"], {"a": "b"}])
    def test_a_secret_key_masks_its_value_whatever_it_is(self, key: str, value: Any) -> None:
        for redactor in (ALL, Redactor("secrets")):
            assert redactor.value({key: value})[key].startswith("[REDACTED:")
            assert '"x"' not in redactor.text(json.dumps(json.dumps({key: "x"})))

    @pytest.mark.parametrize(
        "key",
        [
            "dob",
            "DOB",
            "date_of_birth",
            "dateOfBirth",
            "birth_date",
            "birthdate",
            "birthday",
            "ssn",
            "social_security_number",
            "card_number",
            "cardNumber",
            "credit_card_number",
            "cvv",
            "cvc",
        ],
    )
    def test_a_personal_key_masks_its_value_in_mode_all_only(self, key: str) -> None:
        for value in ("x", 7, ["a"]):
            assert ALL.value({key: value})[key].startswith("[REDACTED:")
            assert {key: value} == Redactor("secrets").value({key: value})

    def test_every_known_key_is_seen_by_the_gate(self) -> None:
        gate, known = Engine(personal=True, own={}, custom=None).gate, SensitiveKeys(personal=True)
        for key in (
            "password",
            "secret_key",
            "session-token",
            "Social Security Number",
            "ccNumber",
            "cvv2",
            "passcode",
        ):
            assert known.kind(key)
            assert gate.hits(json.dumps({key: 1}).encode()) & KEYS, key

    @pytest.mark.parametrize(
        "key", ["tokens", "max_tokens", "token", "key", "keys", "content", "birthplace", "session_id"]
    )
    def test_harmless_keys_keep_their_values(self, key: str) -> None:
        assert {key: "x"} == ALL.value({key: "x"})

    def test_nothing_truth_values_and_schemas_stay_readable(self) -> None:
        tool = {
            "properties": {
                "dob": {"type": "string", "description": "Date of birth"},
                "password": {"type": ["string", "null"]},
            }
        }
        assert tool == ALL.value(tool)
        assert {"password": None, "secret": True, "ssn": ""} == ALL.value({"password": None, "secret": True, "ssn": ""})
        assert not harmless({"type": "string", "default": "hunter2"})


class TestSettings:
    def test_mode_off_changes_nothing(self) -> None:
        assert f"{KEY} ann@example.com" == Redactor("off").text(f"{KEY} ann@example.com")
        assert {"password": "x"} == Redactor("off").value({"password": "x"})
        assert "nan" == Redactor("off").value(float("nan"))

    def test_an_unknown_mode_names_variable_value_choices_and_an_example(self) -> None:
        with pytest.raises(
            SettingsError, match=r"SYNDARIX_OBS_REDACTION is 'most'; allowed are off, secrets, all.*=all"
        ):
            Redactor("most")

    @pytest.mark.parametrize("patterns", [{"x": "("}, {"bad name": "x"}, {"x": None}])
    def test_a_bad_pattern_names_variable_value_and_an_example(self, patterns: Any) -> None:
        with pytest.raises(SettingsError, match=r"SYNDARIX_OBS_REDACTION_PATTERNS has .*Example"):
            Redactor("all", patterns=patterns)

    def test_the_callers_patterns_apply_in_values_and_keys(self) -> None:
        own = Redactor("secrets", patterns={"order": "ORD-[0-9]{4}|^$"})
        assert "see [REDACTED:order]" == own.text("see ORD-1234")
        assert {"[REDACTED:order]": ["[REDACTED:order]", ""]} == own.value({"ORD-1234": ["ORD-9999", ""]})

    def test_the_callers_function_sees_every_string_before_the_patterns(self) -> None:
        own = Redactor("all", custom=lambda text: text.replace("Ann", "someone at a@b.com"))
        assert "someone at [REDACTED:email] left" == own.text("Ann left")
        assert {"k": ["someone at [REDACTED:email]"]} == own.value({"k": ["Ann"]})

    @pytest.mark.parametrize("custom", [lambda _text: 1 / 0, lambda _text: None, lambda _text: "\ud800"])
    def test_a_failing_function_masks_the_whole_string_and_is_counted(self, custom: Callable[[str], Any]) -> None:
        own = Redactor("all", custom=custom)
        assert "[REDACTED:custom]" == own.text("Ann")
        assert ["[REDACTED:custom]"] == own.value(["Ann"])
        assert 2 == guard.failures()["redact_custom"]

    def test_masked_places_are_counted_by_kind(self) -> None:
        counts: Counter[str] = Counter()
        own = Redactor("all", on_mask=lambda name, n: counts.update({name: n}))
        own.text("a@x.com b@x.com")
        own.json({"dob": "x", "t": KEY, "n": ["c@x.com"]})
        own.json({"t": "nothing here"})
        assert {"email": 3, "date_of_birth": 1, "api_key": 1} == dict(counts)

    def test_a_failure_of_our_own_masks_everything(self) -> None:
        def refuse(name: str, count: int) -> None:
            raise RuntimeError(name, count)

        own = Redactor("all", on_mask=refuse)
        assert "[REDACTED:failed]" == own.text(KEY)
        assert '"[REDACTED:failed]"' == own.json([KEY])
        assert 2 == guard.failures()["redact"]


EVERYTHING = frozenset(range(len(patterns(personal=True))))
EVIL = [
    "a@",
    "a@a.",
    "@a.b ",
    "1-",
    "1 ",
    "1.",
    "4",
    "4111 1111 1111 ",
    "-----BEGIN ",
    "-----BEGIN RSA PRIVATE KEY-----",
    "eyJ",
    "eyJ.",
    "sk-",
    "sk-a1",
    "://",
    "://a:",
    "redis://a:",
    "\\",
    '\\"',
    '"a',
    '"password":"',
    '"password":{',
    "password",
    "password=",
    "password is ",
    "otp=1/",
    "pwd=Ab..",
    "token=40.",
    "+1",
    "+1 ",
    "0 ",
    "0171/",
    ":",
    "::1",
    "a:",
    "ab12",
    "DE89 ",
    "birth ",
    "born\n4",
    "dob 1",
    "bearer ",
    "Bearer a1.",
    "xoxb-",
    "{",
    "'",
    " ",
    "phone",
    "tel 1",
    "AKIA",
    "ghp_",
    "é",
    "İ",
    "\u2011",
    "\x00",
    "api_",
    "key",
    "https://hooks.slack.com/services/",
]


@pytest.mark.parametrize("unit", EVIL)
def test_evil_input_costs_in_proportion_to_its_size(unit: str) -> None:
    """Four times the text may cost at most ten times as much (quadratic would be sixteen)."""
    engine = Engine(personal=True, own={}, custom=None)

    def cost(size: int) -> float:
        text = unit * (size // len(unit))
        best = float("inf")
        for _ in range(3):
            start = time.thread_time()
            engine.mask(text, EVERYTHING, Counter())
            best = min(best, time.thread_time() - start)
        return best

    assert cost(40_000) <= 10 * max(cost(10_000), 0.002)
