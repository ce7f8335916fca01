"""Our names against the registry of the OpenTelemetry GenAI conventions at one commit, and what spans must carry."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import opentelemetry.semconv._incubating.attributes as core
import pytest
import yaml

from syndarix_obs import vocabulary as v
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import SpanEvent
from syndarix_obs.testing import recording

REGISTRY: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "genai_registry.yml").read_text(encoding="utf-8"))
GENAI = {f"{space}.{name}" for space, names in REGISTRY["attributes"].items() for name in names}
OWN_PREFIX = "syndarix."
NO_ATTRIBUTES = {v.EVENT_EVALUATION, v.EVENT_LOOP, v.SCHEMA_URL}
"""Texts with a dot in the vocabulary that are no attributes."""


def core_names() -> set[str]:
    """Attributes of OpenTelemetry's core conventions, as its Python package declares them."""
    found: set[str] = set()
    for module in pkgutil.iter_modules(core.__path__):
        if module.name.removesuffix("_attributes") in ("gen_ai", "mcp", "openai"):
            continue  # moved to the registry of their own
        declared = vars(importlib.import_module(f"{core.__name__}.{module.name}"))
        found |= {value for name, value in declared.items() if name.isupper() and isinstance(value, str)}
    return found


def test_no_name_is_unknown_to_the_conventions_without_our_prefix() -> None:
    names = {name for name in v.ATTRIBUTE_NAMES - NO_ATTRIBUTES if not name.startswith(OWN_PREFIX)}
    assert set() == names - GENAI - core_names()


def test_the_schema_url_names_the_commit_that_the_names_were_checked_against() -> None:
    assert REGISTRY["commit"] in v.SCHEMA_URL


def test_operations_and_events_are_those_of_the_conventions() -> None:
    operations = {value for name, value in vars(v).items() if name.startswith("OPERATION_")}
    assert set() == operations - set(REGISTRY["operations"])
    assert [v.EVENT_EVALUATION] == REGISTRY["events"]


@pytest.fixture(scope="module")
def spans() -> list[FinishedSpan]:
    """A session with everything that has an operation of the conventions, and a call that failed."""
    with recording() as kit:
        obs = kit.obs
        with obs.session(agent="support", session_id="s-1"):
            with obs.llm(provider="openai", model="gpt-4o", messages=[{"role": "user", "content": "hi"}]) as call:
                call.first_token()
                call.response(messages=[], usage={"input_tokens": 5, "output_tokens": 2}, finish_reason="stop")
            with obs.tool("search", arguments={"q": "x"}) as tool:
                tool.result({"found": 1})
            with obs.memory("search", store="orders", query="x") as memory:
                memory.found(2)
            with obs.memory("upsert", store="orders"):
                pass
            obs.score("resolved", True)
            with pytest.raises(ValueError, match="no"), obs.tool("fail"):
                raise ValueError("no")
        kit.records()
    return kit.capture.spans


def operations(spans: list[FinishedSpan]) -> Iterator[tuple[str, FinishedSpan]]:
    for span in spans:
        operation = span.attributes.get(v.GEN_AI_OPERATION_NAME)
        if operation is not None:
            yield operation, span


def test_spans_carry_no_unknown_name(spans: list[FinishedSpan]) -> None:
    known = GENAI | core_names()
    named = {name for span in spans for name in (*span.attributes, *_of_events(span.events))}
    assert set() == {name for name in named if not name.startswith(OWN_PREFIX)} - known


def _of_events(events: list[SpanEvent]) -> Iterator[str]:
    for event in events:
        yield from event.attributes


def test_every_operation_is_in_the_registry_and_carries_what_is_required(spans: list[FinishedSpan]) -> None:
    seen = set()
    for operation, span in operations(spans):
        assert operation in REGISTRY["operations"]
        seen.add(operation)
        missing = [name for name in REGISTRY["required"].get(operation, ()) if name not in span.attributes]
        assert [] == missing, operation
    assert {"chat", "execute_tool", "search_memory", "upsert_memory", "invoke_agent"} <= seen


@pytest.mark.parametrize("operation", ["execute_tool", "invoke_agent", "search_memory"])
def test_what_is_known_is_told(spans: list[FinishedSpan], operation: str) -> None:
    found = [span for name, span in operations(spans) if name == operation]
    assert [] == [name for span in found for name in REGISTRY["where_known"][operation] if name not in span.attributes]


def test_a_failed_operation_tells_its_error(spans: list[FinishedSpan]) -> None:
    failed = [span for span in spans if span.status == v.STATUS_ERROR]
    assert failed
    assert [] == [span.name for span in failed for name in REGISTRY["on_error"] if name not in span.attributes]
