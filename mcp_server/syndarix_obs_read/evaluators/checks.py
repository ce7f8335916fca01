"""The evaluators that come along. Each is exact where it speaks, and silent where nothing can be told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from syndarix_obs_read.evaluators.language import language_of
from syndarix_obs_read.evaluators.session import EvaluatedSession, Verdict

_REFUSED: Final = re.compile(
    r"\bI(?:'m| am)? (?:sorry|afraid)\b.{0,40}\b(?:can(?:'t|not)|unable|won't)\b"
    r"|\bI(?: (?:can(?:'t|not)|won't|am unable to)|'m unable to)"
    r" (?:help|assist|comply|do that|provide|share|continue)\b"
    r"|\bas an AI\b",
    re.I | re.S,
)
_REFUSING_REASONS: Final = ("content_filter", "refusal", "safety")
_CUTTING_REASONS: Final = ("length", "max_tokens", "max_output_tokens", "model_length")
_PUT_OFF: Final = re.compile(
    r"\b(?:let me (?:check|look|see)|one moment|hold on|(?:I'll|I will) (?:get back|check|look into)|please wait)\b",
    re.I,
)
_MARK: Final = re.compile(r"\[REDACTED:([a-z_]+)\]")
_PERSONAL: Final = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.]{2,}|\b(?:\d[ -]?){13,19}\b|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b"
)


def schema_valid(session: EvaluatedSession) -> Iterator[Verdict]:
    """Answers that a JSON schema was asked for fit it."""
    from syndarix_obs_read.evaluators.session import said

    for call in session.model_calls:
        schema = _schema(call.payload)
        if schema is not None and (text := said(call.payload.get("output"))):
            problem = _problem(schema, text)
            yield Verdict("schema_valid", problem is None, call.optional("span_id"), problem)


def arguments_valid(session: EvaluatedSession) -> Iterator[Verdict]:
    """Arguments of tool calls fit the tool's own definition, as far as it was offered."""
    offered: dict[str, Mapping[str, Any]] = {}
    for call in session.model_calls:
        offered.update(_definitions(call.payload.get("tools")))
    for call in session.tool_calls:
        schema, given = offered.get(call.text("tool")), call.payload.get("arguments")
        if schema is not None and given is not None:
            problem = _problem(schema, given if isinstance(given, str) else json.dumps(given, default=str))
            yield Verdict("arguments_valid", problem is None, call.optional("span_id"), problem)


def answer_complete(session: EvaluatedSession) -> Iterator[Verdict]:
    """The last answer is there, was not refused, and was not cut."""
    call = session.last_call
    if call is None:
        return
    span, reasons = call.optional("span_id"), call.text("finish_reason").lower().split(",")
    refused = _REFUSED.search(session.answer)
    yield Verdict("answer_present", bool(session.answer.strip()), span)
    yield Verdict(
        "answer_not_refused", not refused and not any(each in _REFUSING_REASONS for each in reasons), span,
        f"“{' '.join(refused[0].split())}”" if refused else None,
    )  # fmt: skip
    yield Verdict("answer_not_cut", not any(each in _CUTTING_REASONS for each in reasons), span)


def language_kept(session: EvaluatedSession) -> Iterator[Verdict]:
    """The answer is in the language of the question."""
    asked, answered = language_of(session.question), language_of(session.answer)
    if asked and answered:
        why = None if asked == answered else f"asked in {asked}, answered in {answered}"
        yield Verdict("language_kept", asked == answered, _span(session), why)


def question_answered(session: EvaluatedSession) -> Iterator[Verdict]:
    """A question got an answer: neither silence, nor only questions back, nor only being put off."""
    if "?" not in session.question:
        return
    text = session.answer.strip()
    sentences = [each for each in re.split(r"(?<=[.!?])\s+", text) if each.strip()]
    put_off = bool(sentences) and all(_PUT_OFF.search(each) or each.endswith("?") for each in sentences)
    why = "it was put off or only asked back" if put_off else None if text else "there is no answer"
    yield Verdict("question_answered", bool(text) and not put_off, _span(session), why)


def no_loop(session: EvaluatedSession) -> Iterator[Verdict]:
    """No tool was called again and again with the same arguments."""
    if session.tool_calls:
        looped = [each for each in session.tool_calls if each.get("loop_count") is not None]
        why = f"{looped[0].text('tool')} {looped[-1].count('loop_count')} times" if looped else None
        yield Verdict("no_loop", not looped, looped[0].optional("span_id") if looped else None, why)


def no_personal_data(session: EvaluatedSession) -> Iterator[Verdict]:
    """The last answer holds no personal data: none was masked in it, and none stands there in a store without masks."""
    if not session.answer:
        return
    kinds = sorted({*_MARK.findall(session.answer), *(["unmasked"] if _PERSONAL.search(session.answer) else [])})
    yield Verdict("no_personal_data", not kinds, _span(session), ", ".join(kinds) or None)


def _span(session: EvaluatedSession) -> str | None:
    return None if session.last_call is None else session.last_call.optional("span_id")


def _schema(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The JSON schema that an answer was asked for, in the shapes of the providers."""
    found: Any = payload.get("output_schema") or payload.get("response_format")
    for key in ("json_schema", "schema"):
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    return found if isinstance(found, Mapping) and ("properties" in found or "items" in found) else None


def _definitions(tools: Any) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for tool in tools if isinstance(tools, (list, tuple)) else ():
        inner = tool.get("function", tool) if isinstance(tool, Mapping) else {}
        schema = inner.get("parameters") or inner.get("input_schema") or inner.get("inputSchema")
        if isinstance(schema, Mapping) and inner.get("name"):
            found[str(inner["name"])] = schema
    return found


def _problem(schema: Mapping[str, Any], text: str) -> str | None:
    """Why a JSON text does not fit, None when it does."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError, best_match

    try:
        value = json.loads(text)
    except ValueError:
        return "it is no JSON"
    try:
        Draft202012Validator.check_schema(schema)
        error = best_match(Draft202012Validator(schema).iter_errors(value))
    except SchemaError:
        return None  # the schema itself is wrong: nothing can be told
    return None if error is None else str(error.message)[:300]


def all_checks(session: EvaluatedSession) -> Iterable[Verdict]:
    """Every check of this file."""
    for check in (
        schema_valid, arguments_valid, answer_complete, language_kept, question_answered, no_loop, no_personal_data,
    ):  # fmt: skip
        yield from check(session)
