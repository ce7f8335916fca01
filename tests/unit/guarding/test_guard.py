"""The guard of a platform: calls that have no room are not made, and what the others really cost is entered."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from syndarix_obs import BudgetExceeded, CallRefused, SettingsError, guard
from syndarix_obs.errors import GuardUnavailable
from syndarix_obs.guarding.accounts import FILE, Account, read
from syndarix_obs.guarding.budgets import NANO
from syndarix_obs.guarding.output_limits import OUTPUT_LIMITS, output_limit
from syndarix_obs.guarding.worst_case import WorstCase
from syndarix_obs.platform import ObservabilityPlatform
from syndarix_obs.pricing import PriceBook
from syndarix_obs.settings import Settings
from syndarix_obs.testing import Kit, recording

USAGE = {"input_tokens": 100, "output_tokens": 50}
COST = Decimal("0.00075")  # gpt-4o: 100 × 2.5 + 50 × 10 dollars a million
MOST = {"max_tokens": 50}


def call(obs: ObservabilityPlatform, model: str = "gpt-4o", **said: object) -> None:
    parameters = {"parameters": MOST, **said}
    with obs.llm(provider="openai", model=model, messages="hello", **parameters) as made:  # type: ignore[arg-type]
        made.response("hi", usage=USAGE)


def accounts(kit: Kit) -> list[Account]:
    assert kit.obs.flush()
    return read(kit.obs.settings.home)[1]


def test_without_a_budget_there_is_no_guard_and_no_file(kit: Kit) -> None:
    call(kit.obs)
    assert [] == accounts(kit)
    assert not (kit.obs.settings.home / FILE).exists()
    assert None is kit.obs.runtime.source.guard


def test_what_a_call_really_cost_is_entered_and_its_reservation_given_back(kit: Kit) -> None:
    kit.obs.budget("all", usd=1)
    call(kit.obs)
    (account,) = accounts(kit)
    assert (int(COST * NANO), 150, 1) == account.spent
    (account,) = accounts(kit)  # what it leased beside that goes back a round later
    assert (0, 0, 0) == account.held


def test_a_call_that_has_no_room_is_not_made_and_the_error_says_all(kit: Kit) -> None:
    kit.obs.budget("small", usd="0.001", project="acme", per="day")
    with kit.obs.session(agent="a", project="acme"):
        call(kit.obs)
        assert kit.obs.flush()
        for _ in range(3):
            with pytest.raises(BudgetExceeded) as raised:
                call(kit.obs)
    found = raised.value
    assert ("small", "usd", Decimal("0.001"), COST) == (found.budget, found.unit, found.limit, found.spent)
    assert 0 < found.needed < found.limit
    assert found.frees_at is not None
    assert "the budget 'small' has no room for a call of up to $0.0" in str(found)
    refused = kit.records("llm_call")[-1]
    assert ("error", "syndarix_obs.errors.BudgetExceeded", None) == (
        refused.status, refused.error_type, refused.cost_usd,
    )  # fmt: skip
    (account,) = accounts(kit)
    assert (1, 3) == (account.spent.calls, account.refused)
    assert 3 == kit.metric("llm_budget_exceeded_total", budget="small", action="refused")


def test_a_budget_is_not_about_the_work_of_others(kit: Kit) -> None:
    kit.obs.budget("none", usd="0.0000001", project="acme")
    with kit.obs.session(agent="a", project="other"):
        call(kit.obs)
    assert [] == accounts(kit)


def test_a_budget_that_warns_lets_the_call_through_and_counts(kit: Kit, caplog: pytest.LogCaptureFixture) -> None:
    kit.obs.budget("soft", usd="0.0000001", on_exceed="warn")
    call(kit.obs)
    call(kit.obs)
    (account,) = accounts(kit)
    assert 2 == account.spent.calls
    assert 2 == kit.metric("llm_budget_exceeded_total", budget="soft", action="warned")
    assert 1 == sum("'soft' has no room" in each.message for each in caplog.records)
    assert ["soft", "soft"] == [each.attributes["syndarix.budget.exceeded"] for each in kit.records("llm_call")]


def test_a_failed_call_gives_its_reservation_back(kit: Kit) -> None:
    kit.obs.budget("all", usd=1)
    with pytest.raises(OSError, match="gone"), kit.obs.llm(provider="openai", model="gpt-4o", messages="x"):
        raise OSError("gone")
    accounts(kit)
    (account,) = accounts(kit)
    assert ((0, 0, 1), (0, 0, 0)) == (account.spent, account.held)


def test_each_user_has_the_limit_for_itself_and_under_a_pseudonym(kit: Kit) -> None:
    kit.obs.budget("each", calls=1, by=["user"], per="day")
    for user in ("ada", "bob"):
        with kit.obs.session(agent="a", user=user):
            call(kit.obs)
    with pytest.raises(BudgetExceeded) as raised, kit.obs.session(agent="a", user="ada"):
        call(kit.obs)
    names = {each.key for each in accounts(kit)}
    assert {kit.obs.runtime.pseudonym(user) for user in ("ada", "bob")} == names
    assert raised.value.key in names


def test_a_budget_can_name_a_user_by_the_raw_id(kit: Kit) -> None:
    kit.obs.budget("ada's", calls=1, user="ada")
    with kit.obs.session(agent="a", user="bob"):
        call(kit.obs)
        call(kit.obs)
    with kit.obs.session(agent="a", user="ada"):
        call(kit.obs)
        with pytest.raises(BudgetExceeded):
            call(kit.obs)
    assert [("ada's", "")] == [(each.budget, each.key) for each in accounts(kit)]
    definition = read(kit.obs.settings.home)[0]["ada's"]
    assert f'"user": "{kit.obs.runtime.pseudonym("ada")}"' in definition


def test_the_limit_of_a_run_holds_for_one_session(kit: Kit) -> None:
    kit.obs.budget("run", calls=2, per="run")
    for _ in range(2):
        with kit.obs.session(agent="a"):
            call(kit.obs)
            call(kit.obs)
    with kit.obs.session(agent="a"):
        call(kit.obs)
        call(kit.obs)
        with pytest.raises(BudgetExceeded) as raised:
            call(kit.obs)
    assert (2, None) == (raised.value.limit, raised.value.frees_at)


def test_a_call_inside_of_a_call_reserves_nothing_of_its_own(kit: Kit) -> None:
    kit.obs.budget("one", calls=1)
    with kit.obs.llm(provider="openai", model="gpt-4o") as outer:
        call(kit.obs)
        outer.response("hi", usage=USAGE)
    with pytest.raises(BudgetExceeded):
        call(kit.obs)


def test_tokens_are_limited_too(kit: Kit) -> None:
    kit.obs.budget("tokens", tokens=60)
    with pytest.raises(BudgetExceeded) as raised:
        call(kit.obs)
    assert ("tokens", 60, 0) == (raised.value.unit, raised.value.limit, raised.value.spent)


def test_a_budget_ends_with_its_block_and_its_account_goes_on_with_the_next(kit: Kit) -> None:
    with kit.obs.budget("block", calls=1):
        call(kit.obs)
        with pytest.raises(BudgetExceeded):
            call(kit.obs)
    call(kit.obs)
    assert kit.obs.flush()
    with pytest.raises(BudgetExceeded), kit.obs.budget("block", calls=1):
        call(kit.obs)


def test_equal_calls_of_a_tool_are_refused_from_one_more_than_allowed(kit: Kit) -> None:
    kit.obs.budget("loops", repeats=2)
    ran: list[int] = []

    @kit.obs.tool_call
    def look(at: int) -> None:
        ran.append(at)

    with kit.obs.session(agent="a"):
        for at in (1, 1, 2):
            look(at)
        with pytest.raises(BudgetExceeded, match="allows 2 equal calls of a tool"):
            look(1)
    with kit.obs.session(agent="a"):
        look(1)
    assert [1, 1, 2, 1] == ran
    refused = [each for each in kit.records("tool_call") if each.status == "error"]
    assert ["syndarix_obs.errors.BudgetExceeded"] == [each.error_type for each in refused]


def test_repeats_that_only_warn_are_made_and_marked(kit: Kit) -> None:
    kit.obs.budget("loops", repeats=1, on_exceed="warn")
    with kit.obs.session(agent="a"):
        for _ in range(2):
            with kit.obs.tool("look", arguments={"at": object()}):
                pass
        for _ in range(2):
            with kit.obs.tool("look", arguments={"at": 1}):
                pass
    marks = [each.attributes.get("syndarix.budget.exceeded") for each in kit.records("tool_call")]
    assert "loops" == marks[-1]


def test_a_model_without_a_price_passes_and_is_counted_or_is_refused() -> None:
    for policy, passes in (("allow", True), ("refuse", False)):
        with recording(guard_on_failure=policy) as kit:
            kit.obs.budget("all", usd=1)
            if passes:
                call(kit.obs, model="nobody-knows-1")
            else:
                with pytest.raises(GuardUnavailable, match="no price is known for 'nobody-knows-1'"):
                    call(kit.obs, model="nobody-knows-1")
            assert 1 == kit.metric("llm_unguarded_requests_total", reason="unpriced")


@pytest.mark.parametrize("policy", ["allow", "refuse"])
def test_a_guard_that_fails_lets_the_call_through_and_counts_it_or_refuses_it(policy: str, tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with recording(guard_on_failure=policy, home=tmp_path, reraise=False) as kit:
        kit.obs.budget("all", usd=1)
        if policy == "allow":
            call(kit.obs)
        else:
            with pytest.raises(GuardUnavailable, match="the guard failed"):
                call(kit.obs)
        assert 1 == kit.metric("llm_unguarded_requests_total", reason="failure")
        assert guard.failures()["guard"] >= 2


def test_budgets_come_from_the_file_that_the_settings_name(tmp_path: Path) -> None:
    file = tmp_path / "budgets.yml"
    file.write_text("budgets: [{name: one, calls: 1}]")
    with recording(budgets_file=file) as kit:
        call(kit.obs)
        with pytest.raises(CallRefused):
            call(kit.obs)


def test_a_budget_that_is_wrong_is_refused_where_it_is_declared(kit: Kit, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"obs\.budget: .*limits nothing"):
        kit.obs.budget("nothing")
    with pytest.raises(SettingsError, match="cannot be read"):
        ObservabilityPlatform(Settings(home=tmp_path, budgets_file=tmp_path / "no.yml", set_global=False))


def test_a_platform_that_is_switched_off_holds_no_budget(tmp_path: Path) -> None:
    with recording(enabled=False) as kit:
        kit.obs.budget("one", calls=1)
        call(kit.obs)
        call(kit.obs)


def test_threads_and_tasks_at_once_spend_no_more_than_there_is(kit: Kit) -> None:
    kit.obs.budget("some", calls=20)

    def attempt(_number: int) -> int:
        try:
            call(kit.obs)
        except BudgetExceeded:
            return 0
        return 1

    async def task() -> int:
        await asyncio.sleep(0)
        return attempt(0)

    async def tasks() -> int:
        return sum(await asyncio.gather(*(task() for _ in range(40))))

    with ThreadPoolExecutor(8) as pool:
        made = sum(pool.map(attempt, range(40)))
    made += asyncio.run(tasks())
    assert 20 == made


def test_the_worst_case_is_the_estimated_input_and_the_longest_answer() -> None:
    worst = WorstCase(PriceBook())
    about = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
    at = 1_790_000_000 * 10**9
    said = worst.of(about, {"input": "x" * 300, "parameters": {"max_tokens": 1000}}, at)
    assert (100 + 16 + 1000, 116 * 2500 + 1000 * 10_000) == (said.tokens, said.usd)
    assert 116 + 3 * 1000 == worst.of(about, {"input": "x" * 300, "request": {"max_tokens": 1000, "n": 3}}, at).tokens
    assert 116 + 16_384 == worst.of(about, {"input": "x" * 300}, at).tokens
    assert 116 + 64 == WorstCase(PriceBook(), 64).of(about, {"input": "x" * 300}, at).tokens
    assert 116 == worst.of({**about, "gen_ai.operation.name": "embeddings"}, {"input": "x" * 300}, at).tokens


def test_a_picture_counts_as_a_picture_and_not_as_its_letters() -> None:
    worst = WorstCase(PriceBook(), 0)
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 90_000}}
    assert 5_000 < worst.of({}, {"input": [{"role": "user", "content": [picture]}]}, 10**18).tokens < 6_000


def test_what_is_written_to_a_cache_is_reserved_at_its_price() -> None:
    worst = WorstCase(PriceBook(), 0)
    about = {"gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5"}
    plain = [{"role": "user", "content": [{"type": "text", "text": "word " * 600}]}]
    cached = [{"role": "user", "content": [{"type": "text", "text": "word " * 600, "cache_control": {"type": "e"}}]}]
    at = 1_790_000_000 * 10**9
    cheap, dear = worst.of(about, {"input": plain}, at).usd, worst.of(about, {"input": cached}, at).usd
    assert cheap is not None
    assert dear is not None
    assert 1.25 == pytest.approx(dear / cheap, rel=0.02)


def test_longer_names_of_models_come_before_their_beginnings() -> None:
    names = [each.start for each in OUTPUT_LIMITS]
    assert all(not later.startswith(name) for at, name in enumerate(names) for later in names[at + 1 :])
    assert (32_768, 64_000, 16_384) == tuple(map(output_limit, ("gpt-4.1-mini", "claude-sonnet-4-5", "acme-1")))


def test_every_longest_answer_says_where_it_stands_and_when_that_was_read() -> None:
    for each in OUTPUT_LIMITS:
        assert each.source.startswith("https://")
        assert each.checked == date.fromisoformat(each.checked).isoformat()


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("openai/gpt-5.1-chat-latest", 16_384), ("gpt-5.6-sol", 128_000), ("gpt-4-0613", 8_192),
        ("gpt-4-turbo-2024-04-09", 4_096), ("gemini-3.1-pro-preview", 65_536), ("claude-opus-4-1", 32_000),
        ("claude-opus-4-5", 64_000), ("claude-sonnet-4-6", 128_000), ("claude-sonnet-5", 128_000),
        ("claude-tomorrow", 128_000),
    ],
)  # fmt: skip
def test_a_model_that_is_listed_nowhere_has_the_longest_of_its_maker(model: str, tokens: int) -> None:
    assert tokens == output_limit(model)


def test_the_refusal_survives_a_process_pool() -> None:
    import pickle

    first = BudgetExceeded(
        budget="b", unit="usd", key="u_1", limit=Decimal(5), spent=Decimal("4.95"), reserved=Decimal(0),
        needed=Decimal("0.1"), frees_at=None,
    )  # fmt: skip
    again = pickle.loads(pickle.dumps(first))
    assert str(first) == str(again)
    assert first.limit == again.limit
