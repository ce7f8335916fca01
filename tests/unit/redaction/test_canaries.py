"""An address is planted in every field of every public entry point; none of its bytes may reach any destination."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode
from scripted_sink import Answer, ScriptedSink, until

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.destinations.loki_handler import SyndarixLokiHandler
from syndarix_obs.logs import JsonFormatter

_CANARY = re.compile(rb"[a-z0-9-]*leak[0-9]+(?:%40|@|\\u0040)planted\.example")


class Planted:
    """Makes canaries, each its own, so that a failure names the field."""

    def __init__(self) -> None:
        self.fields: list[str] = []

    def __call__(self, field: str) -> str:
        self.fields.append(field)
        return f"leak{len(self.fields) - 1}@planted.example"

    def found_in(self, data: bytes) -> set[str]:
        """Fields whose canary is in there."""
        hits = _CANARY.findall(data)
        return {self.fields[int(re.findall(rb"leak([0-9]+)", hit)[0])] for hit in hits}


@pytest.fixture
def sink() -> Iterator[ScriptedSink]:
    made = ScriptedSink(policy=lambda request: Answer(204 if "loki" in request.path else 200))
    yield made
    made.stop()


@pytest.fixture
def planted() -> Planted:
    return Planted()


@pytest.fixture
def obs(tmp_path: Path, sink: ScriptedSink) -> Iterator[ObservabilityPlatform]:
    made = ObservabilityPlatform(
        Settings(
            home=tmp_path,
            set_global=False,
            backend="both",
            loki_url=sink.url,
            otlp_endpoint=sink.url + "/first",
            extra_otlp_endpoint=sink.url + "/second",
            zipkin_url=sink.url + "/zipkin",
            pushgateway_url=sink.url,
        )
    )
    yield made
    made.shutdown()


def everything(home: Path, sink: ScriptedSink) -> bytes:
    """What left: all files of the home folder, all requests with path and headers."""
    files = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    sent = b"".join(
        request.path.encode() + json.dumps(dict(request.headers)).encode() + request.body for request in sink.requests
    )
    return files + sent


def use_every_entry_point(obs: ObservabilityPlatform, plant: Planted) -> None:
    with obs.session(
        agent=plant("session.agent"), agent_type=plant("session.agent_type"), project=plant("session.project"),
        user=plant("session.user"), session_id=plant("session.session_id"),
    ), obs.task(plant("task.type")):  # fmt: skip
        with obs.context_assembly() as context:
            context.add(plant("context.section"), tokens=10)
            context.evicted(plant("context.evicted"), tokens=5)
        with obs.memory("search", store=plant("memory.store"), query=plant("memory.query")) as memory:
            memory.found(3)
        with obs.retrieval(plant("retrieval.store"), query=plant("retrieval.query")):
            pass
        messages = [{"role": plant("llm.role"), "content": [{"type": "text", "text": plant("llm.content")}]}]
        with obs.llm(
            provider=plant("llm.provider"), model=plant("llm.model"), messages=messages, system=plant("llm.system"),
            tools=[{"name": plant("llm.tool"), plant("llm.tool key"): 1}],
        ) as call:  # fmt: skip
            call.response(
                messages=[{"role": "assistant", "content": plant("response.content")}],
                usage={"input_tokens": 3, "output_tokens": 2},
                finish_reason=plant("response.finish_reason"),
            )
        with obs.embeddings(provider="openai", model=plant("embeddings.model"), inputs=[plant("embeddings.inputs")]):
            pass
        with obs.tool(plant("tool.name"), arguments={"to": plant("tool.arguments")}, call_id=plant("tool.id")) as tool:
            tool.result(plant("tool.result"))
        obs.decision(
            plant("decision.type"),
            options=[plant("decision.option")],
            selected=plant("decision.selected"),
            reasoning=plant("decision.reasoning"),
            confidence=0.5,
            context_summary=plant("decision.context"),
            relevant_memory=plant("decision.memory"),
        )
        obs.safety_check(plant("safety.check"), passed=True, detail=plant("safety.detail"))
        obs.annotate(plant("annotation.note"), target=plant("annotation.target"), label=plant("annotation.label"))
        with suppress(ValueError), obs.span(plant("span.name"), **{plant("span.key"): plant("span.value")}):
            raise ValueError(plant("exception"))


def use_logs_and_metrics(obs: ObservabilityPlatform, plant: Planted) -> None:
    obs.capture_logs("canary")
    log = logging.getLogger("canary." + plant("log.logger"))
    with obs.session(agent="a", session_id=plant("log.session")), obs.task(plant("log.task")):
        log.warning("hello %s", plant("log.argument"), extra={"order": plant("log.extra")})
        try:
            raise RuntimeError(plant("log.exception"))
        except RuntimeError:
            log.exception(plant("log.message"))
    counter = obs.metrics.counter("orders_total", "Orders of " + plant("metric.help"), ["region"])
    counter.inc(region=plant("metric.label"))
    obs.metrics.gauge("queue_depth", "Depth.", ["queue"]).set(1, queue=plant("gauge.label"))
    obs.metrics.histogram("took_seconds", "Time.", ["shop"]).observe(1.0, shop=plant("histogram.label"))


def use_foreign_spans(obs: ObservabilityPlatform, plant: Planted) -> None:
    names = (
        "llm.prompts", "gen_ai.prompt.0.content", "input.value", "langfuse.observation.input", "ai.prompt",
        "traceloop.entity.input", "enduser.id", "user.id", "session.id", "http.url", "db.statement", "my.own",
    )  # fmt: skip
    provider = TracerProvider()
    provider.add_span_processor(obs.span_processor())
    for made in (provider, obs.tracer_provider):
        tracer = made.get_tracer(plant("scope.name"), plant("scope.version"))
        attributes = {name: plant(f"attribute {name}") for name in names}
        with tracer.start_as_current_span(plant("foreign.name"), attributes=attributes) as span:
            span.add_event(plant("event.name"), {"x": plant("event.value")})
            span.set_attribute("many", [plant("sequence.0"), plant("sequence.1")])
            span.set_status(Status(StatusCode.ERROR, plant("status.message")))


def test_nothing_planted_leaves_through_any_entry_point(
    obs: ObservabilityPlatform, planted: Planted, sink: ScriptedSink, tmp_path: Path
) -> None:
    use_every_entry_point(obs, planted)
    use_logs_and_metrics(obs, planted)
    use_foreign_spans(obs, planted)
    assert obs.flush(20.0)
    obs.shutdown(20.0)
    kinds = {request.path.split("/")[1] for request in sink.requests}
    assert {"loki", "first", "second", "zipkin", "metrics"} <= kinds  # all of them were really told
    assert set() == planted.found_in(everything(tmp_path, sink))


def test_nothing_planted_stands_on_the_scrape_page(tmp_path: Path, planted: Planted) -> None:
    obs = ObservabilityPlatform(Settings(home=tmp_path, set_global=False, backend="none"))
    use_every_entry_point(obs, planted)
    use_logs_and_metrics(obs, planted)
    obs.flush(20.0)
    from prometheus_client import generate_latest

    page = generate_latest(obs.registry)
    obs.shutdown()
    assert b"[REDACTED:email]" in page
    assert set() == planted.found_in(page)


def test_headers_carry_masked_names_and_a_pseudonym_of_the_session(tmp_path: Path, planted: Planted) -> None:
    with ObservabilityPlatform(Settings(home=tmp_path, set_global=False)) as obs:
        headers: dict[str, str] = {}
        with obs.session(agent=planted("agent"), project=planted("project"), session_id="ann@planted.example"):
            obs.inject(headers)
        assert set() == planted.found_in(headers["baggage"].encode())
        assert re.search(r"syndarix\.session_id=s_[0-9a-f]{16}", headers["baggage"])


def test_incoming_headers_are_masked_before_they_are_anybodys_correlation(tmp_path: Path, planted: Planted) -> None:
    incoming = {"baggage": f"syndarix.agent={planted('agent')},syndarix.session_id={planted('session')}"}
    with ObservabilityPlatform(Settings(home=tmp_path, set_global=False)) as obs:
        with obs.extract(incoming), obs.tool("t"):
            pass
        obs.flush(20.0)
        outgoing: dict[str, str] = {}
        with obs.extract(incoming):
            obs.inject(outgoing)
    assert set() == planted.found_in(outgoing["baggage"].encode())
    assert set() == planted.found_in(b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()))


def test_two_sessions_whose_ids_hold_addresses_stay_two(tmp_path: Path) -> None:
    with ObservabilityPlatform(Settings(home=tmp_path, set_global=False)) as obs:
        names = obs.runtime.names
        first, second = names.session("ann@planted.example"), names.session("bob@planted.example")
        assert first != second
        assert first == names.session("ann@planted.example")
        assert "s-42" == names.session("s-42")


def test_the_loki_handler_masks_lines_and_tags(tmp_path: Path, planted: Planted, sink: ScriptedSink) -> None:
    handler = SyndarixLokiHandler(sink.url, tmp_path / "spool", tags={"service_name": planted("tag")})
    log = logging.getLogger("canary-handler")
    log.addHandler(handler)
    log.setLevel("INFO")
    log.info("paid by %s", planted("argument"), extra={"tags": {"agent": planted("extra tag")}})
    until(lambda: sink.taken)
    log.removeHandler(handler)
    handler.close()
    assert b"paid by [REDACTED:email]" in everything(tmp_path, sink)
    assert set() == planted.found_in(everything(tmp_path, sink))


def test_the_json_formatter_masks_every_field_and_keeps_the_sessions_id(tmp_path: Path, planted: Planted) -> None:
    record = logging.LogRecord(planted("logger"), logging.INFO, "f", 1, planted("message"), (), None)
    record.order = planted("extra")
    with (
        ObservabilityPlatform(Settings(home=tmp_path, set_global=False)) as obs,
        obs.session(agent=planted("agent"), session_id="5d0e3fb2-1c65-4c7e-9a55-2f8b1f2f9c11"),
    ):
        line = JsonFormatter().format(record)
    assert set() == planted.found_in(line.encode())
    assert "5d0e3fb2-1c65-4c7e-9a55-2f8b1f2f9c11" == json.loads(line)["session_id"]


def test_our_own_log_names_no_model_or_provider_unmasked(
    tmp_path: Path, planted: Planted, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), ObservabilityPlatform(Settings(home=tmp_path, set_global=False)) as obs:
        with obs.llm(provider=planted("provider"), model=planted("model")) as call:
            call.response(messages=[], usage={"input_tokens": 1, "output_tokens": 1})
        obs.flush(20.0)
    assert any("no price is known" in message for message in caplog.messages)
    assert set() == planted.found_in("\n".join(caplog.messages).encode())


def test_settings_show_no_header_and_no_password(tmp_path: Path) -> None:
    shown = Settings(
        home=tmp_path, otlp_headers="authorization=Bearer s3cr3tkey99", loki_url="https://bob:s3cr3tpw99@loki.example"
    )
    for text in (repr(shown), str(shown)):
        assert "s3cr3t" not in text
        assert "authorization=…" in text
        assert "https://…@loki.example" in text


def capture_none(tmp_path: Path, entry: Any) -> bytes:
    with ExitStack() as stack:
        obs = stack.enter_context(ObservabilityPlatform(Settings(home=tmp_path, set_global=False, capture="none")))
        entry(obs)
        obs.flush(20.0)
    return b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_capture_none_keeps_content_under_no_attribute_name(tmp_path: Path) -> None:
    def entry(obs: ObservabilityPlatform) -> None:
        attributes = {"llm.prompts": "needle-a", "some.vendor.request": "needle-b", "server.address": "api.example"}
        with obs.tracer_provider.get_tracer("x").start_as_current_span("third", attributes=attributes) as span:
            span.add_event("e", {"body": "needle-c"})
        obs.decision("d", options=["needle-d"], selected="needle-d", reasoning="needle-e")
        with obs.llm(provider="openai", model="gpt-4o", messages=[{"role": "user", "content": "needle-f"}]):
            pass
        with obs.tool("t", arguments={"x": "needle-g"}) as tool:
            tool.result("needle-h")

    found = capture_none(tmp_path, entry)
    assert [] == re.findall(rb"needle-[a-z]", found)
    assert b"api.example" in found


def test_capture_metadata_names_only_roles_that_are_known(tmp_path: Path, planted: Planted) -> None:
    messages = [{"role": planted("role"), "content": "x"}, {"role": "user", "content": "y"}]
    with ObservabilityPlatform(Settings(home=tmp_path, set_global=False, capture="metadata")) as obs:
        with obs.llm(provider="openai", model="gpt-4o", messages=messages):
            pass
        obs.flush(20.0)
    found = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert set() == planted.found_in(found)


def test_a_preview_of_joined_parts_hides_what_stands_across_a_joint(tmp_path: Path, sink: ScriptedSink) -> None:
    parts = [{"type": "text", "text": "mail leak0"}, {"type": "text", "text": "@planted.example ok"}]
    settings = Settings(home=tmp_path, set_global=False, backend="stack", otlp_endpoint=sink.url, loki_url=sink.url)
    with ObservabilityPlatform(settings) as obs:
        with obs.llm(provider="openai", model="gpt-4o", messages=[{"role": "user", "content": parts}]):
            pass
        obs.flush(20.0)
    traces = b"".join(request.body for request in sink.requests if "loki" not in request.path)
    assert b"mail [REDACTED:email] ok" in traces
    assert b"leak0" not in traces


@pytest.mark.parametrize("free", ["session_id", "serviceSession", "user_token"])
def test_names_that_hint_at_secrets_are_harmless_as_our_own_attributes(free: str, tmp_path: Path) -> None:
    session = "5d0e3fb2-1c65-4c7e-9a55-2f8b1f2f9c11"
    with ObservabilityPlatform(Settings(home=tmp_path, set_global=False)) as obs:
        with obs.session(agent="a", session_id=session), obs.tool("t", arguments={free: "xK9vQ2mW7zLp4Rt"}):
            pass
        obs.flush(20.0)
    found = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert session.encode() in found
    assert b"xK9vQ2mW7zLp4Rt" not in found
