"""Strings that nobody else could have written, in the forms in which they get into records, and a search for them."""

from __future__ import annotations

import base64
import gzip
import json
import urllib.parse
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COUNT = 200
_HALF = 9


def canaries(count: int = COUNT) -> list[str]:
    """Unique strings with quotes and spaces, so that escaping changes them."""
    return [f'kanarie-{number:04d} "zq{number * 7919 % 100003:05d}x" ende' for number in range(count)]


def encodings(text: str) -> dict[str, Any]:
    """One string in twelve encodings; a list stands for texts of several messages."""
    raw = text.encode()
    return {
        "plain": text,
        "json": json.dumps(text),
        "json twice": json.dumps(json.dumps(text)),
        "base64": base64.b64encode(raw).decode(),
        "base64 +1": base64.b64encode(b"a" + raw).decode(),
        "base64 +2": base64.b64encode(b"ab" + raw).decode(),
        "url": urllib.parse.quote(text),
        "utf-16": base64.b64encode(text.encode("utf-16-le")).decode(),
        "gzip": base64.b64encode(gzip.compress(raw, mtime=0)).decode(),
        "zlib": base64.b64encode(zlib.compress(raw)).decode(),
        "upper": text.upper(),
        "split": [text[:_HALF], text[_HALF:]],
    }


def needles(texts: list[str]) -> list[bytes]:
    """What must not be found: every form as bytes, as it stands and within a JSON string."""
    found: dict[bytes, None] = {}
    for text in texts:
        for form in encodings(text).values():
            for part in form if isinstance(form, list) else [form]:
                if part == text[:_HALF]:
                    part = text[: _HALF + 3]  # the head alone would be any number
                for shape in (part, json.dumps(part)[1:-1]):
                    found[shape.encode()] = None
                    found[shape.encode("utf-16-le")] = None
    return list(found)


def say(obs: Any, user: str, texts: list[str], session: str) -> None:
    """One session of a user in which every text is said in every encoding: in messages, tool results and reasons."""
    with obs.session(agent="support", user=user, session_id=session, project="acme"):
        for text in texts:
            forms = encodings(text)
            messages = [
                {"role": "user", "content": part}
                for form in forms.values()
                for part in (form if isinstance(form, list) else [form])
            ]
            usage = {"prompt_tokens": 1000 + len(text), "completion_tokens": 77}
            with obs.llm(provider="openai", model="gpt-4o", messages=messages) as call:
                call.response(messages=[{"role": "assistant", "content": text}], usage=usage, finish_reason="stop")
            with obs.tool("lookup", arguments={"q": text}) as tool:
                tool.result({"found": list(forms.values())})
            obs.decision("tool_selection", options=["lookup", text], selected="lookup", reasoning=text)


def files_with(needle_list: list[bytes], paths: Iterator[Path] | list[Path]) -> dict[str, int]:
    """Hits by file, in the bytes and in everything compressed in them."""
    from syndarix_obs_read.privacy.scan import scan

    return dict(scan(paths, needle_list).hits)
