"""Every command and every program of the README and of the guides runs, and prints what the page says.

All pages share one demo, each on a copy of its own. `SESSION`, `TRACE` and `EPISODE` on a page are the demo's failed
session, its trace and its anomaly. Programs run in processes forked from one that has imported what they need; the
clients of openai and anthropic reach the demo's fake provider.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import runpy
import shlex
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from page_blocks import RUN, SHOWN, Block, blocks, missing

pytest.importorskip("openai", reason="the pages run through the real openai client (extra `instrument`)")
pytest.importorskip("anthropic", reason="the pages run through the real anthropic client (extra `instrument`)")

from syndarix_obs_demo import run as run_demo
from syndarix_obs_demo.alarm import look
from syndarix_obs_demo.provider.model import Model
from syndarix_obs_demo.provider.server import FakeProvider

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))]
IMPORTED = (
    "openai.resources.chat", "anthropic.resources.messages", "syndarix_obs.pipeline.runtime",
    "syndarix_obs.integrations.auto", "syndarix_obs.store.writer", "syndarix_obs_read.cli.app",
    "syndarix_obs_read.cli.replay", "syndarix_obs_read.cli.trace", "syndarix_obs_read.backends.embedded", "rich.table",
)  # fmt: skip
"""What programs and commands need, and a forked process then has already."""
BIN = Path(sys.executable).parent
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@dataclass(frozen=True)
class Demo:
    """The demo that all pages share."""

    home: Path
    ids: Mapping[str, str]
    provider: str


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home = tmp_path_factory.mktemp("demo")
    report = run_demo(home, 20, 7)
    alarm = look(home)
    assert alarm.cost is not None
    ids = {"SESSION": report.session_id, "TRACE": report.trace_id, "EPISODE": alarm.cost.episode}
    with FakeProvider(Model(lambda _seconds: None)) as provider:
        yield Demo(home, ids, provider.url)


@dataclass
class Reader:
    """Somebody who works through a page, in a folder and with a store of their own."""

    folder: Path
    ids: Mapping[str, str]
    environment: dict[str, str] = field(default_factory=dict)

    def read(self, page: Path) -> list[str]:
        """Run a page's blocks; returns what went wrong."""
        wrong = []
        for block in blocks(page):
            if block.language not in (*RUN, *SHOWN):
                wrong.append(f"{block.where}: the block has the language {block.language!r}")
            elif block.file is not None:
                (self.folder / block.file).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / block.file).write_text(block.text + "\n", encoding="utf-8")
            elif block.language in RUN and block.not_run is None:
                wrong += self._block(block)
        return wrong

    def _block(self, block: Block) -> list[str]:
        if block.language == "python":
            status, printed = self._program(block.text)
            return [] if status == 0 else [f"{block.where}: {printed[-1_500:]}"]
        return [found for command, expected in block.commands() if (found := self._command(block, command, expected))]

    def _command(self, block: Block, command: str, expected: list[str]) -> str | None:
        for name, value in self.ids.items():
            command = command.replace(name, value)
        status, printed = self._run(command)
        absent = missing(printed, expected)
        fails = any(line.strip().startswith("exit code ") for line in expected)
        if status and not fails:
            return f"{block.where}: $ {command} ended with {status}:\n{printed[-1_500:]}"
        return absent and f"{block.where}: $ {command} does not print {absent!r}, but:\n{printed[:3_000]}"

    def _run(self, command: str) -> tuple[int, str]:
        words = shlex.split(command, comments=True)
        if words[0] == "export":
            self.environment |= dict(word.split("=", 1) for word in words[1:])
            return 0, ""
        simple = words[0] in ("syndarix-obs", "python") and "run" not in words[:2]
        if not simple or any(sign in command for sign in "|<>&;$"):
            done = subprocess.run(command, shell=True, cwd=self.folder, env=self._all(), capture_output=True, text=True,
                                  timeout=60, check=False)  # fmt: skip
            return done.returncode, done.stdout + done.stderr
        if words[0] == "python":
            return self._program("", words[1])
        return in_another_process(_call, words[1:], self.folder, self._all())

    def _program(self, text: str, file: str | None = None) -> tuple[int, str]:
        if file is None:
            file = "block.py"
            (self.folder / file).write_text(text + "\n", encoding="utf-8")
        return in_another_process(_play, file, self.folder, self._all())

    def _all(self) -> dict[str, str]:
        return {**os.environ, **self.environment}


def in_another_process(
    function: Callable[..., int], what: object, folder: Path, environment: dict[str, str]
) -> tuple[int, str]:
    """Status and output of a function in a process that is forked from one with everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *IMPORTED])
    output = folder / ".output"
    process = context.Process(target=_in_folder, args=(function, what, str(folder), environment, str(output)))
    process.start()
    process.join(60)
    if process.exitcode is None:
        process.kill()
        return 1, f"it did not end within a minute: {what}"
    return process.exitcode, output.read_text(encoding="utf-8")


def _in_folder(function: Callable[..., int], what: object, folder: str, environment: dict[str, str], to: str) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, folder)
    with open(to, "w", encoding="utf-8") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        try:
            status = function(what)
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
        except BaseException:  # noqa: BLE001 - whatever a program on a page raises is what the test reports
            traceback.print_exc()
            status = 1
    sys.exit(status)


def _call(arguments: list[str]) -> int:
    from syndarix_obs_read.cli.run import run

    return run(arguments)


def _play(file: str) -> int:
    runpy.run_path(file, run_name="__main__")
    return 0


@pytest.fixture
def reader(demo: Demo, tmp_path: Path) -> Reader:
    home = shutil.copytree(demo.home, tmp_path / "home")
    return Reader(
        tmp_path, demo.ids,
        {
            "SYNDARIX_OBS_HOME": str(home), "COLUMNS": "100", "FORCE_COLOR": "1", "OPENAI_API_KEY": "demo",
            "OPENAI_BASE_URL": f"{demo.provider}/v1", "ANTHROPIC_API_KEY": "demo", "ANTHROPIC_BASE_URL": demo.provider,
            "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        },
    )  # fmt: skip


@by_page
def test_every_block_of_a_page_runs_and_prints_what_the_page_says(page: Path, reader: Reader) -> None:
    assert "" == "\n\n".join(reader.read(page))


def test_a_command_that_prints_something_else_is_noticed(reader: Reader, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ syndarix-obs costs --since 7d\nagent … 7 dollars exactly\n```\n")

    [wrong] = reader.read(page)
    assert wrong.startswith("page.md:1: $ syndarix-obs costs --since 7d does not print 'agent … 7 dollars exactly'")


def test_a_program_that_fails_is_noticed(reader: Reader, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nraise RuntimeError('no such thing')\n```\n")

    [wrong] = reader.read(page)
    assert "no such thing" in wrong


def test_a_block_without_a_language_is_noticed(reader: Reader, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```\nsyndarix-obs costs\n```\n")

    assert ["page.md:1: the block has the language ''"] == reader.read(page)


@by_page
def test_what_is_not_run_says_why(page: Path, record_property: Callable[[str, object], None]) -> None:
    skipped = [f"{block.where}: {block.not_run}" for block in blocks(page) if block.not_run]
    record_property("not run", skipped)
    assert all(len(reason) > 20 for reason in skipped)
