"""The same tokens with other models: arithmetic written out, by group, with the sizes of prompts kept apart."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import read_scene as scene

from syndarix_obs.records.model import Record
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.costs import CostSummary, summarise_costs
from syndarix_obs_read.answers.other_models import OtherModels, other_models
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.timerange import TimeRange

PERIOD = TimeRange(scene.T0 - scene.DAY, scene.T0 + scene.DAY, "then")
HAIKU = "claude-haiku-4-5"


def line(number: int, tokens: tuple[int, int, int], **more: Any) -> Record:
    """A call of `input` (no cache), `cache_read` and `output` tokens."""
    plain, read, spoken = tokens
    return scene.cost(
        f"{number:032x}", "1", number, "1", model="gpt-4o", provider="openai", tokens_input=plain,
        tokens_cache_read=read, tokens_output=spoken, tokens_total=sum(tokens), **more,
    )  # fmt: skip


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[EmbeddedBackend]:
    """Three calls of `a`, one of them a batch, and one of `b` with a long prompt."""
    scene.write(
        store_path(tmp_path), line(1, (10_000, 4_000, 1_000), agent="a"), line(2, (20_000, 0, 2_000), agent="a"),
        line(3, (10_000, 0, 1_000), agent="a", service_tier="batch"), line(4, (300_000, 0, 1_000), agent="b"),
    )  # fmt: skip
    found = EmbeddedBackend(store_path(tmp_path))
    yield found
    await found.close()


async def ask(backend: EmbeddedBackend, *models: str) -> CostSummary:
    """Costs by agent with other models."""
    return await summarise_costs(
        backend, Filter(), PERIOD, ("agent",), what_if=OtherModels(models), now_ns=scene.NOW
    )  # fmt: skip


async def test_the_same_tokens_are_priced_class_by_class(backend: EmbeddedBackend) -> None:
    answer = await ask(backend, HAIKU)
    a, b = ({each.key["agent"]: each for each in answer.groups}[name].what_if[HAIKU] for name in "ab")

    m = Decimal(1_000_000)
    ordinary = (30_000 * Decimal(1) + 4_000 * Decimal("0.1") + 3_000 * Decimal(5)) / m
    batch = (10_000 * Decimal(1) + 1_000 * Decimal(5)) / m / 2
    assert ordinary + batch == pytest.approx(a)
    assert (300_000 * Decimal(1) + 1_000 * Decimal(5)) / m == pytest.approx(b)
    assert (a or 0) + (b or 0) == answer.what_if[HAIKU]


async def test_long_prompts_are_priced_as_long_prompts(backend: EmbeddedBackend) -> None:
    model = "claude-sonnet-4-5"
    answer = await ask(backend, model)

    assert (300_000 * Decimal(6) + 1_000 * Decimal("22.5")) / 1_000_000 == pytest.approx(
        {each.key["agent"]: each for each in answer.groups}["b"].what_if[model]
    )


async def test_a_model_without_a_price_is_refused_with_what_helps(backend: EmbeddedBackend) -> None:
    with pytest.raises(FilterError, match="no price is known for the model 'gpt-99'"):
        await ask(backend, "gpt-99")


def test_names_come_alone_together_and_as_the_option_says() -> None:
    assert OtherModels(("x", "y", "z")) == other_models(["model=x", "y, z", "x"], None)
    assert None is other_models([""], None)
    with pytest.raises(FilterError, match="at most 5"):
        other_models(["a,b,c,d,e,f"], None)


def test_the_command_shows_a_column_for_each(
    backend: EmbeddedBackend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["costs", "--what-if", f"model={HAIKU}", "--since", "2026-02-28", "--until", "2026-03-02", "--home",
             str(tmp_path)]  # fmt: skip
    assert 0 == run(given)
    assert f"with {HAIKU}" in capsys.readouterr().out
    assert 0 == run([*given, "--json"])
    assert {HAIKU} == set(json.loads(capsys.readouterr().out)["what_if"])
