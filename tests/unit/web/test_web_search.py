"""One search box, sorting, columns, views, and rows to take along."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
import web_scene as scene
from web_browser import Browser, Parsed

from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.web.query import read

ALL = ("text", "agent", "user", "model", "tool", "task_type", "status", "session", "min_cost", "min_duration")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", {}),
        ("refund order", {"text": "refund order"}),
        ("agent:support cost>0.1 status:error", {"agent": "support", "min_cost": "0.1", "status": "error"}),
        ('late task:refund "not found" took>=2s',
         {"task_type": "refund", "min_duration": "2s", "text": "late not found"}),
        ('agent:"two words"', {"agent": "two words"}),
        ("https://shop.example/a", {"text": "https://shop.example/a"}),
        ('"agent:support"', {"text": "agent:support"}),
        ("Error: no flight", {"text": "Error: no flight"}),
    ],
)  # fmt: skip
def test_a_search_is_words_of_an_address(text: str, words: dict[str, str]) -> None:
    assert words == read(text, ALL)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agnt:support", "cannot search by 'agnt' here; possible: agent:…"),
        ("cost<1", "can only be narrowed from below, such as cost>0.1"),
        ("cost:1", "write cost>0.1"),
        ("level:error", "cannot search by 'level' here"),
        ("x" * 1_001, "may have 1,000 characters"),
    ],
)
def test_a_search_that_cannot_be_read_says_what_can(text: str, said: str) -> None:
    with pytest.raises(FilterError) as raised:
        read(text, ALL)

    assert said in str(raised.value)


async def names(browser: Browser, words: str) -> list[str]:
    """Agents of the traces that a page lists, in order."""
    return [each["agent"] for each in (await browser.json(f"/traces.json?{words}"))["traces"]]


async def test_a_list_is_narrowed_by_the_search_box(browser: Browser) -> None:
    assert ["triage"] == await names(browser, f"q={quote('agent:triage status:error order')}")
    assert [] == await names(browser, f"q={quote('agent:triage nothing-says-this')}")


async def test_a_list_is_sorted_by_a_column_both_ways(tmp_path: Path, browser_over: Callable[..., Browser]) -> None:
    runs = [scene.make(scene.r.SessionRecord, f"{at:032x}", "01", None, at, took, name="x", agent=f"took-{took}")
            for at, took in enumerate((2, 3, 1))]  # fmt: skip
    browser = browser_over(scene.write(tmp_path, *runs))

    assert ["took-1", "took-3", "took-2"] == await names(browser, "")
    assert ["took-3", "took-2", "took-1"] == await names(browser, "sort=took")
    assert ["took-1", "took-2"] == await names(browser, "sort=took.up&limit=2")
    heads = {each.get("aria-sort") for each in (await browser.page("/traces?sort=took")).all("th")}
    assert {None, "none", "descending"} == heads
    assert "cannot be sorted by 'age'" in (await browser.page("/traces?sort=age", 400)).text


async def test_columns_are_chosen(browser: Browser) -> None:
    few = (await browser.page("/sessions?columns=cost")).all("th")

    assert 3 == len(few)  # the box, the session, the cost
    assert "have no column 'age'" in (await browser.page("/sessions?columns=age", 400)).text


async def test_every_row_previews_what_was_asked_and_answered(browser: Browser) -> None:
    for path in ("/traces", "/sessions"):
        assert "in Where is my order? out Where is my order?" in (await browser.page(path)).text


async def test_rows_are_taken_as_csv_without_formulas(tmp_path: Path, browser_over: Callable[..., Browser]) -> None:
    browser = browser_over(scene.write(tmp_path, *scene.run(agent="=1+1")))
    found = await browser.get("/traces.csv")
    rows = list(csv.DictReader(io.StringIO(found.text)))

    assert "text/csv; charset=utf-8" == found.headers["content-type"]
    assert ["'=1+1"] == [each["agent"] for each in rows]
    assert "360" == rows[0]["tokens.total"]


async def test_chosen_rows_are_compared_or_taken(browser: Browser) -> None:
    words = f"from={quote('/traces?since=7d')}&id={scene.TRACE}"
    compared = await browser.get(f"/pick?{words}&id={scene.OTHER}&do=compare", 303)
    taken = await browser.get(f"/pick?{words}&do=json", 303)

    assert f"/compare?a={scene.TRACE}&b={scene.OTHER}" == compared.headers["location"]
    assert [scene.TRACE] == [e["trace_id"] for e in (await browser.json(taken.headers["location"]))["traces"]]
    assert "two rows can be compared, 1 were chosen" in (await browser.get(f"/pick?{words}&do=compare", 400)).text
    assert "no row was chosen" in (await browser.get("/pick?from=/traces&do=csv", 400)).text
    assert 400 == (await browser.client.get(f"/pick?from={quote('//evil.example/')}&id=1&do=csv")).status_code


async def test_a_view_is_kept_in_a_file_and_offered_on_its_page(
    tmp_path: Path, browser_over: Callable[..., Browser]
) -> None:
    browser = browser_over(scene.write(tmp_path, *scene.run()))
    form = {"name": scene.EVIL[:50], "from": "/traces?agent=support&sort=cost"}
    kept = await browser.post("/views", form)
    page = await browser.page("/traces")

    assert (303, "/traces?agent=support&sort=cost") == (kept.status_code, kept.headers["location"])
    assert "/traces?agent=support&sort=cost" in [each["href"] for each in page.all("a")]
    assert [{"name": scene.EVIL[:50], "page": "/traces", "query": "agent=support&sort=cost"}] == json.loads(
        (tmp_path / "views.json").read_text(encoding="utf-8")
    )["views"]
    assert "views (1)" not in (await browser.page("/sessions")).text


@pytest.mark.parametrize(("name", "said"), [("", "needs a name"), ("x" * 61, "needs a name")])
async def test_a_view_without_a_proper_name_is_refused(name: str, said: str, browser: Browser) -> None:
    answer = await browser.post("/views", {"name": name, "from": "/traces"})

    assert (400, True) == (answer.status_code, said in answer.text)


async def test_where_nothing_may_be_written_no_view_is_kept(home: Path, browser_over: Callable[..., Browser]) -> None:
    browser = browser_over(home, writes=False)

    assert 400 == (await browser.post("/views", {"name": "a", "from": "/traces"})).status_code
    assert "Keep this view" not in (await browser.page("/traces")).text


async def test_a_foreign_page_keeps_no_view(browser: Browser) -> None:
    headers = {"origin": "https://evil.example"}
    answer = await browser.post("/views", {"name": "a", "from": "/traces"}, **headers)

    assert 403 == answer.status_code


async def test_the_search_box_offers_names_that_occur(browser: Browser) -> None:
    box = next(each for each in (await browser.page("/traces")).all("input") if each.get("id") == "q")

    assert ["support", "triage"] == json.loads(box["data-known"])["agent:"]
    assert isinstance(Parsed(box["data-known"]), Parsed)
