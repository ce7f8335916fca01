"""Writes the generated blocks of the documentation; with --check only says which are stale.

A block stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`; everything around it is written by hand.

    python docs/generate.py            write
    python docs/generate.py --check    exit with 1 if a block is stale
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from syndarix_obs import settings as write_settings
from syndarix_obs import vocabulary
from syndarix_obs.store.location import default_home
from syndarix_obs_read import settings as read_settings

DOCS = Path(__file__).parent
_BLOCK = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end: (?P=name) -->)", re.DOTALL)
_SECTION = re.compile(r"^# --- (?P<title>.+?) -*$")


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# --- settings ---


def settings_write() -> str:
    """Every setting of the agent's process."""
    return _settings(write_settings.Settings.model_fields, write_settings.variable)


def settings_read() -> str:
    """Every setting of the CLI, the MCP server and the web explorer."""
    return _settings(read_settings.ReadSettings.model_fields, read_settings.variable)


def _settings(fields: dict[str, FieldInfo], variable: Callable[[str], str]) -> str:
    rows = (_setting(variable(name), info) for name, info in fields.items())
    return table(("variable", "type", "default", "meaning"), rows)


def _setting(variable: str, info: FieldInfo) -> tuple[str, ...]:
    other = [str(name) for name in getattr(info.validation_alias, "choices", ()) if str(name).startswith("OTEL_")]
    meaning = info.description or ""
    if other:
        meaning += f" Also read from {', '.join(f'`{name}`' for name in other)}."
    if info.examples:
        meaning += f" Example: `{info.examples[0]}`."
    return f"`{variable}`", _type(info.annotation), _default(info), meaning


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return re.sub(r"\b(\w+\.)+", "", str(annotation))


def _default(info: FieldInfo) -> str:
    if info.default_factory is default_home:
        return "the user data folder"
    default = info.get_default(call_default_factory=True, validated_data={})
    return "" if default is None or default == "" else f"`{default}`"


# --- vocabulary ---


def constants() -> str:
    """Every name of the vocabulary with the line of meaning under it, section by section."""
    parts = []
    for title, found in _sections(Path(vocabulary.__file__).read_text(encoding="utf-8")):
        if found:
            parts.append(f"### {title}\n\n" + table(("name", "meaning"), iter(found)))
    return "\n\n".join(parts)


def _sections(source: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    starts = [
        (number, match["title"])
        for number, line in enumerate(source.splitlines(), 1)
        if (match := _SECTION.match(line))
    ]
    found = list(_documented(ast.parse(source)))
    for index, (start, title) in enumerate(starts):
        end = starts[index + 1][0] if index + 1 < len(starts) else sys.maxsize
        yield title, [(value, meaning) for line, value, meaning in found if start < line < end]


def _documented(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """Strings and tuples of strings that have a meaning under them, as (line, shown, meaning)."""
    for statement, following in zip(tree.body, tree.body[1:], strict=False):
        meaning = _docstring(following)
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and meaning:
            value = getattr(vocabulary, statement.target.id)
            if isinstance(value, str):
                yield statement.lineno, f"`{value}`", meaning
            elif isinstance(value, tuple) and all(isinstance(item, str) for item in value):
                yield statement.lineno, ", ".join(f"`{item}`" for item in value), meaning


def _docstring(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return str(statement.value.value)
    return None


def metrics() -> str:
    """Every metric with its labels."""
    rows = (
        (f"`{spec.name}`", spec.kind, spec.unit, ", ".join(f"`{label}`" for label in spec.labels), spec.meaning)
        for spec in (*vocabulary.METRICS, *vocabulary.SERVER_METRICS)
    )
    return table(("metric", "kind", "unit", "labels", "meaning"), rows)


# --- command line ---


_COLOURING = {"FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS"}
_HELP = """
from syndarix_obs_read.catalogue import QUESTIONS
from syndarix_obs_read.cli.run import run
for name in ("", *(question.name for question in QUESTIONS)):
    print("\\f$ " + " ".join(["syndarix-obs", *name.split(), "--help"]), flush=True)
    run([*name.split(), "--help"])
"""


def cli() -> str:
    """The help of `syndarix-obs` and of each of its commands, as in a terminal of 100 columns without colour."""
    environment = {name: value for name, value in os.environ.items() if name not in _COLOURING}
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _HELP],
        capture_output=True, text=True, check=True,
        env={**environment, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"},
    )  # fmt: skip
    return "\n\n".join(f"```text\n{_tidy(page)}\n```" for page in done.stdout.split("\f")[1:])


def _tidy(page: str) -> str:
    command, text = page.split("\n", 1)
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return command + "\n" + "\n".join(line for line in lines if line)


# --- MCP ---


def mcp_tools() -> str:
    """Every MCP tool with its arguments, as a client lists them."""
    from syndarix_obs_read.mcp.server import TOOLS
    from syndarix_obs_read.mcp.toolkit import make_tool

    return "\n\n".join(_tool(make_tool(spec), spec.writes) for spec in TOOLS)


def _tool(tool: Any, writes: bool) -> str:
    properties: dict[str, dict[str, Any]] = tool.parameters["properties"]
    required = tool.parameters.get("required", ())
    rows = (
        (f"`{name}`" + (" (required)" if name in required else ""), _kind(about), about.get("description", ""))
        for name, about in properties.items()
    )
    about = tool.description.split(" Text fields named")[0]
    head = f"### {tool.name}\n\n{about}" + (" **Changes something.**" if writes else "")
    return f"{head}\n\n{table(('argument', 'type', 'meaning'), rows)}" if properties else head


def _kind(about: dict[str, Any]) -> str:
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"])
    if about.get("type") == "array":
        return f"list of {_kind(about['items'])}"
    return str(about.get("type") or " or ".join(each.get("type", "") for each in about.get("anyOf", ())))


# --- privacy ---


def privacy_places() -> str:
    """Every place that can hold a person's data."""
    from syndarix_obs_read.privacy.inventory import every_source

    places = every_source(read_settings.ReadSettings(home=Path("home")))
    rows = ((f"`{each.name}`", each.holds, each.kept, each.method) for each in places)
    return table(("place", "what of a person it can hold", "how long", "how the person leaves it"), rows)


# --- Python API ---


def api() -> str:
    """Every public name with its signature and meaning."""
    sys.path.insert(0, str(DOCS))
    from api_reference import api

    return api()


# --- pages ---

BLOCKS: dict[str, Callable[[], str]] = {
    "settings-write": settings_write,
    "settings-read": settings_read,
    "vocabulary": constants,
    "metrics": metrics,
    "cli": cli,
    "mcp-tools": mcp_tools,
    "privacy-places": privacy_places,
    "api": api,
}


def _llms() -> tuple[Path, str]:
    sys.path.insert(0, str(DOCS))
    from llms import FILE, llms_txt

    return FILE, llms_txt()


def render(page: str) -> str:
    """The page with every block made anew.

    Raises:
        KeyError: a block has a name that nothing generates.
    """
    return _BLOCK.sub(lambda match: f"{match[1]}\n{BLOCKS[match['name']]()}\n\n{match[3]}", page)


def stale() -> Iterator[tuple[Path, str]]:
    """Pages whose blocks are not up to date, each with what it should say."""
    for path in sorted(DOCS.rglob("*.md")):
        page = path.read_text(encoding="utf-8")
        fresh = render(page)
        if fresh != page:
            yield path, fresh
    file, listed = _llms()
    if not file.exists() or file.read_text(encoding="utf-8") != listed:
        yield file, listed


def main(arguments: list[str] | None = None) -> int:
    """Write or check; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 if a block is stale")
    check = parser.parse_args(arguments).check
    found = list(stale())
    for path, fresh in found:
        name = path.relative_to(DOCS.parent).as_posix()
        sys.stdout.write(f"{name} is stale\n" if check else f"{name} written\n")
        if not check:
            path.write_text(fresh, encoding="utf-8")
    return 1 if check and found else 0


if __name__ == "__main__":
    sys.exit(main())
