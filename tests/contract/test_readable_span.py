"""Instrumentors read from a span what the OpenTelemetry SDK's span shows: a light span shows the same."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

from syndarix_obs.testing import recording

START, EVENT, END = 1_800_000_000_000_000_000, 1_800_000_000_500_000_000, 1_800_000_001_000_000_000
ELSEWHERE = SpanContext(7, 8, is_remote=True)
RESOURCE = {"service.name": "shop", "deployment.environment.name": "test"}
PRIVATE = sorted(name for name in vars(ReadableSpan("n", resource=Resource({}))) if name != "_instrumentation_info")
PUBLIC = sorted(name for name in dir(ReadableSpan) if not name.startswith("_"))
CODE_OF_ITS_OWN = {"get_span_context", "to_json"}


@pytest.fixture(params=["running", "ended", "failed"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    """A span of the SDK and a light one that the same was done to."""
    with recording(service_name="shop", environment="test") as kit:
        sdk = TracerProvider(resource=Resource(RESOURCE), shutdown_on_exit=False)
        yield tuple(_span(provider, request.param) for provider in (sdk, kit.obs.tracer_provider))


def _span(provider: Any, state: str) -> Any:
    tracer = provider.get_tracer("their.scope", "1.2")
    root = tracer.start_span("root")
    context = trace.set_span_in_context(root)
    span = tracer.start_span(
        "step", context, SpanKind.CLIENT, {"a": 1}, [Link(ELSEWHERE, {"why": "it follows"})], START
    )
    span.set_attribute("text", "t")
    span.add_event("happened", {"b": True}, EVENT)
    span.update_name("renamed")
    if state == "failed":
        span.record_exception(ValueError("no"), timestamp=EVENT)
        span.set_status(Status(StatusCode.ERROR, "it was no"))
    if state != "running":
        span.end(END)
    return span


def plain(value: Any) -> Any:
    """Without what differs from span to span: ids, and how a mapping or sequence is built."""
    if isinstance(value, SpanContext):
        return ("context", value.is_valid, value.is_remote, value.trace_flags.sampled, value.trace_state)
    if isinstance(value, Event):
        kept = {k: v for k, v in (value.attributes or {}).items() if k != "exception.escaped"}  # deprecated there
        return (value.name, kept, value.timestamp)
    if isinstance(value, Link):
        return (plain(value.context), dict(value.attributes or {}))
    if isinstance(value, Status):
        return (value.status_code, value.description)
    if isinstance(value, Resource):
        return dict(value.attributes)
    if isinstance(value, Mapping):
        return dict(value)
    return [plain(item) for item in value] if type(value).__name__ in {"tuple", "list", "BoundedList"} else value


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in CODE_OF_ITS_OWN])
def test_each_public_property_shows_what_the_sdks_span_shows(pair: tuple[Any, Any], name: str) -> None:
    theirs, ours = pair
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert plain(getattr(theirs, name)) == plain(getattr(ours, name))


@pytest.mark.parametrize("name", PRIVATE)
def test_each_field_that_the_sdk_keeps_is_there_under_its_name_too(pair: tuple[Any, Any], name: str) -> None:
    theirs, ours = pair
    assert plain(getattr(theirs, name)) == plain(getattr(ours, name))


def test_every_method_of_the_sdks_span_is_there_but_the_one_that_its_tracer_calls(pair: tuple[Any, Any]) -> None:
    _, ours = pair
    assert ["start"] == [name for name in dir(SdkSpan) if not name.startswith("_") and not hasattr(ours, name)]


def test_json_of_a_span_is_that_of_the_sdk(pair: tuple[Any, Any]) -> None:
    theirs, ours = (json.loads(span.to_json()) for span in pair)
    for found in (theirs, ours):
        assert found["context"].pop("trace_id") != found["context"].pop("span_id")
        assert found.pop("parent_id").startswith("0x")
        for event in found["events"]:
            event["attributes"].pop("exception.escaped", None)
    assert theirs == ours


def test_a_copy_of_a_span_is_of_the_sdks_class(pair: tuple[Any, Any]) -> None:
    _, ours = pair
    copy = ours._readable_span()
    assert isinstance(copy, ReadableSpan)
    assert ("renamed", START, {"a": 1, "text": "t"}) == (copy.name, copy.start_time, dict(copy.attributes or {}))


def test_ids_and_parent_are_those_of_the_spans(pair: tuple[Any, Any]) -> None:
    _, ours = pair
    assert ours.context == ours.get_span_context()
    assert ours.parent.trace_id == ours.context.trace_id
    assert ours.parent.span_id != ours.context.span_id


def test_attributes_that_are_read_or_replaced_after_the_end_change_nothing_that_is_recorded() -> None:
    with recording() as kit:
        span = kit.obs.tracer_provider.get_tracer("t").start_span("s", attributes={"gen_ai.prompt.0.content": "hi"})
        span.end()
        kit.obs.flush()
        assert {"gen_ai.prompt.0.content": "hi"} == dict(span.attributes)  # type: ignore[attr-defined]


def test_attributes_may_be_written_under_the_sdks_private_name() -> None:
    with recording() as kit:
        span: Any = kit.obs.tracer_provider.get_tracer("t").start_span("s")
        span._attributes["a"] = 1
        span._attributes = {**span._attributes, "b": 2}
        span.end()
        assert {"a": 1, "b": 2} == {k: kit.record("span").attributes[k] for k in ("a", "b")}


def test_an_operation_of_ours_shows_its_failure_with_the_exceptions_text() -> None:
    with recording() as kit:
        with pytest.raises(ValueError, match="no"), kit.obs.tool("t") as tool:
            raise ValueError("no")
        assert (StatusCode.ERROR, "no") == (tool.status.status_code, tool.status.description)


def test_what_a_span_shows_says_nothing_about_a_parent_it_has_not() -> None:
    with recording() as kit:
        span: Any = kit.obs.tracer_provider.get_tracer("t").start_span("s")
        assert span.parent is None
        assert span.end_time is None
