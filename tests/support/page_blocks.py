"""The blocks of a page of documentation: what is run, what a block should print, and why another one is not run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RUN = ("console", "python")
"""Languages of blocks that are run: commands after `$ ` with what they print, and whole programs."""
SHOWN = ("text", "yaml", "json", "ini", "toml", "mermaid", "http", "javascript", "markdown")
"""Languages of blocks that only show something."""

_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.{10,}) -->")
_FILE = re.compile(r"# (?P<name>[\w/]+\.(?:py|yml|json))$")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Args:
        page: file that it stands in.
        line: number of the line with the fence.
        language: after the fence.
        text: what is inside.
        not_run: the reason that stands above it, if it is not run.
    """

    page: Path
    line: int
    language: str
    text: str
    not_run: str | None = None

    @property
    def where(self) -> str:
        """Page and line, to be found at once."""
        return f"{self.page.name}:{self.line}"

    @property
    def file(self) -> str | None:
        """Name of the file that a program says it is in its first line; such a program is written, not run."""
        found = _FILE.match(self.text.split("\n", 1)[0])
        return found["name"] if found else None

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """Commands, each with the lines that it should print."""
        command, printed = "", list[str]()
        for line in self.text.splitlines():
            if command.endswith("\\"):
                command = command[:-1] + line.strip()
            elif line.startswith("$ "):
                if command:
                    yield command, printed
                command, printed = line[2:], []
            else:
                printed.append(line)
        if command:
            yield command, printed


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, in order."""
    above, inside, start = "", None, 0
    language = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if inside is None and line.startswith("```"):
            inside, start, language = [], number, line[3:].strip()
        elif inside is not None and line.startswith("```"):
            reason = _NOT_RUN.search(above)
            yield Block(page, start, language, "\n".join(inside), reason["reason"] if reason else None)
            inside, above = None, ""
        elif inside is not None:
            inside.append(line)
        elif line.strip():
            above = line


_ANSI = re.compile(r"\x1b\[[\d;]*m")
_SAME = (
    (re.compile(r"(?<!\.)\b[0-9a-f]{8,32}\b"), "ID"),
    (re.compile(r"\bu_\w{16}\b"), "USER"),
    (re.compile(r"\breplay-[0-9a-f]{12}\b"), "REPLAY"),
    (re.compile(r"\b(\d{4}-)?\d\d-\d\d( \d\d:\d\d(:\d\d)?)?\b"), "TIME"),
    (re.compile(r"\s+"), " "),
)


def alike(line: str) -> str:
    """A line without what differs from run to run: ids, times, colours, the width of gaps."""
    line = _ANSI.sub("", line)
    for pattern, name in _SAME:
        line = pattern.sub(name, line)
    return line.strip()


def missing(printed: str, expected: list[str]) -> str | None:
    """The first expected line that was not printed, in order; `…` stands for anything, also for further lines."""
    lines = iter([alike(line) for line in printed.splitlines()])
    for wanted in expected:
        if not wanted.strip() or wanted.strip() == "…":
            continue
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in alike(wanted).split("…")))
        if not any(pattern.search(line) for line in lines):
            return wanted
    return None
