"""Arbitrary values at every public entry point never raise, and nothing unredacted leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syndarix_obs.testing import Kit, recording

SECRET = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4" * 2
MAIL = "anna.secret@private-mail.org"


class Hostile:
    """An object whose every text form fails."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        raise RuntimeError("no")

    def __bool__(self) -> bool:
        raise RuntimeError("no")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    def __hash__(self) -> int:
        raise RuntimeError("no")

    def model_dump(self) -> Any:
        raise RuntimeError("no")


_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.binary(max_size=20),
    st.builds(Hostile), st.sampled_from([SECRET, MAIL, f"x {SECRET}\ny", f'{{"password": "{SECRET}"}}']),
    st.dates(), st.decimals(), st.complex_numbers(),
)  # fmt: skip
anything = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(max_size=10), st.just(MAIL), st.integers()), inner, max_size=4),
        st.tuples(inner, inner),
    ),
    max_leaves=8,
)


def _use_everything(kit: Kit, a: Any, b: Any, c: Any) -> None:
    obs = kit.obs
    with obs.session(agent=a, agent_type=b, project=c, user=a, session_id=b) as session:
        session.outcome(c)
        session.set(free=a)
        session.set_attribute(str(type(a)), b)
        with obs.task(a), obs.llm(provider=a, model=b, messages=c, tools=a, system=b, operation="chat") as call:
            call.first_token()
            call.response(a, usage=b, finish_reason=c, model=a, response_id=b, service_tier=c)
        with obs.embeddings(provider=b, model=a, inputs=c), obs.tool(a, arguments=b, call_id=c) as tool:
            tool.result(a)
        with obs.memory(a, store=b, query=c) as memory:
            memory.found(a, documents=b)
        with obs.retrieval(b, query=c), obs.context_assembly(limit=a) as context:
            context.add(a, tokens=b)
            context.evicted(b, tokens=c)
        obs.decision(a, options=b, selected=c, reasoning=a, confidence=b, context_summary=c, relevant_memory=a)
        obs.safety_check(a, passed=b, detail=c)
        obs.annotate(a, target=b, label=c, trace_id=a)
        with obs.span(a, size=b) as span:
            span.fail(a if isinstance(a, str) else "failed", c)
        obs.inject({})
        with obs.extract({"traceparent": a, "baggage": b}):
            pass


def _texts(kit: Kit) -> str:
    lines = [record.line() for record in kit.capture.records]
    for line in lines:
        json.loads(line)
    spans = [f"{s.name}{s.attributes}{s.events}{s.status_message}" for s in kit.capture.spans]
    return "\n".join(lines + spans)


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(a=anything, b=anything, c=anything)
def test_arbitrary_values_never_raise_and_no_secret_leaves(a: Any, b: Any, c: Any) -> None:
    with recording(reraise=False) as kit:
        _use_everything(kit, a, b, c)
        kit.obs.flush()
        text = _texts(kit)
        assert SECRET not in text
        assert MAIL not in text
        assert 14 == len(kit.capture.records)


@settings(max_examples=40, deadline=None)
@given(a=anything, b=anything)
def test_the_decorators_hand_the_result_through_whatever_it_is(a: Any, b: Any) -> None:
    with recording(reraise=False) as kit:
        def echo(one: Any, two: Any) -> Any:
            return (one, two)

        one, two = kit.obs.tool_call(echo)(a, b)
        assert one is a
        assert two is b
        assert 1 == len(kit.records("tool_call"))
