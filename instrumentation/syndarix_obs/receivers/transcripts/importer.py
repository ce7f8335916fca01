"""`Importer`: transcripts into the pipeline, each call once, whatever was read before."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from syndarix_obs import vocabulary as v
from syndarix_obs.errors import StoreError
from syndarix_obs.receivers.events import trace_of
from syndarix_obs.receivers.transcripts.claude import ClaudeReader
from syndarix_obs.receivers.transcripts.codex import CodexReader
from syndarix_obs.receivers.transcripts.gemini import GeminiReader
from syndarix_obs.receivers.transcripts.items import SCOPE, Item, Unknown
from syndarix_obs.receivers.transcripts.memory import FileState, Known, Memory
from syndarix_obs.receivers.transcripts.reader import Reader, Source
from syndarix_obs.receivers.transcripts.reading import has_news, row_at, rows
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.resource import Resource

if TYPE_CHECKING:
    from syndarix_obs.pipeline.pipeline import Pipeline
    from syndarix_obs.pipeline.runtime import Runtime

Tool = Literal["claude-code", "codex", "gemini"]
IDLE_NS: Final = 30 * 60 * 1_000_000_000
"""A session in which nothing has happened for so long is over: transcripts tell of no end."""
_BATCH: Final = 1_000
_SAFE_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Form:
    """Where a tool keeps its transcripts, and who reads them."""

    variable: str
    folder: str
    patterns: tuple[str, ...]
    reader: Callable[[Source], Reader]


_FORMS: Final[Mapping[Tool, _Form]] = {
    "claude-code": _Form("CLAUDE_CONFIG_DIR", ".claude", ("projects/**/*.jsonl",), ClaudeReader),
    "codex": _Form(
        "CODEX_HOME", ".codex", ("sessions/**/rollout-*.jsonl*", "archived_sessions/**/rollout-*.jsonl*"), CodexReader
    ),
    "gemini": _Form("GEMINI_HOME", ".gemini", ("tmp/*/chats/**/*.json", "tmp/*/chats/**/*.jsonl"), GeminiReader),
}


@dataclass(slots=True)
class Taken:
    """What one pass over the files found.

    `copies` are things that were known already, `grown` calls whose usage was told again with other numbers. `unknown`
    counts rows that were not understood by what they call themselves, `unreadable` names files with the reason.
    """

    files: int = 0
    calls: int = 0
    grown: int = 0
    copies: int = 0
    tools: int = 0
    refusals: int = 0
    sessions: set[str] = field(default_factory=set)
    unknown: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)


def transcripts(tool: Tool, paths: Iterable[Path] = (), home: Path | None = None) -> list[Path]:
    """The transcripts of a tool, oldest first; a parent before those that were split off from it.

    Args:
        paths: files and folders to look at in place of where the tool keeps them.
        home: of the user, for tests.
    """
    form = _FORMS[tool]
    given = [path.expanduser() for path in paths]
    if given:
        found = [each for path in given for each in (_within(path) if path.is_dir() else [path])]
    else:
        base = Path(os.environ.get(form.variable) or (home or Path.home()) / form.folder)
        found = [path for pattern in form.patterns for path in base.glob(pattern)]
    return sorted(set(found), key=lambda path: (path.name.startswith("agent-"), _changed(path), str(path)))


def _within(folder: Path) -> Iterator[Path]:
    return (each for pattern in ("**/*.jsonl*", "**/*.json") for each in folder.glob(pattern) if each.is_file())


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


class Importer:
    """Takes transcripts of one tool, again and again.

    Args:
        runtime: of the platform whose pipeline, price book and destinations are used.
        tool: whose transcripts.
        memory: what was taken before.
    """

    def __init__(self, runtime: Runtime, tool: Tool, memory: Memory) -> None:
        runtime.take_reports()
        self._runtime = runtime
        self._tool: Tool = tool
        self._memory = memory
        self._resource = Resource(tool, runtime.resource.environment)
        self._sessions = memory.sessions()
        self._new: list[FinishedSpan] = []
        self._batch: list[FinishedSpan] = []

    def take(self, paths: Iterable[Path]) -> Taken:
        """Read what is new in these files, and bring it to safety.

        Raises:
            StoreError: it could not be stored in time; the next call reads it again.
        """
        taken = Taken()
        for path in paths:
            try:
                self._file(path, taken)
            except OSError as error:
                taken.unreadable[str(path)] = error.strerror or str(error)
        self._settle()
        return taken

    def end_sessions(self, *, idle_ns: int = IDLE_NS, now_ns: int | None = None) -> None:
        """End sessions in which nothing has happened for long."""
        now = time.time_ns() if now_ns is None else now_ns
        over = [name for name, about in self._sessions.items() if now - about["end"] >= idle_ns]
        self._batch += [self._root(name, self._sessions.pop(name)) for name in over]
        self._settle(over)

    def _file(self, path: Path, taken: Taken) -> None:
        found = self._memory.file(path)
        if not has_news(path, found):
            return
        taken.files += 1
        unknown = Unknown()
        source = Source(path, found.state, self._memory.agents, lambda offset: row_at(path, offset))
        reader = _FORMS[self._tool].reader(source)
        for offset, row in rows(path, found, unknown):
            for item in self._fed(reader, row, offset, unknown):
                self._item(item, path, taken)
            if len(self._batch) >= _BATCH:
                self._checkpoint(reader, path, found, taken)
        for item in reader.end():
            self._item(item, path, taken)
        taken.unknown += unknown.rows + reader.unknown.rows
        self._memory.note_file(path, found)

    def _checkpoint(self, reader: Reader, path: Path, found: FileState, taken: Taken) -> None:
        """A long file is brought to safety in parts."""
        for item in reader.end():
            self._item(item, path, taken)
        self._memory.note_file(path, found)
        self._settle()

    def _fed(self, reader: Reader, row: Mapping[str, Any], offset: int, unknown: Unknown) -> list[Item]:
        """A row of a form that nobody knows must not hide the others."""
        try:
            return reader.feed(row, offset)
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            unknown.add(f"{row.get('type')} ({type(error).__name__})")
            return []

    def _item(self, item: Item, path: Path, taken: Taken) -> None:
        keys = (item.key, *item.same)
        known = self._memory.known(keys)
        if known is None:
            self._memory.note(keys, item.start_ns, path, [item.usage] if item.grows else [])
            self._batch.append(item.span(self._tool, self._resource))
            self._in_session(item)
            taken.sessions.add(item.session)
            _count(taken, item)
        elif item.grows and self._has_grown(item, known, path):
            self._again(item, known)
            self._memory.note(keys, known.start_ns, path, [*known.usages, item.usage])
            taken.grown += 1
        else:
            taken.copies += 1

    def _has_grown(self, item: Item, known: Known, path: Path) -> bool:
        """Its own file tells the last word; a copy may only tell more."""
        if not known.usages or known.usages[-1] == item.usage:
            return False
        return known.source == self._memory.digest(str(path)) or _output(item.usage) > _output(known.usages[-1])

    def _again(self, item: Item, known: Known) -> None:
        """Tell every form of a call in order: the ledger takes back the one before, and knows those it has seen."""
        item.start_ns = known.start_ns
        forms = [*known.usages, item.usage]
        told = len(forms) - 1 if self._runtime.shares else 0  # the store knows the others
        for number, usage in list(enumerate(forms))[told:]:
            span = item.span(self._tool, self._resource, usage)
            span.start_ns = known.start_ns
            span.revises = number
            self._batch.append(span)

    def _in_session(self, item: Item) -> None:
        start = item.start_ns or item.end_ns
        about = self._sessions.get(item.session)
        if about is None:
            project = item.place.repository
            about = self._sessions[item.session] = {"start": start, "end": item.end_ns, "project": project}
            self._new.append(self._root(item.session, about))
        about["end"] = max(about["end"], item.end_ns)

    def _root(self, session: str, about: Mapping[str, Any]) -> FinishedSpan:
        trace_id, root = trace_of(self._tool, session)
        attributes = {
            v.SESSION_ID: session, v.GEN_AI_AGENT_NAME: self._tool, v.KIND: v.KIND_SESSION, v.AGENT_TYPE: "coding",
        }  # fmt: skip
        if about["project"]:
            attributes[v.PROJECT] = about["project"]
        return FinishedSpan(
            name=f"session {self._tool}", trace_id=trace_id, span_id=root, start_ns=about["start"],
            end_ns=about["end"], attributes=attributes, scope=(SCOPE, None), resource=self._resource,
        )  # fmt: skip

    def _settle(self, over: Iterable[str] = ()) -> None:
        """Bring the batch into the store, then remember that it is there."""
        roots, self._new = self._new, []
        spans, self._batch = self._batch, []

        def on_worker(pipeline: Pipeline) -> None:
            for root in roots:
                pipeline.session_started(root)
            pipeline.process([span for span in spans if not span.revises])
            for span in spans:
                if span.revises:  # one after the other: each takes the one before it back
                    pipeline.process([span])

        if roots or spans:
            self._runtime.submit(on_worker)
            if not self._runtime.flush(_SAFE_WITHIN_S):
                raise StoreError("not stored yet: the store or a destination is busy; run the same command again")
        self._memory.note_sessions(self._sessions, list(over))
        self._memory.commit()


def _count(taken: Taken, item: Item) -> None:
    if item.usage:
        taken.calls += 1
    elif item.key.startswith("tool\0"):
        taken.tools += 1
    elif item.key.startswith("permission\0"):
        taken.refusals += 1


def _output(usage: Any) -> int:
    found = usage.get("output_tokens", usage.get("candidatesTokenCount")) if isinstance(usage, dict) else None
    return found if isinstance(found, int) else 0
