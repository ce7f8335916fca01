"""Generated documentation is up to date, and says everything."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """`docs/generate.py` as a module."""
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_generated_block_is_stale(generate: ModuleType) -> None:
    assert [] == [path.name for path, _fresh in generate.stale()], "run `make docs` and commit"


def test_a_stale_block_is_noticed(generate: ModuleType) -> None:
    page = "by hand\n<!-- generated: metrics -->\nold\n<!-- end: metrics -->\nby hand too\n"

    fresh = generate.render(page)

    assert "old" not in fresh
    assert fresh.startswith("by hand\n")
    assert fresh.endswith("by hand too\n")


def test_every_setting_has_its_variable_on_the_settings_page() -> None:
    from syndarix_obs.settings import Settings, variable

    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [] == [name for name in Settings.model_fields if f"`{variable(name)}`" not in page]


def test_every_metric_is_on_the_vocabulary_page() -> None:
    from syndarix_obs import vocabulary

    page = (ROOT / "docs" / "vocabulary.md").read_text(encoding="utf-8")
    assert [] == [spec.name for spec in vocabulary.METRICS if f"`{spec.name}`" not in page]


def test_every_command_of_the_command_line_is_on_its_page(generate: ModuleType) -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    commands = {"demo", "sessions", "traces", "trace", "decisions", "costs", "errors", "logs"}
    assert set() == {name for name in commands if f"$ syndarix-obs {name} --help" not in page}
