"""Where a bill is read: pages, refusals that say what is missing, exports in place of the API, days of other zones."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from bill_scene import AFTER, MONTH, Ask, Recorder, key_file, unseen
from fake_bill import FakeProvider, served_on

from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.bills.cells import side_by_side
from syndarix_obs_read.bills.model import Bill
from syndarix_obs_read.bills.offset import misplaced
from syndarix_obs_read.bills.openai_api import item_of
from syndarix_obs_read.bills.seen import seen_lines
from syndarix_obs_read.bills.sources import open_bill
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.errors import BackendAnswer, BackendUnavailable, ReadError, SettingsError
from syndarix_obs_read.settings import ReadSettings

MINI, HAIKU = "gpt-4o-mini-2024-07-18", "claude-haiku-4-5-20251001"
START, END = date(2026, 10, 1), date(2026, 11, 1)


async def read(folder: Path, provider: FakeProvider, key: str | None = None, **how: Any) -> Bill:
    """A month's bill."""
    file = key_file(folder, provider.name, key)
    how = {"transport": provider.transport, **how}
    source = open_bill(ReadSettings(home=folder), provider.name, key_file=file, **how)  # type: ignore[arg-type]
    return await source.read(START, END)


def provider(name: str = "openai") -> FakeProvider:
    """With a few calls."""
    found = FakeProvider(name, AFTER)
    unseen(found, MINI if name == "openai" else HAIKU, range(31))
    return found


@pytest.mark.parametrize("name", ["openai", "anthropic"])
async def test_every_page_of_every_report_is_read(name: str, tmp_path: Path) -> None:
    served = provider(name)
    served.busy = 2
    bill = await read(tmp_path, served)

    assert (31, 31 * 50_000) == (len(bill.usage), sum(line.tokens["input"] for line in bill.usage))
    assert Decimal("0.3069" if name == "openai" else "2.17") == sum(line.usd for line in bill.costs)
    assert all(request.method == "GET" for request in served.asked)


@pytest.mark.parametrize(
    ("name", "key", "words"),
    [
        ("openai", "sk-member-key", ("api.usage.read", "platform.openai.com", "(403)")),
        ("anthropic", "sk-ant-admin01-old", ("Admin API key", "console.anthropic.com", "(401)")),
    ],
)
async def test_a_key_without_the_right_is_told_which_and_where_it_is_made(
    name: str, key: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as raised:
        await read(tmp_path, provider(name), key)

    assert [] == [word for word in words if word not in str(raised.value)]
    assert key not in str(raised.value)


@pytest.mark.parametrize(("name", "key"), [("openai", "sk-proj-abc"), ("anthropic", "sk-ant-api03-abc")])
async def test_an_ordinary_key_is_not_even_sent(name: str, key: str, tmp_path: Path) -> None:
    served = provider(name)
    with pytest.raises(SettingsError, match="ordinary API key"):
        await read(tmp_path, served, key)

    assert [] == served.asked


@pytest.mark.parametrize("text", ["", "two keys"])
async def test_a_file_that_holds_no_key_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="one admin key"):
        await read(tmp_path, provider(), text or "\n")


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.Response(200, json={"data": "?"}), BackendAnswer, "no page of buckets"),
        (httpx.Response(200, content=b"<html>"), BackendAnswer, "no page of buckets"),
        (httpx.Response(404, text="gone"), BackendAnswer, "404"),
        (httpx.ConnectError("refused"), BackendUnavailable, "cannot be reached"),
    ],
)
async def test_answers_that_make_no_sense_are_named(
    answer: httpx.Response | Exception, error: type[ReadError], words: str, tmp_path: Path
) -> None:
    def odd(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(error, match=words):
        await read(tmp_path, provider(), transport=httpx.MockTransport(odd))


async def test_without_a_key_the_message_says_where_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"sk-admin-.*OPENAI_ADMIN_KEY_FILE.*--csv"):
        open_bill(ReadSettings(home=tmp_path), "openai")


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("gpt-4o-2024-08-06, input", ("gpt-4o-2024-08-06", "input", None)),
        ("gpt-6-astra, input_tokens", ("gpt-6-astra", "input", None)),
        ("gpt-5-mini-2025-08-07, cached input", ("gpt-5-mini-2025-08-07", "cache_read", None)),
        ("gpt-5-mini, cache write input", ("gpt-5-mini", "cache_write", None)),
        ("o3, batch output", ("o3", "output", "batch")),
        ("web search tool calls, gpt-4o", (None, None, None)),
        ("Assistants API | file search storage", (None, None, None)),
        ("all", (None, None, None)),
    ],
)
def test_line_items_name_model_class_and_tier(item: str, found: tuple[str | None, ...]) -> None:
    assert found == item_of(item)


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """An export."""
    listed = list(rows)
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, listed[0].keys())
        writer.writeheader()
        writer.writerows(listed)
    return path


def openai_costs(served: FakeProvider, zone: timezone) -> list[dict[str, Any]]:
    """OpenAI's cost export, with days of a zone."""
    rows: dict[tuple[date, str], Decimal] = {}
    for call in served.served:
        for name, words in (("input", "input"), ("cached", "cached input"), ("output", "output")):
            key = call.billed_at.astimezone(zone).date(), f"{call.model}, {words}"
            rows[key] = rows.get(key, Decimal(0)) + call.dollars(name)
    return [
        {"date": f"{day}", "amount_value": usd, "amount_currency": "usd", "line_item": item, "project_id": "proj_app"}
        for (day, item), usd in rows.items()
    ]


async def test_an_export_of_the_console_takes_the_place_of_the_api(ask: Ask, tmp_path: Path) -> None:
    recorder = Recorder(FakeProvider("anthropic", AFTER))
    recorder.days(HAIKU, 5, w5m=2_000)
    names = {"input": "input_no_cache", "cached": "input_cache_read", "w5m": "input_cache_write_5m", "output": "output"}
    rows = [
        {"usage_date_utc": f"{call.billed_at:%Y-%m-%d}", "model": "Claude Haiku 4.5", "workspace": "Default",
         "api_key": "app", "usage_type": "message", "context_window": "≤ 200k", "token_type": kind,
         "cost_usd": f"{call.dollars(name):f}", "list_price_usd": "0", "cost_type": "token"}
        for call in recorder.provider.served for name, kind in names.items()
    ]  # fmt: skip
    answer = await ask(recorder, files=[write_csv(tmp_path / "costs.csv", rows)])

    assert (None, Decimal(0), ()) == (answer.billed_tokens, answer.difference_usd, answer.causes)
    assert {"claude-haiku-4-5"} <= {"-".join((row.model or "").split("-")[:4]) for row in answer.rows}
    assert any("only dollars are compared" in hint for hint in answer.hints)


async def test_days_of_another_zone_are_found_out_and_named(ask: Ask, tmp_path: Path) -> None:
    recorder = Recorder(FakeProvider("openai", AFTER))
    recorder.days(MINI)
    rows = openai_costs(recorder.provider, timezone(timedelta(hours=-9)))
    answer = await ask(recorder, files=[write_csv(tmp_path / "costs.csv", rows)])

    assert Decimal(0) == round(abs(answer.difference_usd or Decimal(0)), 9)
    assert any(hint.startswith("day borders: the days of this bill begin at 09:00 UTC") for hint in answer.hints)


async def test_days_of_the_local_clock_show_the_gap_that_days_of_utc_avoid(tmp_path: Path) -> None:
    recorder = Recorder(FakeProvider("openai", AFTER))
    recorder.days(MINI)
    recorder.write(store_path(tmp_path))
    backend = EmbeddedBackend(store_path(tmp_path))
    bill, seen = await read(tmp_path, recorder.provider), await seen_lines(backend, "openai", START, END)
    await backend.close()

    in_utc, in_alaska = (misplaced(side_by_side(bill, seen, START, END, hours)) for hours in (0, 9))
    assert 0.0 == in_utc
    assert in_alaska > 0.15


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("day,spend\n2026-10-01,3", ("other columns (day, spend)", "amount_value", "line_item", "input_tokens")),
        ("usage_date_utc,model,token_type,cost_usd\n2026-10-01,x,output,1", ("export of anthropic, not of openai",)),
        ("date,amount_value,line_item\n2026-10-01,much,all", ("line 2", "'much'")),
        ("date,amount_value,line_item\nOctober,3,all", ("line 2", "'October'", "no date")),
    ],
)
async def test_an_export_that_cannot_be_read_says_what_is_wrong(
    header: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    (file := tmp_path / "x.csv").write_text(header)
    with pytest.raises(ReadError) as raised:
        await open_bill(ReadSettings(home=tmp_path), "openai", files=[file]).read(START, END)

    assert [] == [word for word in words if word not in str(raised.value)]


def test_the_command_says_the_sentence_and_prints_prices_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder(FakeProvider("openai", AFTER, discount={MINI: Decimal("0.5")}))
    recorder.days(MINI, 4)
    recorder.write(store_path(tmp_path))
    with served_on(recorder.provider) as url:
        given = ["reconcile", "--provider", "openai", "--month", MONTH, "--home", str(tmp_path), "--base-url", url,
                 "--admin-key-file", str(key_file(tmp_path, "openai"))]  # fmt: skip
        assert 0 == run(given)
        said = capsys.readouterr().out
        assert 0 == run([*given, "--prices"])
        prices = capsys.readouterr().out

    assert said.startswith("openai billed $0.01862 for 2026-10, and $0.03723 were seen")
    assert "price list" in said
    assert prices.startswith("# the bill has")
    assert "input_per_mtok: 0.075" in prices


def test_a_month_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Recorder(FakeProvider("openai", AFTER)).write(store_path(tmp_path))
    key = str(key_file(tmp_path, "openai"))
    for month in ("October", "2026-13", "2999-01"):
        assert 0 != run(["reconcile", "--provider", "openai", "--month", month, "--home", str(tmp_path),
                         "--admin-key-file", key])  # fmt: skip
    assert 3 == capsys.readouterr().err.count("month")


def test_a_bill_that_cannot_be_read_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 != run(["reconcile", "--provider", "mistral", "--home", str(tmp_path)])
    assert "possible: openai, anthropic" in capsys.readouterr().err


