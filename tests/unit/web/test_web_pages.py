"""What each page answers, over the embedded store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import web_scene as scene
from web_browser import Browser, Parsed

from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.traces import search_traces
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.timerange import parse_range
from syndarix_obs_read.web.app import PAGES
from syndarix_obs_read.web.view import Page

ODD = "s/../2?x=1&y#z"
NEEDS = {"/walk": "?run=s-1", "/diff": "?a=s-1&b=s-1",
         "/trace": f"?id={scene.TRACE}", "/step": f"?trace={scene.TRACE}&step=05", "/session": "?id=s-1",
         "/compare": "?before=s-1&after=s-1", "/interactions": "?run=s-1",
         "/annotate": "?run=s-1"}  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
async def test_every_page_has_one_title_one_main_part_and_its_twin(page: Page, browser: Browser) -> None:
    found = await browser.page(page.path + NEEDS.get(page.path, ""))

    assert 1 == len(found.all("h1")) == len(found.all("main")) == found.titles
    assert "en" == found.all("html")[0]["lang"]
    twin = next(each["href"] for each in found.all("a") if ".json" in each["href"])
    assert await browser.json(twin)


PREVIEW = ("input", "output")
"""What the rows of a page say beside the answer's model."""
TEXTS = {"/step/curl", "/step/pytest"}
"""Addresses of text, which no page of the navigation is."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
async def test_every_field_has_a_label_and_every_link_leads_to_a_page(page: Page, browser: Browser) -> None:
    found = await browser.page(page.path + NEEDS.get(page.path, ""))
    labelled = {each["for"] for each in found.all("label")}
    fields = [each for tag in ("input", "select") for each in found.all(tag) if each.get("type") != "hidden"]

    assert [] == [each for each in fields if each.get("id") not in labelled and not each.get("aria-label")]
    ours = {urlsplit(each["href"]).path for each in found.all("a") if each["href"].startswith("/")}
    twins = {each.twin.replace("json", form) for each in PAGES for form in ("json", "csv")}
    assert set() == ours - {each.path for each in PAGES} - twins - TEXTS


async def test_the_overview_says_cost_calls_errors_sessions_agents_models_and_health(browser: Browser) -> None:
    text = (await browser.page("/")).text

    for said in ("this month", "~ $0.024 +2?", "model calls 6", "failures 2", "support", "triage", "gpt-x", "prices",
                 "Alerts need the stack."):  # fmt: skip
        assert said in text


async def test_the_twin_of_a_page_with_one_answer_is_the_answers_model(home: Path, browser: Browser) -> None:
    backend = EmbeddedBackend(store_path(home))
    answer = json.loads((await search_traces(backend, Filter(), parse_range("24h"), 50)).model_dump_json())
    await backend.close()
    found = await browser.json("/traces.json")

    plain = [{name: value for name, value in each.items() if name not in PREVIEW} for each in found["traces"]]
    assert answer["traces"] == plain
    assert all(found["traces"][0][name] for name in PREVIEW)
    assert set(answer) == set(found)


async def test_the_twin_of_a_page_with_several_answers_names_them(browser: Browser) -> None:
    found = await browser.json(f"/trace.json?id={scene.TRACE}&step=05")

    assert {"trace", "explanation", "step"} == set(found)
    assert "05" == found["step"]["span"]["span_id"]


@pytest.mark.parametrize(
    ("words", "traces"),
    [
        ("agent=triage", 1), ("agent=support", 1), ("project=acme", 2), ("user=u_0123456789abcdef", 2),
        ("status=error", 2), ("text=my+order", 2), ("text=nowhere", 0), ("min_cost=0.01", 2), ("min_cost=%245", 0),
        ("min_duration=5s", 2), ("min_duration=1h", 0), ("model=gpt-x", 2), ("tool=lookup", 1), ("since=5m", 0),
        ("agent=", 2), ("limit=1", 1),
    ],
)  # fmt: skip
async def test_traces_are_narrowed_by_the_words_of_the_address(words: str, traces: int, browser: Browser) -> None:
    assert traces == len((await browser.json(f"/traces.json?{words}"))["traces"])


async def test_what_was_asked_for_stays_in_the_form(browser: Browser) -> None:
    found = await browser.page("/traces?agent=triage&status=error&min_cost=0.001&since=7d")

    values = {each["name"]: each.get("value") for each in found.all("input")}
    assert ("triage", "0.001", "7d") == (values["agent"], values["min_cost"], values["since"])
    assert ["error"] == [each["value"] for each in found.all("option") if "selected" in each]
    assert "open" in found.all("details")[0]


async def test_names_are_suggested(browser: Browser) -> None:
    options = [each.get("value") for each in (await browser.page("/traces")).all("option")]

    assert {"support", "triage", "acme", "gpt-x", "lookup"} <= set(options)


async def test_the_time_goes_along_to_other_pages_and_other_words_do_not(browser: Browser) -> None:
    found = await browser.page("/traces?since=7d&agent=triage")

    sessions = next(each["href"] for each in found.all("a") if each["href"].startswith("/sessions"))
    assert "/sessions?since=7d" == sessions


async def test_a_trace_shows_its_steps_as_a_tree_over_time_with_tokens_and_dollars(browser: Browser) -> None:
    found = await browser.page(f"/trace?id={scene.TRACE[:7]}")

    for said in ("session support ended with outcome resolved", "loop ×4", "gpt-x", "120", "$0.01", "chose lookup"):
        assert said in found.text
    lines = [each for each in found.all("a") if "line" in each.get("class", "").split()]
    assert 12 == len(lines)
    assert 12 == len([each for each in found.all("svg") if each.get("class", "").startswith("span")])
    assert [] == [each for _, each in found.elements if "style" in each]


async def test_a_step_shows_messages_arguments_results_choice_error_and_attributes(browser: Browser) -> None:
    pages = {step: (await browser.page(f"/step?trace={scene.TRACE}&step={step}")).text for step in ("05", "06", "07")}

    assert "system Where is my order? user Where is my order?" in pages["05"]
    assert "tokens in 100" in pages["05"]
    assert "choice lookup ask Where is my order? confidence 0.80 reasoning Where is my order?" in pages["06"]
    assert "shop.lookup no answer: Where is my order?" in pages["07"]
    assert 'said ["Where is my order?", 1, null]' in pages["07"]
    assert "events exception lookup: Where is my order?" in pages["07"]
    assert "loop_count 4" in pages["07"]


async def test_a_step_opens_beside_its_trace_and_leads_to_its_neighbours(browser: Browser) -> None:
    found = await browser.page(f"/trace?id={scene.TRACE}&step=05")
    part = Parsed((await browser.get(f"/step/part?trace={scene.TRACE}&step=05")).text)

    assert ["04", "06"] == [each["data-step"] for each in part.all("a") if "data-step" in each]
    assert [] == part.all("html")
    chosen = [each["id"] for each in found.all("a") if each.get("aria-current") == "true" and "data-step" in each]
    assert ["step-05"] == chosen
    assert "hidden" not in next(each for each in found.all("aside") if each.get("id") == "step")


async def test_a_log_line_is_a_step_beside_the_span_it_was_logged_in(browser: Browser) -> None:
    text = (await browser.page(f"/step?trace={scene.TRACE}&step=07~2")).text

    assert "log lookup" in text
    assert "message Where is my order?" in text


async def test_a_session_shows_its_traces_decisions_costs_and_timeline(browser: Browser) -> None:
    text = (await browser.page("/session?id=s-1")).text

    for said in ("resolved", "aaaaaaaa", "tool_selection", "Cost by model", "guess", "Timeline", "+4.00s"):
        assert said in text


async def test_a_session_is_found_whatever_its_id_looks_like(browser: Browser) -> None:
    found = await browser.page("/sessions?agent=triage")
    link = next(each["href"] for each in found.all("a") if each["href"].startswith("/session?"))

    assert ODD in (await browser.page(link)).text


async def test_estimated_and_unpriced_calls_stand_apart_and_are_never_zero(browser: Browser) -> None:
    found = await browser.page("/costs?by=model")

    assert "house-1 – 2 240 200" in found.text
    assert "guess" in found.text
    assert "~$0.004" in found.text
    assert "2 calls" in found.text
    assert "No known price, in no sum: house-1" in found.text
    assert "$0 " not in found.text


async def test_costs_are_grouped_by_several_dimensions(browser: Browser) -> None:
    assert ["agent", "model"] == (await browser.json("/costs.json?by=agent,model"))["by"]
    assert "agent, model" in (await browser.page("/costs?by=agent,model")).text


async def test_costs_by_day_have_a_column_each(browser: Browser) -> None:
    found = await browser.page("/costs?by=day")

    assert any(each.get("class") == "days" for each in found.all("ol"))


async def test_a_budget_that_is_nearly_spent_stands_out(home: Path, browser_over: Callable[..., Browser]) -> None:
    found = await browser_over(home, monthly_budget_usd="0.025").page("/")

    assert "96% of $0.025" in found.text
    assert any("tile is-warning" in each.get("class", "") for each in found.all("a"))


async def test_agents_have_quantiles_success_tools_and_loops(browser: Browser) -> None:
    text = (await browser.page("/agents")).text

    assert "support 1 100% 1 – 2.00s 2.00s 2.00s 250ms 360" in text
    assert "1 of 1 safety checks did not pass" in text


async def test_errors_are_grouped_and_lead_to_an_example(browser: Browser) -> None:
    found = await browser.page("/errors?agent=support")

    link = next(each["href"] for each in found.all("a") if each["href"].startswith("/trace?"))
    assert {"id": [scene.TRACE], "step": ["07"]} == parse_qs(urlsplit(link).query)
    assert "Loops, an error nobody raised" in found.text


async def test_decisions_come_as_patterns_and_one_by_one(browser: Browser) -> None:
    text = (await browser.page("/decisions?agent=support")).text

    assert "Patterns" in text
    assert "tool_selection lookup" in text
    assert "led to resolved" in text


async def test_logs_are_narrowed_by_level_and_kind(browser: Browser) -> None:
    found = await browser.json("/logs.json?level=warning&kind=app")

    assert {("warning", "app")} == {(each["level"], each["kind"]) for each in found["lines"]}


async def test_a_second_prompt_says_what_was_new_in_it(tmp_path: Path, browser_over: Callable[..., Browser]) -> None:
    first = {"system": "Be kind.", "input": [{"role": "user", "content": "one"}],
             "output": [{"role": "assistant", "content": "two"}]}  # fmt: skip
    second = {"system": "Be brief.", "input": [*first["input"], *first["output"], {"role": "user", "content": "three"}]}
    calls = [scene.make(scene.r.LLMRecord, f"{at:032x}", "05", None, at, 1, name="chat", payload=payload, **scene.WHO)
             for at, payload in ((0, first), (5, second))]  # fmt: skip
    browser = browser_over(scene.write(tmp_path, *calls))
    words = f"trace={5:032x}&step=05"
    text = (await browser.page(f"/step?{words}")).text
    change = (await browser.json(f"/step.json?{words}"))["prompt_change"]

    assert "1 message was new in this prompt, compared with the call before" in text
    assert "2 messages as in the call before" in text
    assert ["- Be kind.", "+ Be brief."] == change["instructions"]
    assert (f"{0:032x}", 2, 1, []) == tuple(change[name] for name in ("trace_id", "known", "new", "gone"))
    assert "new in this prompt" not in (await browser.page(f"/step?trace={0:032x}&step=05")).text


async def test_a_step_is_taken_along_as_curl_and_as_a_test(browser: Browser) -> None:
    asked = f"trace={scene.TRACE}&step"
    curl = (await browser.get(f"/step/curl?{asked}=05")).text
    tool = (await browser.get(f"/step/pytest?{asked}=07")).text
    model = (await browser.get(f"/step/pytest?{asked}=05")).text

    assert curl.startswith('curl "https://api.openai.com/v1/chat/completions"')
    assert '"Where is my order?"' in curl
    for code in (tool, model):
        compile(code, "taken", "exec")
    assert "def test_lookup_fails_no_more(lookup):" in tool
    assert "def test_gpt_x_answers_as_recorded(ask):" in model
    assert 404 == (await browser.client.get(f"/step/curl?{asked}=07")).status_code
    assert 404 == (await browser.client.get(f"/step/pytest?{asked}=zz")).status_code
    assert 400 == (await browser.client.get("/step/curl")).status_code


async def test_a_session_is_a_conversation(browser: Browser) -> None:
    found = await browser.page("/session?id=s-1")
    said = [each for each in found.all("li") if "utterance" in each.get("class", "")]

    assert len(said) > 3
    assert "user to support Where is my order?" in found.text
    assert "choice lookup" not in found.text
    assert "tool_selection chose lookup over ask" in found.text


async def test_the_overview_draws_what_happened_over_time_and_leads_there(browser: Browser) -> None:
    found = await browser.page("/?since=1h")
    charts = [json.loads(each["data-chart"]) for each in found.all("figure")]
    links = [each["href"] for each in found.all("a") if "until=" in each["href"] and each["href"].startswith("/traces")]

    assert [2, 1, 3, 1] == [len(each["lines"]) for each in charts]
    assert 2 == sum(charts[0]["lines"][0]["values"])
    assert ["/traces", "/traces?status=error", "/traces", "/traces"] == [each["path"] for each in charts]
    assert all("since=" in each for each in links)
    assert await browser.page(links[0])


async def test_only_pages_of_the_present_follow_what_is_recorded(browser: Browser) -> None:
    places = [[each for each in (await browser.page(path)).all("p") if each.get("id") == "live"]
              for path in ("/", "/traces", "/sessions", "/traces?until=now", "/costs")]  # fmt: skip

    assert [1, 1, 1, 0, 0] == [len(each) for each in places]
