"""Trace context and correlation ids across services."""

from __future__ import annotations

from syndarix_obs.testing import Kit


def test_another_service_continues_trace_and_session(kit: Kit) -> None:
    headers: dict[str, str] = {}
    with kit.obs.session(agent="front", project="acme", user="u-42", session_id="s-1"), kit.obs.task("refund"):
        kit.obs.inject(headers)
    with kit.obs.extract(headers), kit.obs.tool("behind"):
        pass
    session, tool = kit.record("session"), kit.record("tool_call")
    assert {"traceparent", "baggage"} == set(headers)
    assert session.trace_id == tool.trace_id
    assert ("s-1", "front", "acme", "refund") == (tool.session_id, tool.agent, tool.project, tool.task_type)


def test_the_raw_user_id_does_not_travel_and_the_pseudonym_stays_the_same(kit: Kit) -> None:
    headers: dict[str, str] = {}
    with kit.obs.session(agent="front", user="anna"):
        kit.obs.inject(headers)
    with kit.obs.extract(headers), kit.obs.tool("behind"):
        pass
    assert "anna" not in str(headers)
    assert kit.record("session").user == kit.record("tool_call").user


def test_headers_of_any_framework_are_read(kit: Kit) -> None:
    headers: dict[str, str] = {}
    with kit.obs.session(agent="front", session_id="s-1"):
        kit.obs.inject(headers)
    shapes = [
        {key.title(): value for key, value in headers.items()},
        {key.encode(): value.encode() for key, value in headers.items()},
        {key: [value] for key, value in headers.items()},
    ]
    decoded = [{k.decode() if isinstance(k, bytes) else k: v for k, v in shape.items()} for shape in shapes]
    for shape in decoded:
        with kit.obs.extract(shape), kit.obs.tool("behind"):
            pass
    assert ["s-1"] * 3 == [record.session_id for record in kit.records("tool_call")]


def test_garbage_headers_start_a_new_trace(kit: Kit) -> None:
    with kit.obs.extract({"traceparent": "zz-garbage", "baggage": "\x00=;;,,=="}), kit.obs.tool("x"):
        pass
    assert kit.record("tool_call").parent_id is None


def test_what_is_outside_the_block_does_not_belong_to_the_remote_trace(kit: Kit) -> None:
    headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    with kit.obs.extract(headers), kit.obs.tool("in"):
        pass
    with kit.obs.tool("out"):
        pass
    inside, outside = kit.records("tool_call")
    assert "0af7651916cd43dd8448eb211c80319c" == inside.trace_id
    assert inside.trace_id != outside.trace_id
