"""What is masked, and what must survive."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from syndarix_obs.redaction.catalogue import patterns
from syndarix_obs.redaction.engine import Engine
from syndarix_obs.redaction.step import Redactor

ALL = Redactor("all")
EVERYTHING = frozenset(range(len(patterns(personal=True))))
SECRETS = Redactor("secrets")

SECRET_SAMPLES = [
    ("api_key", "sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8tUv"),
    ("api_key", "sk-ant-api03-abcDEF123456-7890ghiJKL"),
    ("api_key", "sk-or-v1-0123456789abcdef0123456789abcdef"),
    ("api_key", "sk_live_51HabcdefGHIJKLMNOP"),
    ("api_key", "sk-abcdefghijklmnopqrstuvwx"),
    ("api_key", "glpat-abcdefghij0123456789"),
    ("api_key", "hf_abcdefghijklmnopqrstuvwxyzABCDEF"),
    ("api_key", "npm_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("api_key", "gsk_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("api_key", "xai-abcdefghijklmnopqrstuvwxyz0123456789"),
    ("api_key", "tvly-abcdefghijklmnopqrstuvwxyz"),
    ("api_key", "nvapi-abcdefghijklmnopqrstuvwxyz"),
    ("api_key", "pplx-abcdefghijklmnopqrstuvwxyz"),
    ("api_key", "pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAw"),
    ("api_key", "r8_abcdefghijklmnopqrstuvwxyz012345"),
    ("api_key", "rk_live_abcdefghijklmnopqrstuv"),
    ("api_key", "SG.abcdefghijklmnop.qrstuvwxyz0123456789"),
    ("aws_key", "AKIAIOSFODNN7EXAMPLE"),
    ("aws_key", "ASIAIOSFODNN7EXAMPLE"),
    ("gcp_key", "AIzaSyA1234567890abcdefghijklmnopqrstuv"),
    ("gcp_key", "ya29.a0AfH6SMBx1234567890abcdef"),
    ("github_token", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("github_token", "gho_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("github_token", "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwx"),
    ("slack_token", "xoxb-123456789012-1234567890123-abcdefGHIJKLmnop"),
    ("slack_token", "xapp-1-A012345-678901-abcdef"),
    ("slack_token", "hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"),
    ("private_key", "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY-----"),
    ("private_key", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk"),
    ("private_key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nxyz\n-----END PGP PRIVATE KEY BLOCK-----"),
]
PERSONAL_SAMPLES = [
    ("email", "bob.smith+tag@mail.example.co.uk"),
    ("email", "yara_garcia_1905@gmail.com"),
    ("email", "jürgen@müller.de"),
    ("email", "o'brien@example.com"),
    ("credit_card", "4111111111111111"),
    ("credit_card", "4242 4242 4242 4242"),
    ("credit_card", "5555-5555-5555-4444"),
    ("credit_card", "5555\u20115555\u20115555\u20114444"),
    ("credit_card", "378282246310005"),
    ("credit_card", "3782 822463 10005"),
    ("iban", "DE89370400440532013000"),
    ("iban", "GB82 WEST 1234 5698 7654 32"),
    ("iban", "fr1420041010050500013m02606"),
    ("iban", "NO9386011117947"),
    ("ssn", "078-05-1120"),
    ("ssn", "078 05 1120"),
    ("ip_address", "203.0.113.77"),
    ("ip_address", "2001:db8:85a3:8d3:1319:8a2e:370:7348"),
    ("ip_address", "2001:db8::8a2e:370"),
    ("phone", "+1 (415) 555-0132"),
    ("phone", "+14155550132"),
    ("phone", "+49 30 901820"),
    ("phone", "+33 1 23 45 67 89"),
    ("phone", "+44 (0)20 7946 0958"),
    ("phone", "(415) 555-0132"),
    ("phone", "415-555-0132"),
    ("phone", "415.555.0132"),
    ("phone", "415\u2011555\u20110132"),
    ("phone", "1-800-555-0199"),
    ("phone", "020 7946 0958"),
    ("phone", "0171/1234567"),
    ("phone", "01 23 45 67 89"),
]
AROUND = ["{}", "here: {} and more", "({})", '"{}"', "a\n{}\nb", "key={};", "\\n{}\\n", "%20{} ", "ünï {} ☃", "{}."]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(("name", "sample"), SECRET_SAMPLES)
def test_a_secret_is_replaced_by_its_marker_in_both_modes(name: str, sample: str, around: str) -> None:
    for redactor in (ALL, SECRETS):
        masked = redactor.text(around.format(sample))
        assert sample not in masked
        assert "[REDACTED:" in masked


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(("name", "sample"), PERSONAL_SAMPLES)
def test_personal_data_is_masked_in_mode_all_and_survives_mode_secrets(name: str, sample: str, around: str) -> None:
    text = around.format(sample)
    assert sample not in ALL.text(text)
    assert f"[REDACTED:{name}]" in ALL.text(text)
    assert text == SECRETS.text(text)


@pytest.mark.parametrize(("name", "sample"), SECRET_SAMPLES + PERSONAL_SAMPLES)
def test_the_marker_names_the_kind_and_stands_alone(name: str, sample: str) -> None:
    assert f"[REDACTED:{name}]" == ALL.text(sample)


@pytest.mark.parametrize(("name", "sample"), SECRET_SAMPLES + PERSONAL_SAMPLES)
def test_a_sample_is_masked_in_values_keys_and_json_inside_strings(name: str, sample: str) -> None:
    document = {"a": [{"b": f"x {sample}"}], sample: 1, "c": json.dumps({"d": json.dumps([f"y\n{sample}\nz"])})}
    out = ALL.json(document)
    json.loads(out)
    assert sample not in out
    assert json.dumps(sample)[1:-1] not in out


@pytest.mark.parametrize(
    "text",
    [
        "550e8400-e29b-41d4-a716-446655440000",
        "00000000-1111-2222-3333-444444444444",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "2024-05-15T12:00:00.123456+02:00",
        "2024-05-15 15:00:00 EST, 05/16/2024, 16.05.2024 10:30",
        "1733467121 1733467121000 1733467121000000000",
        "version 1.2.3, v1.2.3.4, ==1.2.3.4, 10.2.1-beta",
        "react@18.2.0 and @decorator and foo@bar",
        "prices $1,299.00, 12.50 EUR, 0.0035475000000000003",
        "order #123456789, order 112-4155550-1234567, invoice 2024-000123",
        "flight HAT239 on 2024-05-20 at 06:00:00, seat 12A",
        "take 12:30:45, x[1::2], std::vector<int>, a::b, ::1",
        "risk-assessment-of-something-long sk-learn-compatible-estimators task-1234567890123456",
        "the bearer of good news, a bearer certificate",
        "def login(password: str, token=get_token()) -> None: ...",
        "max_tokens=4096, 200000 tokens, top_k 40",
        "Your password is required. The secret is out. A key: value store.",
        "ARN asia-southeast1, ASIAN, AKIA is a prefix",
        "4111111111111112 1234 5678 9012 3456",
        "DE00370400440532013000 AB12CDEF3456",
        "999.1.2.3 and 1.2.3.4.5",
        "000-12-3456 666-12-3456 123-00-4567",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
        "request req_fea877c0a861ff92a6a5217247681f24 chatcmpl-AbMH3rR6OBMN9hG5w0TRrezuiHLMr",
        "gpt-4o-mini-2024-07-18 claude-sonnet-4-5-20250929 fp_bba3c8e70b toolu_01A09q90qw90lq917835lq9",
        "date of birth is needed for each passenger. The flight leaves on 2024-05-20.",
    ],
)
def test_harmless_text_survives_mode_all(text: str) -> None:
    assert text == ALL.text(text)
    assert json.dumps({"t": text}, ensure_ascii=False, separators=(",", ":")) == ALL.json({"t": text})


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("DOB: 1970-06-06, flight 2024-05-20", "DOB: [REDACTED:date_of_birth], flight 2024-05-20"),
        ("Date of Birth remains: 1989-12-13.", "Date of Birth remains: [REDACTED:date_of_birth]."),
        ("born on 4 March 1980 in Rome", "born on [REDACTED:date_of_birth] in Rome"),
        ("Birthday = March 4th, 1980", "Birthday = [REDACTED:date_of_birth]"),
        ("birthdate 04/03/1980 and 05/03/1981", "birthdate [REDACTED:date_of_birth]"),
        ("**Date of birth:**\n- 1980-03-04", "**Date of birth:**\n- [REDACTED:date_of_birth]"),
        ("password: hunter22", "password: [REDACTED:secret]"),
        ("my password is hunter22!", "my password is [REDACTED:secret]"),
        ("DB_PASSWORD='correct horse'", "DB_PASSWORD='[REDACTED:secret]'"),
        ("export OPENAI_API_KEY=abcd1234", "export OPENAI_API_KEY=[REDACTED:secret]"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [REDACTED:secret]"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [REDACTED:secret]"),
        ("curl -H 'bearer abc.def-123'", "curl -H 'bearer [REDACTED:bearer_token]'"),
        ("postgres://bob:s3cret@db.internal/app", "postgres://[REDACTED:connection_string]@db.internal/app"),
        ("redis://:pa/ss@cache:6379/0", "redis://[REDACTED:connection_string]@cache:6379/0"),
        ("Server=db;User=sa;Password=hunter22;", "Server=db;User=sa;Password=[REDACTED:secret];"),
        ("AccountKey=abcdEFGH1234==;Endpoint=x", "AccountKey=[REDACTED:secret];Endpoint=x"),
        ("SSN 078051120", "SSN [REDACTED:ssn]"),
        ("card number: 1234 5678", "card number: [REDACTED:credit_card]"),
        ("CVV: 123", "CVV: [REDACTED:credit_card]"),
        ("phone number is 5551234567", "phone number is [REDACTED:phone]"),
        ("paid with credit_card_4421486", "paid with credit_card_[REDACTED:credit_card]"),
        ("from 10.0.0.1-10.0.0.5", "from [REDACTED:ip_address]-[REDACTED:ip_address]"),
        ("mail <bob@example.com>, ann@x.org.", "mail <[REDACTED:email]>, [REDACTED:email]."),
        ("sees 2001:db8::1: gone", "sees [REDACTED:ip_address]: gone"),
        ("+14155550132 1234567890", "[REDACTED:phone] 1234567890"),
        ("task-sk-ant-api03-abcDEF1234567890", "task-[REDACTED:api_key]"),
        ('{"dob": "1990-04-05", "n": 1}', '{"dob": "[REDACTED:date_of_birth]", "n": 1}'),
        ("{'password': 'a b', 'n': 1}", "{'password': '[REDACTED:password]', 'n': 1}"),
        ('{"password": "cut of', '{"password": "[REDACTED:password]'),
        ('{"ssn": 78051120, "password": null}', '{"ssn": [REDACTED:ssn], "password": null}'),
        ('{"secret": ["a", {"b": 1}], "n": 1}', '{"secret": [REDACTED:secret], "n": 1}'),
        ('{"properties": {"dob": {"type": "string"}}}', '{"properties": {"dob": {"type": "string"}}}'),
    ],
)
def test_only_the_sensitive_part_of_a_text_is_masked(text: str, masked: str) -> None:
    assert masked == ALL.text(text)


@pytest.mark.parametrize("value", ['a"b', "a\\", 'a\\"b', "tail\\\\", "plain", "it's"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_sensitive_key_is_found_in_json_escaped_any_number_of_times(value: str, depth: int) -> None:
    text: object = {"password": f"{value}-zq9", "after": "stays"}
    for _ in range(depth):
        text = json.dumps(text)
    masked: object = ALL.text(str(text))
    for _ in range(depth):
        masked = json.loads(str(masked))
    assert {"password": "[REDACTED:password]", "after": "stays"} == masked


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("sample", [sample for _, sample in SECRET_SAMPLES + PERSONAL_SAMPLES])
def test_the_gate_lets_nothing_pass_that_a_pattern_would_mask(sample: str, around: str) -> None:
    engine = Engine(personal=True, own={}, custom=None)
    text = around.format(sample)
    assert engine.mask(text, EVERYTHING, Counter()) == engine.mask(text, engine.hits(text), Counter())


def test_of_a_run_with_many_refused_names_the_rest_is_masked() -> None:
    """Each value would be the rest of the run, read again from its own beginning."""
    masked = ALL.text("token=40." * 20 + " and more")
    assert masked == "token=40." * 12 + "token=[REDACTED:secret] and more"


def test_a_line_with_a_few_harmless_names_in_a_row_stays() -> None:
    line = "auth=off|session=open|token=no|key=none|code=ok"
    assert line == ALL.text(line)


def test_a_birth_column_is_masked_past_rows_without_a_date() -> None:
    rows = ["name,born", *(f"n{i},-" for i in range(12)), "n12,1985-03-14"]
    assert ALL.text("\n".join(rows)).endswith("n12,[REDACTED:date_of_birth]")
