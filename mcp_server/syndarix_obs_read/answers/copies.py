"""One step to take along: its request as a `curl` command, and the step as a pytest test."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pprint import pformat
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.replaying.requests import ENDPOINTS, PATHS, joined
from syndarix_obs_read.answers.trace import TraceSpan

_BASES: Final = {
    "openai": ("https://api.openai.com/v1", ('Authorization: Bearer $OPENAI_API_KEY',)),
    "anthropic": ("https://api.anthropic.com/v1", ("x-api-key: $ANTHROPIC_API_KEY", "anthropic-version: 2023-06-01")),
}
_OTHER: Final = ("$BASE_URL", ("Authorization: Bearer $API_KEY",))
_WIDTH: Final = 110
_REQUEST: Final = ("system", "tools", "input", "parameters")


def as_curl(span: TraceSpan) -> str | None:
    """The request of a model call as a shell command, with the key from the environment; None without a prompt."""
    payload = span.payload or {}
    if span.kind != v.KIND_LLM_CALL or not payload.get("input"):
        return None
    provider = str(span.details.get("provider") or "")
    told = (span.details.get("attributes") or {}).get(v.REQUEST_ENDPOINT)
    endpoint = str(told) if told in ENDPOINTS else "messages" if provider == "anthropic" else "chat.completions"
    body = {"model": span.model, **joined(ENDPOINTS[endpoint], payload)}
    if payload.get("system") and not told and endpoint == "chat.completions":
        body["messages"] = [{"role": "system", "content": payload["system"]}, *_list(payload["input"])]
    base, headers = _BASES.get(provider, _OTHER)
    lines = [f'curl "{base}{PATHS[endpoint]}"', '-H "Content-Type: application/json"']
    lines += [f'-H "{header}"' for header in headers]
    lines.append(f"-d {shlex.quote(json.dumps(body, ensure_ascii=False, indent=1, default=str))}")
    return " \\\n  ".join(lines) + "\n"


def as_pytest(span: TraceSpan, trace_id: str) -> str | None:
    """A model or tool call as a test that expects what was recorded; None for other steps."""
    payload = span.payload or {}
    source = f"step {span.span_id} of trace {trace_id}"
    if span.kind == v.KIND_TOOL_CALL:
        return _tool_test(span, payload, source)
    if span.kind == v.KIND_LLM_CALL and payload.get("input"):
        return _model_test(span, payload, source)
    return None


def _tool_test(span: TraceSpan, payload: Mapping[str, Any], source: str) -> str:
    name = _identifier(span.tool or "tool")
    called = f"{name}(**ARGUMENTS)" if isinstance(payload.get("arguments"), Mapping) else f"{name}(ARGUMENTS)"
    head = f'"""From {source}. Give the tool as the fixture `{name}`."""\n\n'
    values = f"ARGUMENTS = {_python(payload.get('arguments'))}\n"
    if span.status == v.STATUS_ERROR:
        failed = f"{span.error_type or 'failed'}: {span.error_message or ''}"
        return (
            f"{head}{values}FAILED = {_python(failed)}\n\n\n"
            f"def test_{name}_fails_no_more({name}):\n"
            f'    """It failed when it was recorded, see FAILED."""\n    assert {called} is not None\n'
        )
    return (
        f"{head}{values}RECORDED = {_python(payload.get('result'))}\n\n\n"
        f"def test_{name}_returns_what_was_recorded({name}):\n    assert {called} == RECORDED\n"
    )


def _model_test(span: TraceSpan, payload: Mapping[str, Any], source: str) -> str:
    request = {"model": span.model, **{name: payload[name] for name in _REQUEST if payload.get(name)}}
    called = _identifier(span.model or "model")
    return (
        f'"""From {source}. Give what sends a request and returns the output as the fixture `ask`."""\n\n'
        f"REQUEST = {_python(request)}\nRECORDED = {_python(payload.get('output'))}\n\n\n"
        f"def test_{called}_answers_as_recorded(ask):\n    assert ask(REQUEST) == RECORDED\n"
    )


def _python(value: Any) -> str:
    return pformat(value, width=_WIDTH, sort_dicts=False)


def _identifier(name: str) -> str:
    """A name that Python takes."""
    found = "".join(each if each.isascii() and each.isalnum() else "_" for each in name.lower()).strip("_")
    return found if found and not found[0].isdigit() else f"it_{found}"


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
