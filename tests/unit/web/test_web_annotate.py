"""Notes in place: who said what and when; and who may write at all."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
import web_scene as scene
from web_browser import Browser

from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.web.form_token import LASTS_S, FormTokens

STEP = "00000000000000aa"
TOKEN = "0123456789abcdef" * 2
FOREIGN = {"host": "obs.example"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store of its own, because notes are written to it."""
    step = scene.make(scene.r.ToolRecord, scene.TRACE, STEP, "02", 5, 1, tool="refund", **scene.WHO)
    return scene.write(tmp_path, *scene.run(), step)


@pytest.fixture
def browser(home: Path, browser_over: Callable[..., Browser]) -> Browser:
    """A browser over it."""
    return browser_over(home, EmbeddedBackend(store_path(home)), allowed_hosts="obs.example")


async def test_everything_that_is_said_is_kept_with_who_and_when_and_shown(browser: Browser) -> None:
    said = {"note": "promised twice", "label": "bug", "thumbs": "down", "outcome": "failure", "author": "Ada"}
    answer = await browser.post("/note", {"run": "s-1", **said})
    found = (await browser.json("/annotate.json?run=s-1"))["said"]
    page = await browser.page("/annotate?run=s-1")

    assert (303, "/annotate?run=s-1") == (answer.status_code, answer.headers["location"])
    ours = [each for each in found if each["author"] == "Ada"]
    assert {("note", "bug", "", "promised twice"), ("feedback", "thumbs", "down", ""),
            ("outcome", "outcome", "failure", "")} == {
        (each["kind"], each["label"], each["value"], each["text"]) for each in ours
    }  # fmt: skip
    assert "promised twice" in page.text
    assert "Ada" in page.text


async def test_a_note_on_a_step_is_found_with_the_step_alone(browser: Browser) -> None:
    await browser.post("/note", {"run": scene.TRACE[:8], "step": STEP, "note": "too slow", "thumbs": "up"})
    found = (await browser.json(f"/annotate.json?run=s-1&step={STEP}"))["said"]

    assert {"too slow", ""} == {each["text"] for each in found}
    assert {STEP} == {each["target"] for each in found}


async def test_a_late_note_makes_no_trace_longer(browser: Browser) -> None:
    before = (await browser.json(f"/trace.json?id={scene.TRACE}"))["trace"]["duration_ms"]
    await browser.post("/note", {"run": "s-1", "note": "later"})
    assert before == (await browser.json(f"/trace.json?id={scene.TRACE}"))["trace"]["duration_ms"]


@pytest.mark.parametrize("path", ["/note", "/score", "/views"])
@pytest.mark.parametrize("token", ["", "1.abc", "9" * 12 + "." + "0" * 64])
async def test_a_form_without_a_token_of_ours_is_refused(path: str, token: str, browser: Browser) -> None:
    fields = {"run": "s-1", "session_id": "s-1", "note": "x", "name": "a", "value": "1", "form_token": token}
    answer = await browser.client.post(path, data=fields)

    assert (403, True) == (answer.status_code, "load the page again" in answer.text)
    assert "x" not in {each["text"] for each in (await browser.json("/annotate.json?run=s-1"))["said"]}


async def test_a_program_needs_a_form_token_too_and_gets_one(browser: Browser) -> None:
    said = {"run": "s-1", "note": "from a program"}
    without = await browser.client.post("/note", json=said)
    token = (await browser.get("/form-token")).text
    answer = await browser.client.post("/note", json=said, headers={"x-form-token": token})

    assert [403, 201] == [without.status_code, answer.status_code]
    assert {"kept": ["note"], "delivered": True} == {k: answer.json()[k] for k in ("kept", "delivered")}


async def test_from_the_network_nobody_writes_without_the_operators_token(browser: Browser) -> None:
    for headers in (FOREIGN, {"x_forwarded_for": "192.0.2.7"}):
        answer = await browser.post("/note", {"run": "s-1", "note": "x"}, **headers)
        assert (403, True) == (answer.status_code, "--token-file" in answer.text)


async def test_another_site_is_refused_whatever_it_sends(browser: Browser) -> None:
    assert 403 == (await browser.post("/note", {"run": "s-1", "note": "x"}, sec_fetch_site="cross-site")).status_code
    assert 403 == (await browser.post("/note", {"run": "s-1", "note": "x"}, origin="https://evil.example")).status_code


async def test_with_the_operators_token_a_browser_writes_under_its_name_and_a_program_without_a_form(
    home: Path, tmp_path: Path, browser_over: Callable[..., Browser]
) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    guarded = browser_over(home, EmbeddedBackend(store_path(home)), Address("0.0.0.0", 8766, path))
    login = "Basic " + base64.b64encode(f"Grace:{TOKEN}".encode()).decode()
    bearer = {"authorization": f"Bearer {TOKEN}"}

    token = (await guarded.get("/form-token", authorization=login)).text
    fields = {"run": "s-1", "note": "by hand", "form_token": token}
    by_hand = await guarded.client.post("/note", data=fields, headers={"authorization": login})
    without = await guarded.client.post("/note", data={**fields, "form_token": ""}, headers={"authorization": login})
    program = await guarded.client.post("/note", json={"run": "s-1", "note": "by program"}, headers=bearer)
    nobody = await guarded.client.post("/note", json={"run": "s-1", "note": "x"})

    assert [303, 403, 201, 401] == [each.status_code for each in (by_hand, without, program, nobody)]
    said = (await guarded.get("/annotate.json?run=s-1", authorization=login)).json()["said"]
    authors = {each["text"]: each["author"] for each in said}
    assert "Grace" == authors["by hand"]
    assert authors["by program"] not in (None, "Grace")  # the token's own name


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"run": "s-1"}, "nothing was said"),
        ({"run": "", "note": "x"}, "no run was named"),
        ({"run": "s-1", "thumbs": "sideways"}, "up or down"),
        ({"run": "s-1", "note": "x" * 4_001}, "4,000 characters"),
        ({"run": "s-1", "note": "x", "colour": "red"}, "no such field: colour"),
        ({"run": "s-1", "step": "0" * 16, "note": "x"}, "no step"),
        ({"run": "nowhere", "note": "x"}, "nowhere"),
    ],
)
async def test_what_cannot_be_kept_is_explained(fields: dict[str, str], words: str, browser: Browser) -> None:
    answer = await browser.post("/note", fields)
    assert (400, True) == (answer.status_code, words in answer.json()["error"])


async def test_where_writing_is_switched_off_there_is_no_form_and_no_way(
    home: Path, browser_over: Callable[..., Browser]
) -> None:
    quiet = browser_over(home, EmbeddedBackend(store_path(home)), writes=False)
    page = await quiet.page("/annotate?run=s-1")

    assert [] == [each for each in page.all("form") if each.get("method") == "post"]
    assert 400 == (await quiet.post("/note", {"run": "s-1", "note": "x"})).status_code


def test_a_form_token_lasts_a_working_day_and_fits_no_other_server() -> None:
    now = [1_000_000.0]
    one, other = FormTokens(lambda: now[0]), FormTokens(lambda: now[0])
    token = one.make()
    assert [True, False] == [one.fits(token), other.fits(token)]
    now[0] += LASTS_S + 60
    assert not one.fits(token)


async def test_chosen_rows_are_annotated_together(browser: Browser) -> None:
    listed = await browser.page("/traces")
    chosen = await browser.get(f"/pick?from=/traces&id={scene.TRACE}&do=annotate", 303)
    page = await browser.page(chosen.headers["location"])
    kept = await browser.post("/note", {"runs": scene.TRACE, "label": "bug", "note": "seen by eye"})
    found = (await browser.json(f"/annotate.json?run={scene.TRACE}"))["said"]

    assert "annotate" in [each.get("value") for each in listed.all("button")]
    assert [scene.TRACE] == [each["value"] for each in page.all("input") if each.get("name") == "runs"]
    assert (303, f"/annotate?runs={scene.TRACE}") == (kept.status_code, kept.headers["location"])
    assert "seen by eye" in [each["text"] for each in found]


async def test_of_several_runs_none_is_annotated_unless_all_are_there(browser: Browser) -> None:
    refused = await browser.post("/note", {"runs": "s-1,nobody", "note": "x"})

    assert (400, True) == (refused.status_code, "nobody" in refused.text)
    assert "x" not in [each["text"] for each in (await browser.json("/annotate.json?run=s-1"))["said"]]
    assert 400 == (await browser.get("/annotate?runs=" + ",".join(map(str, range(101))), 400)).status_code
