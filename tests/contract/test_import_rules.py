"""Who may import whom: DESIGN section 1, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITE = ROOT / "instrumentation" / "syndarix_obs"
READ = ROOT / "mcp_server" / "syndarix_obs_read"
TENANTS = ("syndarix_obs_stack", "syndarix_obs_demo")

READ_MAY_IMPORT = {
    "syndarix_obs.__version__": "`--version` says it",
    "syndarix_obs.vocabulary": "names are declared once",
    "syndarix_obs.records.anonymous": "what stays of a record without its person, wherever it lies",
    "syndarix_obs.records.model": "what is stored",
    "syndarix_obs.records.conversion": "a span that Tempo gives back becomes the record that it was",
    "syndarix_obs.records.finished": "what conversion takes",
    "syndarix_obs.records.resource": "what conversion takes",
    "syndarix_obs.pricing": "bills and other models are held against the price list that calls are priced with",
    "syndarix_obs.store": "where and how it is stored",
    "syndarix_obs.integrations.coverage": "the doctor says who watches which library; it reads metadata only",
    "syndarix_obs.platform": "a score given here goes the way of an agent's own: redaction, store or stack, spool",
    "syndarix_obs.settings": "what that platform is made with",
    "syndarix_obs.errors": "the root of the errors that a caller can act on",
    "syndarix_obs.launcher": "the command `run` starts programs with it",
    "syndarix_obs.receivers": "the command `up` serves the receiver",
    "syndarix_obs.ObservabilityPlatform": "the receiver's pipeline is that of a platform",
    "syndarix_obs.Settings": "what that platform is made with",
    "syndarix_obs.redaction.presidio": "`redact --presidio` shows what it adds",
    "syndarix_obs.redaction.step": "what leaves in an export is looked through again",
    "syndarix_obs.delivery.erased": "spools that dead processes left are erased from outside",
    "syndarix_obs.delivery.frames": "an erased line goes back to Loki, without its person, as it came",
    "syndarix_obs.delivery.outcome": "what Loki said to that",
    "syndarix_obs.destinations.loki": "the same way back",
    "syndarix_obs.destinations.loki_push": "the same form of lines",
    "syndarix_obs.guarding": "what a budget says, and the file in which the guard counts",
    "syndarix_obs.pipeline.choices": "a step says what an answer chose as the pipeline reads it",
    "syndarix_obs.pipeline.messages": "two answers are compared message by message",
    "syndarix_obs.replaying": "what lives in the agent's process while the read side has it run again",
    "syndarix_obs.encryption": "texts under a key of their user are read, and the key is erased",
    "syndarix_obs.identity": "people ask about, and erase, a user by the raw id: only who makes pseudonyms can find it",
}


def imports(path: Path) -> Iterator[str]:
    """Modules of ours that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("syndarix_obs"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("syndarix_obs"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def found(folder: Path) -> list[tuple[str, str]]:
    """Every import of ours under a folder, as (file, module)."""
    return [
        (path.relative_to(folder).as_posix(), module)
        for path in sorted(folder.rglob("*.py"))
        for module in imports(path)
    ]


def within(module: str, package: str) -> bool:
    """True when the module is the package or lies in it."""
    return f"{module}.".startswith(f"{package}.")


def test_the_vocabulary_imports_nothing_of_ours() -> None:
    assert [] == list(imports(WRITE / "vocabulary.py"))


def test_the_write_side_never_imports_the_read_side() -> None:
    others = ("syndarix_obs_read", *TENANTS)
    assert [] == [(file, module) for file, module in found(WRITE) if any(within(module, other) for other in others)]


def test_the_read_side_imports_only_the_shared_parts_of_the_write_side() -> None:
    strangers = [
        (file, module)
        for file, module in found(READ)
        if within(module, "syndarix_obs")
        and not any(within(module, allowed) for allowed in READ_MAY_IMPORT)
    ]
    assert [] == strangers


def test_answers_see_neither_http_nor_sql() -> None:
    allowed_nowhere = {"httpx", "sqlite3", "requests", "urllib"}
    used = [
        (path.name, name)
        for path in sorted((READ / "answers").rglob("*.py"))
        for name in top_level_modules(path)
        if name in allowed_nowhere
    ]
    assert [] == used


@pytest.mark.parametrize("part", ["mcp", "cli", "web"])
def test_what_people_and_models_see_builds_no_queries(part: str) -> None:
    queries = "syndarix_obs_read.backends.stack.queries"
    builders = [(file, module) for file, module in found(READ / part) if within(module, queries)]
    assert [] == builders


def top_level_modules(path: Path) -> set[str]:
    """First parts of every module that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names
