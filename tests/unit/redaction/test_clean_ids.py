"""Ids that are new with every span and hold nothing: they are not searched, and what only looks like one is."""

from __future__ import annotations

import pytest

from syndarix_obs import vocabulary as v
from syndarix_obs.redaction.clean import CleanTexts

HEX_32 = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (v.DECISION_ID, HEX_32),
        (v.DECISION_OF, HEX_32[:16]),
        (v.GEN_AI_RESPONSE_ID, "chatcmpl-PCyoL0YxlpmwDQW3hWpReiTQZRodD"),
        (v.GEN_AI_TOOL_CALL_ID, "call_b8Tn0cVqkKp3Zx5sYw7Ra1Ld"),
        (v.GEN_AI_TOOL_CALL_ID, "toolu_01blSWFRRp2XTIMaYYFcbK7a"),
    ],
)
def test_an_id_as_it_is_made_needs_no_look(name: str, value: str) -> None:
    clean = CleanTexts()
    clean.remember({"\x00name": "decide"})
    assert {} == clean.unknown("decide", {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (v.DECISION_ID, "4111111111111111"),  # a card
        (v.DECISION_ID, f"{HEX_32} bob@example.com"),
        (v.ANNOTATION_TARGET, "bob@example.com"),
        (v.GEN_AI_TOOL_CALL_ID, "call_AKIAIOSFODNN7EXAMPLE"),  # a key of a cloud
        (v.GEN_AI_RESPONSE_ID, "sk-live-0123456789abcdef0123"),
        ("note", HEX_32),
    ],
)
def test_what_only_looks_like_one_is_looked_at(name: str, value: str) -> None:
    clean = CleanTexts()
    clean.remember({"\x00name": "decide"})
    assert {name: value} == clean.unknown("decide", {name: value})
