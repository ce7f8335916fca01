"""LogQL over our lines: labels and structured metadata from the vocabulary, the rest as text of the JSON line.

Filters on fields inside the line only narrow down what is fetched (a payload may hold the same characters); whoever
reads the lines checks the field itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import LARGEST_NS, Filter
from syndarix_obs_read.backends.stack.queries.quoting import any_of, literal, quoted, sendable

HEAD_CHARS: Final = 2_500
"""Characters of a line that hold every field before the payload, unless an error message is long."""
SEPARATOR: Final = "\x1f"
"""What stands between fields. A text that holds it itself makes a line of too many fields."""
_BETWEEN: Final = r"\x1f"
ONLY_LEVEL: Final = "| keep level"
"""Stage that leaves all labels out of the answer but the one that does not stand in the line."""

_OF_FAILURES: Final = ("error", "critical")
"""Levels of what failed, but for safety checks: streams of few lines."""
_METADATA: Final = ("trace_id", "session_id", "agent", "project", "user", "task_type", "model", "tool")
_IN_LINE: Final = ("status", "decision_type", "agent_type")
"""Filters that are fields of the line alone."""
_OF_ONE_LENGTH: Final = ("trace_id", "span_id")
_MARGIN: Final = 1e-6
_READ: Final = "field_"


def cut(chars: int) -> str:
    """Stage: only so many characters of each line."""
    return f'| line_format "{{{{ __line__ | trunc {chars} }}}}"'


HEAD: Final = cut(HEAD_CHARS)
"""Stage that cuts the payload off."""


def selector(**labels: str | Sequence[str]) -> str:
    """A stream selector; a sequence means one of its values.

    Raises:
        ValueError: a name is no label of ours, or nothing would be selected by.
    """
    unknown = set(labels) - set(v.LOKI_LABELS)
    if unknown or not labels:
        raise ValueError(f"not among the labels {', '.join(v.LOKI_LABELS)}: {', '.join(sorted(unknown)) or 'nothing'}")
    return "{" + ", ".join(_matcher(name, value) for name, value in labels.items()) + "}"


def _matcher(name: str, value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return f"{name}={quoted(value)}"
    return f"{name}={quoted(value[0])}" if len(value) == 1 else f"{name}=~{quoted(any_of(value))}"


def lines(where: Filter, kinds: Sequence[str]) -> str:
    """Lines of these kinds that fit everything in the filter but `since_ns`; see above for fields inside the line."""
    labels: dict[str, str | Sequence[str]] = {"kind": tuple(kinds)}
    if where.service is not None:
        labels["service_name"] = where.service
    if where.environment is not None:
        labels["environment"] = where.environment
    levels = set(where.levels())
    if where.status == v.STATUS_ERROR and v.KIND_SAFETY not in kinds:
        levels &= set(_OF_FAILURES)
    if len(levels) < len(v.LEVELS):
        labels["level"] = tuple(level for level in v.LEVELS if level in levels)
    stages = [*_contained(where), *_metadata(where), *_numbers(where, kinds)]
    return " ".join([selector(**labels), *stages])


def running(query: str) -> str:
    """Further narrowed to lines that say of a session that it runs; others may hold the same characters."""
    return f"{query} |= {quoted(_field('status', v.STATUS_RUNNING))}"


def record_ids(query: str) -> str:
    """The lines of spans as their record ids alone, which are made of structured metadata: no line is read for them."""
    return f'{query} | line_format "{{{{.trace_id}}}}:{{{{.span_id}}}}" {ONLY_LEVEL}'


def ended(query: str) -> str:
    """Further narrowed to lines that say how something ended."""
    return f'{query} | json state="status" | state != {quoted(v.STATUS_RUNNING)}'


def among(name: str, values: Sequence[str]) -> str:
    """Stage: the structured metadata `name` is one of the values, as they are or with JSON's escapes.

    Loki 3.4 stores structured metadata without undoing the escapes of the JSON that it came in.
    """
    if name not in v.LOG_METADATA:
        raise ValueError(f"{name} is not among the structured metadata {', '.join(v.LOG_METADATA)}")
    forms = tuple(dict.fromkeys(form for value in values for form in (value, _escaped(value))))
    if len(forms) == 1:
        return f"| {name}={quoted(forms[0])}"
    # Loki takes `a|b` in such a filter as "contains a or b". Ids of one length do not contain each other, and are found
    # in half the time so; of other texts, one may begin like another.
    expression = any_of(forms) if name in _OF_ONE_LENGTH else f"^(?:{any_of(forms)})$"
    return f"| {name}=~{quoted(expression)}"


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def beginning(name: str, text: str) -> str:
    """Stage: the structured metadata `name` begins with the text."""
    # Loki 3.4 reads `x.*` in a filter as "contains x", against its own documentation: the anchor must be written.
    return f"| {name}=~{quoted('^' + literal(text) + '.*')}"


def columns(query: str, fields: Sequence[str], texts: Sequence[str] = (), labels: Sequence[str] = ()) -> str:
    """The lines as numbers and ids only: these fields of the record, with a space between them.

    `texts` are further fields, and `labels` labels of the stream, that become labels of the answer, where any text is
    safe; `fields_of` says which fields such labels are. A missing field is empty.
    """
    paths = ", ".join(f'{label_of(name)}="{name}"' for name in (*fields, *texts))
    shown = " ".join(f"{{{{.{label_of(name)}}}}}" for name in fields)
    kept = ", ".join((*labels, *map(label_of, texts))) or "level"
    # What is not kept goes before the template too, which is handed all labels with every line.
    early = ", ".join(labels) or "level"
    return f'{query} | keep {early} | json {paths} | line_format "{shown}" | keep {kept}'


def separated(query: str, fields: Sequence[str]) -> str:
    """The lines as these fields of the record, any text, with `SEPARATOR` between them. A missing field is empty."""
    paths = ", ".join(f'{label_of(name)}="{name}"' for name in fields)
    shown = _BETWEEN.join(f"{{{{.{label_of(name)}}}}}" for name in fields)
    return f'{query} {ONLY_LEVEL} | json {paths} | line_format "{shown}" {ONLY_LEVEL}'


def label_of(name: str) -> str:
    """The label that a field of the line is read into. Structured metadata of the same name would win over it, and
    that is not to be shown: Loki 3.4 keeps its quotes and line breaks as the escapes that they arrived in."""
    return _READ + name


def fields_of(labels: Mapping[str, str]) -> dict[str, str | None]:
    """An answer's labels by field; a field that a line does not have is None."""
    return {label.removeprefix(_READ): value or None for label, value in labels.items()}


def count_by(query: str, name: str, seconds: int) -> str:
    """Metric query: how many lines for each value of a field, under the label `label_of(name)`."""
    read = f'| json {label_of(name)}="{name}"'
    return f"sum by ({label_of(name)}) (count_over_time({query} {read} [{seconds}s]))"


def needles(text: str) -> list[str]:
    """The text as it may stand in a line: between JSON's signs, inside a string, inside JSON inside a string."""
    text = sendable(text)
    once = _escaped(text)
    return list(dict.fromkeys((text, once, _escaped(once))))


def _contained(where: Filter) -> list[str]:
    fields = {name: getattr(where, name) for name in _IN_LINE}
    stages = [f"|= {quoted(_field(name, value))}" for name, value in fields.items() if value is not None]
    if where.looped:
        stages.append(f"|= {quoted(json.dumps('loop_count') + ':')}")
    if where.text:
        stages.append(f"|~ {quoted('(?i)' + any_of(needles(where.text)))}")
    return stages


def _field(name: str, value: str) -> str:
    return f"{json.dumps(name)}:{json.dumps(value.encode('utf-8', 'replace').decode(), ensure_ascii=False)}"


def _metadata(where: Filter) -> list[str]:
    return [among(name, (value,)) for name in _METADATA if (value := getattr(where, name)) is not None]


def _numbers(where: Filter, kinds: Sequence[str]) -> list[str]:
    stages = []
    if where.until_ns < LARGEST_NS:  # Loki reads numbers as floats, to 256 ns at this size
        stages.append(f'| json begun="start_ns" | begun < {where.until_ns + 1_000}')
    if where.min_duration_ns is not None:
        least = where.min_duration_ns / 1e6
        # What still runs has no duration yet.
        longer = f"least_ms >= {_number(least - abs(least) * _MARGIN)} or state = {quoted(v.STATUS_RUNNING)}"
        stages.append(f'| json least_ms="duration_ms", state="status" | {longer}')
    if where.min_cost_usd is not None:
        field = "total_cost_usd" if tuple(kinds) == (v.KIND_COST,) else "cost_usd"
        least = float(where.min_cost_usd)
        stages.append(f'| json least_usd="{field}" | least_usd >= {_number(least - abs(least) * _MARGIN)}')
    return stages


def _number(value: float) -> str:
    """A number in plain digits: LogQL reads `1e-05` as a word."""
    return format(value, ".12f")
