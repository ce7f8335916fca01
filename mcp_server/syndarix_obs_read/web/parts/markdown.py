"""Markdown as models write it, as elements: every text still goes through `el`, so that it can only ever be text.

It knows headings, lists, quotations, tables, code, emphasis and links to the web; anything else stays as it was.
Each line is looked at once, and no pattern can look further than its own line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from syndarix_obs_read.web.html import Child, Html, el, external, joined

_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_HEADING: Final = re.compile(r" {0,3}(#{1,6})\s+(.*)")
_ITEM: Final = re.compile(r"(\s*)(?:[-*+]|(\d{1,9})[.)])\s+(.*)")
_RULE: Final = re.compile(r" {0,3}(?:-{3,}|\*{3,}|_{3,})\s*")
_ROW: Final = re.compile(r"\s*\|.*\|\s*")
_ALIGNMENT: Final = re.compile(r"\s*\|[\s:|-]+\|\s*")
_INLINE: Final = re.compile(
    r"`([^`\n]{1,2000})`"
    r"|\*\*([^*\n]{1,2000})\*\*"
    r"|(?<![\w*])\*([^*\s][^*\n]{0,2000})\*(?!\w)"
    r"|\[([^\]\[\n]{1,300})\]\((https?://[^\s()]{1,2000})\)"
    r"|(https?://[^\s<>()\"'`]{1,2000}[^\s<>()\"'`.,;:!?])"
)  # fmt: skip
_MOST_COLUMNS: Final = 30


def rendered(text: str) -> Html:
    """A text as elements."""
    return el("div", _blocks(text.splitlines()), cls="markdown")


def _blocks(lines: list[str]) -> Iterator[Html]:
    at = 0
    while at < len(lines):
        line = lines[at]
        end = at + 1
        if fence := _FENCE.fullmatch(line):
            end = _end_of_fence(lines, at + 1, fence[1])
            yield el("pre", el("code", "\n".join(lines[at + 1 : end])), cls="code")
            end += 1
        elif heading := _HEADING.fullmatch(line):
            yield el("p", _inline(heading[2].rstrip("# ")), cls=f"h h{len(heading[1])}")
        elif _RULE.fullmatch(line):
            yield el("hr")
        elif _ROW.fullmatch(line) and at + 1 < len(lines) and _ALIGNMENT.fullmatch(lines[at + 1]):
            end = _while(lines, at, _ROW)
            yield _table(lines[at:end])
        elif _ITEM.fullmatch(line):
            end = _while(lines, at, _ITEM)
            yield _items(lines[at:end])
        elif line.lstrip().startswith(">"):
            end = next((i for i in range(at, len(lines)) if not lines[i].lstrip().startswith(">")), len(lines))
            yield el("blockquote", _inline("\n".join(each.lstrip()[1:].strip() for each in lines[at:end])))
        elif line.strip():
            end = next((i for i in range(at + 1, len(lines)) if not lines[i].strip() or _begins(lines[i])), len(lines))
            yield el("p", _inline("\n".join(lines[at:end])))
        at = end


def _begins(line: str) -> bool:
    """Whether a line begins a block of another kind."""
    return any(pattern.fullmatch(line) for pattern in (_FENCE, _HEADING, _ITEM, _RULE, _ROW)) or line.startswith(">")


def _while(lines: list[str], at: int, pattern: re.Pattern[str]) -> int:
    return next((i for i in range(at, len(lines)) if not pattern.fullmatch(lines[i])), len(lines))


def _end_of_fence(lines: list[str], at: int, mark: str) -> int:
    """Where a block of code ends; at the end of the text when nobody closed it."""
    return next((i for i in range(at, len(lines)) if lines[i].strip().startswith(mark)), len(lines))


def _items(lines: list[str]) -> Html:
    """A list; items further to the right than the first are set in by one step."""
    found = [match for line in lines if (match := _ITEM.fullmatch(line))]
    edge = len(found[0][1])
    return el("ul", (_item(each, inner=len(each[1]) > edge) for each in found))


def _item(match: re.Match[str], *, inner: bool) -> Html:
    number = match[2]
    cls = f"{'numbered' if number else ''} {'inner' if inner else ''}".strip() or None
    return el("li", f"{number}. " if number else None, _inline(match[3]), cls=cls)


def _table(lines: list[str]) -> Html:
    head, _, *rows = lines
    return el(
        "div",
        el("table", el("thead", _cells(head, "th")), el("tbody", (_cells(row, "td") for row in rows))),
        cls="scroll",
    )


def _cells(line: str, tag: str) -> Html:
    cells = line.strip().strip("|").split("|")[:_MOST_COLUMNS]
    return el("tr", (el(tag, _inline(cell.strip())) for cell in cells))


def _inline(text: str) -> Html:
    parts: list[Child] = []
    at = 0
    for match in _INLINE.finditer(text):
        parts += [text[at : match.start()], _span(match)]
        at = match.end()
    return joined([*parts, text[at:]])


def _span(match: re.Match[str]) -> Child:
    code, strong, emphasis, label, target, bare = match.groups()
    if code is not None:
        return el("code", code)
    if strong is not None:
        return el("strong", strong)
    if emphasis is not None:
        return el("em", emphasis)
    address = external(target or bare)
    return label or bare if address is None else el("a", label or bare, href=address, rel="noreferrer noopener")
