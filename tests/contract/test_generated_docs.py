"""Generated documentation is up to date, and says everything."""

from __future__ import annotations

import importlib.util
import re
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


def test_every_public_name_is_on_the_page_of_the_api(generate: ModuleType) -> None:
    import syndarix_obs
    from syndarix_obs.platform import ObservabilityPlatform

    generate.api()
    from api_reference import OWN

    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    methods = {name for name in vars(ObservabilityPlatform) if not name.startswith("_")} - set(OWN)
    functions = {name for name in syndarix_obs.__all__ if name[0].islower()} - {"configure", "get_platform"}
    assert set() == {name for name in methods | functions if f"### `obs.{name}`" not in page}


def test_every_public_name_is_used_in_a_guide_or_its_examples(generate: ModuleType) -> None:
    generate.api()
    from api_reference import GROUPS

    guides = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "guides").glob("*.md"))
    rare = {"budget", "agent_session", "auto_uninstrument", "httpx_async_hooks", "registry", "span", "score"}
    names = {name for names in GROUPS.values() for name in names} - rare
    assert set() == {name for name in names if not re.search(rf"\.{name}\b", guides)}


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
