"""The page of the Python API, from signatures and docstrings: public names with types, units and errors."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any, Final

import syndarix_obs
from syndarix_obs import errors
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.metrics.user_metrics import UserCounter, UserGauge, UserHistogram
from syndarix_obs.platform import ObservabilityPlatform
from syndarix_obs.spans import operations, sessions

GROUPS: Final = {
    "Begin and end": ("from_env", "auto_instrument", "auto_uninstrument", "flush", "shutdown"),
    "Sessions and steps": (
        "session", "agent_session", "task", "llm", "embeddings", "tool", "tool_call", "call_tool", "memory",
        "retrieval", "context_assembly", "span",
    ),
    "What is said about them": ("decision", "safety_check", "annotate", "score", "outcome", "feedback"),
    "Threads and services": ("bind", "inject", "extract"),
    "Beside other libraries": (
        "span_processor", "capture_logs", "httpx_hooks", "httpx_async_hooks", "metrics", "registry",
    ),
    "Run again": ("replaying",),
    "Budgets": ("budget",),
}  # fmt: skip
"""Methods of the platform, in the order in which somebody needs them."""
OWN: Final = ("anomaly", "runtime")
"""Public for our own packages, and no part of the API: the watch records what it found, the tests look inside."""

_SECTION = re.compile(r"^(Args|Raises|Returns|Attributes|Yields):$")
_ITEM = re.compile(r"^ {4}(?P<name>[\w, ]+): (?P<text>.*)$")


def api() -> str:
    """Every public name."""
    return "\n\n".join(_parts())


def groups() -> dict[str, tuple[str, ...]]:
    """Every public method of the platform by group; one that has no place yet stands under "More"."""
    placed = {name for names in GROUPS.values() for name in names} | set(OWN)
    more = tuple(name for name in vars(ObservabilityPlatform) if not name.startswith("_") and name not in placed)
    return {**GROUPS, **({"More": more} if more else {})}


def _parts() -> Iterator[str]:
    for title, names in groups().items():
        yield f"## {title}"
        for name in names:
            yield _member(ObservabilityPlatform, name, "obs")
    yield "## What a block gives you"
    for kind in (*_public(sessions), *_public(operations)):
        yield _class(kind)
    yield "## Metrics of your own\n\nThrough `obs.metrics`; labels have few values, and names follow Prometheus' rules."
    yield from (_member(Metrics, name, "obs.metrics") for name in ("counter", "gauge", "histogram"))
    yield from (_class(kind) for kind in (UserCounter, UserGauge, UserHistogram))
    yield "## Errors\n\nRecording raises nothing into your program. Making a platform and replaying may raise these:"
    found = (each for each in vars(errors).values() if inspect.isclass(each) and each.__module__ == errors.__name__)
    yield "\n".join(f"- `{each.__name__}`: {_first_line(each)}" for each in found)


def _public(module: Any) -> list[type]:
    return [each for name, each in vars(module).items()
            if inspect.isclass(each) and each.__module__ == module.__name__ and not name.startswith("_")]  # fmt: skip


def _member(kind: type, name: str, called: str) -> str:
    found = inspect.getattr_static(kind, name)
    if isinstance(found, property):
        return f"### `{called}.{name}`\n\n{described(found.fget)}"
    function = getattr(kind, name)
    shown = f"```python\n{_signature(function, f'{called}.{name}')}\n```"
    also = "Also a function of the package." if called == "obs" and name in syndarix_obs.__all__ else ""
    return "\n\n".join(filter(None, (f"### `{called}.{name}`", shown, described(function), also)))


def _class(kind: type) -> str:
    methods = [name for name, value in vars(kind).items() if inspect.isfunction(value) and not name.startswith("_")]
    lines = [f"### `{kind.__name__}`", described(kind)]
    shown = (f"- `{_signature(getattr(kind, name), name)}`: {_first_line(getattr(kind, name))}" for name in methods)
    return "\n\n".join(filter(None, (*lines, "\n".join(shown))))


def _signature(function: Any, called: str) -> str:
    found = inspect.signature(function)
    kept = [each for each in found.parameters.values() if each.name not in ("self", "cls")]
    text = str(found.replace(parameters=kept)).replace("'", "")
    return f"{called}{re.sub(r'(collections.abc|typing|syndarix_obs(.[a-z_]+)*|contextlib)[.]', '', text)}"


def _first_line(about: Any) -> str:
    return " ".join((inspect.getdoc(about) or "").split("\n\n")[0].split())


def described(about: Any) -> str:
    """A docstring as Markdown: paragraphs as they are, sections as lists."""
    lines: list[str] = []
    for line in textwrap.dedent(inspect.getdoc(about) or "").splitlines():
        if _SECTION.match(line):
            lines += [f"*{line[:-1]}*", ""]
        elif item := _ITEM.match(line):
            lines.append(f"- `{item['name']}`: {item['text']}")
        elif line.startswith("    ") and lines and lines[-1].startswith(("- ", "  ")):
            lines.append(f"  {line.strip()}")
        elif line.startswith("    "):
            lines.append(line.strip())
        else:
            lines.append(line)
    return "\n".join(lines)
