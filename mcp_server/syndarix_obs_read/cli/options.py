"""Options that commands share, as dataclasses: a command names the groups it takes, and gets one object for each."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.completing import completed
from syndarix_obs_read.cli.exit_codes import quiet_exit
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.timerange import EXAMPLES, parse_duration

_OUTPUT, _TIME, FILTERS = "Output and source", "Time", "Filters"


def _filter(flag: str, help_text: str, *more: str) -> Any:
    return typer.Option(flag, *more, help=help_text, rich_help_panel=FILTERS)


@dataclass(frozen=True, slots=True)
class Common:
    """What every command takes."""

    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the answer as JSON, amounts as exact strings.", rich_help_panel=_OUTPUT),
    ] = False
    backend: Annotated[
        str | None,
        typer.Option(help="embedded (the SQLite file) or stack (its servers).", rich_help_panel=_OUTPUT),
    ] = None
    home: Annotated[
        Path | None, typer.Option(help="Folder of the SQLite file.", rich_help_panel=_OUTPUT, show_default=False)
    ] = None
    archive: Annotated[
        bool, typer.Option("--archive", help="Answer from archived days, too.", rich_help_panel=_OUTPUT)
    ] = False


@dataclass(frozen=True, slots=True)
class When:
    """The time that a question is about."""

    since: Annotated[
        str | None, typer.Option(help=f"From when on: {EXAMPLES}. Default: 24h.", rich_help_panel=_TIME)
    ] = None
    until: Annotated[str | None, typer.Option(help="Up to when; a day counts to its end.", rich_help_panel=_TIME)] = (
        None
    )


@dataclass(frozen=True, slots=True)
class Rows:
    """How much of a list is shown."""

    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=1, help="Most rows to show. Default: 50.", rich_help_panel=_OUTPUT),
    ] = None


@dataclass(frozen=True, slots=True)
class Who:
    """Whose work it was."""

    agent: Annotated[str | None, _filter("--agent", "Name of the agent.")] = None
    project: Annotated[str | None, _filter("--project", "Project that pays.")] = None
    user: Annotated[str | None, _filter("--user", "User: the raw id or the pseudonym that answers show.")] = None
    session: Annotated[str | None, _filter("--session", "Id of the session.")] = None
    task_type: Annotated[str | None, _filter("--task-type", "Type of the task.")] = None
    service: Annotated[str | None, _filter("--service", "Service that emitted it.")] = None
    environment: Annotated[str | None, _filter("--environment", "Environment of the service.")] = None

    def as_filter(self) -> dict[str, Any]:
        """Fields of a `Filter`."""
        found = dataclasses.asdict(self)
        found["session_id"] = found.pop("session")
        return found


@dataclass(frozen=True, slots=True)
class What:
    """What it did."""

    status: Annotated[str | None, _filter("--status", "ok, error or running.")] = None
    model: Annotated[str | None, _filter("--model", "A model that it called.")] = None
    tool: Annotated[str | None, _filter("--tool", "A tool that it called.")] = None
    grep: Annotated[str | None, _filter("--grep", "Text anywhere in names, errors and payloads.", "--text", "-g")] = (
        None
    )
    min_duration: Annotated[str | None, _filter("--min-duration", "At least this long: 1.5s, 250ms, 2m.")] = None
    min_cost: Annotated[str | None, _filter("--min-cost", "At least this many dollars: 0.05.")] = None
    looped: Annotated[bool, _filter("--looped", "Only with a detected loop.")] = False

    def as_filter(self) -> dict[str, Any]:
        """Fields of a `Filter`."""
        found = dataclasses.asdict(self)
        duration, cost, text = found.pop("min_duration"), found.pop("min_cost"), found.pop("grep")
        return {
            **found,
            "text": text,
            "min_duration_ns": None if duration is None else parse_duration(duration),
            "min_cost_usd": None if cost is None else _amount(cost),
        }


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or amount < 0:
        raise FilterError(f"cannot read the amount {text!r}; examples: 0.05, 12")
    return amount


def filter_of(*groups: Who | What, **more: Any) -> Filter:
    """The filter that some groups of options say."""
    found: dict[str, Any] = {}
    for group in groups:
        found |= group.as_filter()
    return Filter(**{name: value for name, value in (found | more).items() if value is not None})


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option per field of each dataclass among its parameters.

    Typer reads the signature that is put together here; the command gets the dataclasses.
    """
    hints = get_type_hints(command, include_extras=True)
    hints.pop("return", None)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if dataclasses.is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in groups:
            parameters += _parameters_of(groups[name])
        else:
            annotation = _with_completion(name, hints[name])
            parameters.append(parameter.replace(annotation=annotation, kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def called(**values: Any) -> None:
        filled = {
            name: kind(**{field.name: values.pop(field.name) for field in dataclasses.fields(kind)})
            for name, kind in groups.items()
        }
        with quiet_exit():
            command(**filled, **values)

    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # the documented way to set one
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del called.__wrapped__  # else the signature of the original would count
    return called


def _parameters_of(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=_with_completion(field.name, hints[field.name]),
        )
        for field in dataclasses.fields(group)
    ]


def _with_completion(name: str, annotation: Any) -> Any:
    """The annotation of a parameter, whose part for Typer says what the shell offers after Tab."""
    for info in getattr(annotation, "__metadata__", ()):
        completed(name, info)
    return annotation


Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what arrives, until Ctrl-C.")]

MOST_STEPS = 500
"""Steps of a trace that are shown without `--limit`: whole traces, all but the largest."""

TraceId = Annotated[str, typer.Argument(metavar="TRACE", help="Id of the trace, or a unique beginning of it.")]
