"""The gate before every destination: nothing leaves the process before it has been here.

    Redactor     masks strings, objects and JSON text
    RedactStep   masks what rides on a span: name, attributes, events, status text, correlation ids

The payload itself is masked by `payload.PayloadStep`, which turns it into JSON anyway.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.errors import SettingsError
from syndarix_obs.foreign import Abandoned
from syndarix_obs.guard import record_failure
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import SpanEvent
from syndarix_obs.redaction.clean import CleanTexts
from syndarix_obs.redaction.engine import Engine, marker, replaced
from syndarix_obs.redaction.jsonable import dumps, encoded, well_formed
from syndarix_obs.redaction.pattern import never_give_way
from syndarix_obs.spans.correlation import NOTHING

MODES: Final = ("off", "secrets", "all")
"""Nothing; credentials only; credentials and personal data."""

_FAILED = marker("failed")
_OURS = "syndarix_obs"
_PLAIN_TYPES = frozenset({str, int, float, bool})
_INT64 = 2**63
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,40}")


class Redactor:
    """Masks secrets and personal data by typed markers such as `[REDACTED:email]`.

    Args:
        mode: `off`, `secrets` or `all`.
        patterns: name → regular expression of further patterns; they run on every string.
        custom: a function over every string; when it raises or returns no `str`, the whole string is masked.
        on_mask: called with a pattern's name and how many places it masked.
        accelerated: use google-re2 where it can be imported; the outcome is the same.

    Raises:
        SettingsError: the mode or a pattern is not allowed.
    """

    def __init__(
        self,
        mode: str = "all",
        *,
        patterns: Mapping[str, str] | None = None,
        custom: Callable[[str], str] | None = None,
        on_mask: Callable[[str, int], None] | None = None,
        accelerated: bool = True,
    ) -> None:
        _check_mode(mode)
        self.mode = mode
        self._engine = Engine(
            personal=mode == "all",
            own=_checked(patterns or {}),
            custom=custom,
            accelerated=accelerated,
            exempt=v.ATTRIBUTE_NAMES,
        )
        self._on_mask = on_mask

    def text(self, s: str) -> str:
        """The text with everything sensitive masked. Never raises: what cannot be handled is masked whole."""
        try:
            s = well_formed(str.__str__(s))
            if self.mode == "off":
                return s
            counts: Counter[str] = Counter()
            masked = self._engine.one(s, counts)
            self._report(counts)
        except Abandoned:
            raise
        except BaseException as error:  # noqa: BLE001 - a gate that fails stays shut
            record_failure("redact", error)
            return _FAILED
        return masked

    def value(self, obj: Any) -> Any:
        """A masked copy of any object as dicts, lists, strings, numbers, truth values and None. Never raises."""
        text, document = self.both(obj)
        return json.loads(text) if document is None else document

    def json(self, obj: Any) -> str:
        """Masked compact JSON text of any object. Never raises."""
        return self.both(obj)[0]

    def both(self, obj: Any) -> tuple[str, Any]:
        """Masked JSON text, and the masked copy it shows; the copy is None when nothing had to be changed, so that
        the object itself may be read instead. Never raises."""
        try:
            text, faithful = encoded(obj)
            if self.mode == "off":
                return text, None if faithful else json.loads(text)
            groups = self._engine.hits(text)
            if not groups and not self._engine.always:
                return text, None if faithful else json.loads(text)
            counts: Counter[str] = Counter()
            document = self._engine.document(json.loads(text), groups, counts)
            self._report(counts)
            return (dumps(document), document) if +counts else (text, None if faithful else document)
        except Abandoned:
            raise
        except BaseException as error:  # noqa: BLE001 - a gate that fails stays shut
            record_failure("redact", error)
            return json.dumps(_FAILED), _FAILED

    def json_text(self, text: str) -> str:
        """The same for an object that is JSON text already. Never raises."""
        try:
            text = well_formed(text)
            if self.mode == "off" or not (self._engine.hits(text) or self._engine.always):
                return text
            return self.json(json.loads(text))
        except ValueError:
            return self.json(text)

    def find(self, text: str) -> tuple[str, list[tuple[str, int, int]]]:
        """The masked text, and what was found in the text as it was: name, begin, end; in order, without overlaps.

        The caller's own function is not asked: where it changed something is not known.
        """
        found = self._engine.find(text, self._engine.hits(text)) if self.mode != "off" else []
        return replaced(text, found, Counter()), [(name, start, end) for start, end, name in found]

    def prepare(self) -> None:
        """Make the gate now and not with the first text: it takes some 50 ms, once in a process."""
        if self.mode != "off":
            self._engine.hits("")

    @property
    def sees_everything(self) -> bool:
        """Whether a caller's own function has to see every text, each time."""
        return self._engine.has_custom

    def _report(self, counts: Counter[str]) -> None:
        if self._on_mask is not None:
            for name, count in counts.items():
                if count:
                    self._on_mask(name, count)


def without_pauses() -> None:
    """From now on redaction in this process does not let other threads go first: there is no agent in it."""
    never_give_way()


def _check_mode(mode: object) -> None:
    if mode not in MODES:
        raise SettingsError(
            f"SYNDARIX_OBS_REDACTION is {mode!r}; allowed are {', '.join(MODES)}. Example: SYNDARIX_OBS_REDACTION=all"
        )


def _checked(patterns: Mapping[str, str]) -> Mapping[str, str]:
    example = (
        "allowed are letters, digits, - and _ in names. "
        """Example: SYNDARIX_OBS_REDACTION_PATTERNS='{"order_number": "ORD-[0-9]{8}"}'"""
    )
    for name, regex in patterns.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise SettingsError(f"SYNDARIX_OBS_REDACTION_PATTERNS has the name {name!r}; {example}")
        try:
            re.compile(regex)
        except (re.error, TypeError, RecursionError, OverflowError) as error:
            raise SettingsError(
                f"SYNDARIX_OBS_REDACTION_PATTERNS has {name!r}: {regex!r}, which is no regular expression ({error}); "
                f"allowed is what Python's re module takes; {example}"
            ) from error
    return patterns


class RedactStep:
    """Masks what rides on a span, and turns attribute values that no destination takes into JSON text.

    Names, models, tools, agents come again with every span: what was found clean once is remembered and not searched
    again, unless a caller's own function is to see every text.

    Args:
        redactor: does the masking.
        names: the masked form of short names: of the library that opened the span, of the program it came from.
    """

    def __init__(self, redactor: Redactor, names: Callable[[str], str] | None = None) -> None:
        self._redactor = redactor
        self._names = names or redactor.text
        self._clean = None if redactor.sees_everything else CleanTexts()

    def __call__(self, span: FinishedSpan) -> None:
        """Change the span in place. One look at all its new texts together; almost always they are clean."""
        self._origin(span)
        clean = self._clean
        if clean is None or span.events or span.status_message:
            self._whole(span)
            return
        unknown = clean.unknown(span.name, span.attributes)
        for name in span.checked:
            unknown.pop(name, None)
        if unknown and self._redactor.both(unknown)[1] is not None:
            self._whole(span)
            return
        clean.remember(unknown)
        span.attributes = _exportable(span.attributes)
        span.correlation = NOTHING  # its fields are attributes by now, and nobody may export them unseen

    def _origin(self, span: FinishedSpan) -> None:
        scope, version = span.scope
        if scope != _OURS:
            span.scope = (self._names(scope), None if version is None else self._names(version))
        if span.resource is not None:
            service, environment = span.resource.service, span.resource.environment
            span.resource = replace(span.resource, service=self._names(service), environment=self._names(environment))

    def _whole(self, span: FinishedSpan) -> None:
        _, masked = self._redactor.both(_texts(span))
        if masked is not None:
            _put_back(span, masked)
        else:
            span.attributes = _exportable(span.attributes)
            if span.events:
                span.events = [replace(event, attributes=_exportable(event.attributes)) for event in span.events]
        span.correlation = NOTHING


def _texts(span: FinishedSpan) -> dict[str, Any]:
    return {
        "name": span.name,
        "status": span.status_message,
        "attributes": span.attributes,
        "events": [[event.name, event.attributes] for event in span.events],
    }


def _put_back(span: FinishedSpan, clean: Any) -> None:
    if not isinstance(clean, dict):  # the gate failed: keep ids and times, drop every text
        clean = {"name": _FAILED, "status": None, "attributes": {}, "events": []}
    span.name = clean["name"]
    span.status_message = clean["status"]
    span.attributes = _exportable(clean["attributes"])
    span.events = [
        SpanEvent(name, event.timestamp_ns, _exportable(attributes))
        for event, (name, attributes) in zip(span.events, clean["events"], strict=False)
    ]


def _exportable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with values as OpenTelemetry allows them: str, numbers, truth values and sequences of one of these."""
    return {
        key if type(key) is str else str(key): value if type(value) is str else _as_value(value)
        for key, value in attributes.items()
        if value is not None
    }


def _as_value(value: Any) -> Any:
    kind = type(value)
    if kind is int:
        return value if -_INT64 <= value < _INT64 else str(value)
    if kind is bool or kind is float:
        return value
    if isinstance(value, (list, tuple)):
        kinds = {type(item) for item in value}
        if len(kinds) <= 1 and kinds <= _PLAIN_TYPES:
            return tuple(value)
    text = dumps(value)
    return json.loads(text) if text.startswith('"') else text
