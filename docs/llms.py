"""`llms.txt`: the documentation in one list, for assistants that read a site (the format of llmstxt.org)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "llms.txt"
SECTIONS: Final = {"Guides": "guides", "Concepts": "concepts", "Reference": "reference", "More": "."}
_DROPPED = re.compile(r"<!--.*?-->", re.DOTALL)


def llms_txt() -> str:
    """Title, two sentences, and every page with its first sentence."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# syndarix-obs"
    yield ""
    for line in (ROOT / "README.md").read_text("utf-8").split("\n\n")[1].splitlines():
        yield f"> {line}"
    for title, folder in SECTIONS.items():
        yield from ("", f"## {title}", "")
        for page in sorted((ROOT / "docs" / folder).glob("*.md")):
            heading, about = _about(page)
            yield f"- [{heading}]({page.relative_to(ROOT).as_posix()}): {about}"


def _about(page: Path) -> tuple[str, str]:
    """A page's heading and the first sentence under it."""
    parts = [part.strip() for part in _DROPPED.sub("", page.read_text("utf-8")).split("\n\n")]
    heading = parts[0].removeprefix("# ")
    text = next(part for part in parts[1:] if part and not part.startswith(("#", "```", "|", "!", "$")))
    sentence = re.split(r"(?<=[.])\s", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(text.split())))[0]
    return heading, sentence
