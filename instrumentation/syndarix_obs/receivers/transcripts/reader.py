"""What the readers of the three forms share: state that is kept between runs, tools that are still open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from syndarix_obs.receivers.transcripts.items import Item, Unknown, moment, refusal, tool_call

_MOST_OPEN: Final = 200
_SAID: Final = "the user said:"


@dataclass(slots=True)
class Source:
    """The file that a reader reads.

    `state` is what the reader has to know when it goes on later: JSON. `again` gives a row by its offset once more.
    `agents` names sub-agents by their id; readers add to it.
    """

    path: Path
    state: dict[str, Any] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)
    again: Callable[[int], Mapping[str, Any] | None] = lambda _: None


class Reader(Protocol):
    """Turns rows of one file into items, in their order."""

    unknown: Unknown

    def __init__(self, source: Source) -> None: ...

    def feed(self, row: Mapping[str, Any], offset: int) -> list[Item]:
        """Take one row; `offset` is where it begins in the file."""
        ...

    def end(self) -> list[Item]:
        """What stands now that nothing more is there to read."""
        ...


class OpenTools:
    """Tool calls whose result has not come yet. Arguments stay in the file, and are read again with the result."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._open: dict[str, list[Any]] = source.state.setdefault("tools", {})

    def begin(self, call_id: str, name: str, at_ns: int, offset: int, **about: Any) -> None:
        """A tool was called."""
        self._open[call_id] = [name, at_ns, offset, about]
        while len(self._open) > _MOST_OPEN:
            self._open.pop(next(iter(self._open)))

    def about(self, call_id: str) -> dict[str, Any]:
        """What was said about an open call."""
        found = self._open.get(call_id)
        return dict(found[3]) if found is not None else {}

    def finish(
        self,
        call_id: str,
        session: str,
        end_ns: int,
        result: Any,
        arguments: Callable[[Mapping[str, Any]], Any],
        *,
        error: str | None,
        refused: bool,
    ) -> list[Item]:
        """The result came: the call, or the refusal. A result without its call is nothing.

        Args:
            arguments: takes the row in which the call stands, and gives its arguments.
            error: the error's text, None when it went well.
            refused: the call was not allowed.
        """
        found = self._open.pop(call_id, None)
        if found is None:
            return []
        name, start_ns, offset, _ = found
        if refused:
            return [refusal(name, call_id, session, end_ns, _reason(error or str(result)))]
        row = self._source.again(offset)
        made = tool_call(
            name, call_id, session, end_ns, arguments=None if row is None else arguments(row), result=result
        )
        made.start_ns, made.error = start_ns, error
        return [made]


def _reason(text: str) -> str:
    """What the person said, else the first sentence."""
    _, _, said = text.partition(_SAID)
    return (said.strip() or text.partition(". ")[0])[:500]


def at(row: Mapping[str, Any], otherwise: int) -> int:
    """The time of a row, `otherwise` when it tells none."""
    return moment(row.get("timestamp")) or otherwise


def part(value: Any) -> Mapping[str, Any]:
    """A mapping as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def words(value: Any) -> str | None:
    """A text that is not empty, else None."""
    return value if isinstance(value, str) and value else None
