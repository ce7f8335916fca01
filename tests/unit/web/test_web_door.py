"""Who may look, what a page may do, and what the server never does."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
import web_scene as scene
from web_browser import Browser

from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.app import PAGES, build_app
from syndarix_obs_read.web.assets import STAMP
from syndarix_obs_read.web.authentication import given_token

TOKEN = "0123456789abcdef" * 2
NEEDS = {"/walk": "?run=s-1", "/diff": "?a=s-1&b=s-1",
         "/trace": f"?id={scene.TRACE}", "/step": f"?trace={scene.TRACE}&step=05", "/session": "?id=s-1",
         "/compare": "?before=s-1&after=s-1", "/interactions": "?run=s-1", "/annotate": "?run=s-1",
          "/report": "?run=s-1"}  # fmt: skip


@pytest.fixture
def guarded(home: Path, tmp_path: Path, browser_over: Callable[..., Browser]) -> Browser:
    """A browser over an explorer that wants a token."""
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    return browser_over(home, address=Address("0.0.0.0", 8766, path))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "obs.example", ""])
def test_a_public_address_without_a_token_is_refused_at_the_start(host: str, home: Path) -> None:
    with pytest.raises(SettingsError, match="--token-file"):
        build_app(ReadSettings(home=home), Address(host))


@pytest.mark.parametrize("path", [*(page.path for page in PAGES), "/static/style.css", "/step/part", "/logs/follow"])
async def test_without_a_token_there_is_nothing_to_see(path: str, guarded: Browser) -> None:
    answer = await guarded.get(path, 401)

    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert "support" not in answer.text


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {TOKEN}", f"bearer  {TOKEN}", "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()],
)
async def test_a_token_opens_the_door_as_bearer_or_as_password(authorization: str, guarded: Browser) -> None:
    await guarded.get("/", authorization=authorization)


@pytest.mark.parametrize(
    "authorization",
    [
        "", "Bearer", "Bearer wrong-token-of-16-signs", "Basic", "Basic !!!", f"Digest {TOKEN}",
        "Basic " + base64.b64encode(b"\xff").decode(), "Basic " + base64.b64encode(TOKEN.encode()).decode(),
    ],
)  # fmt: skip
async def test_anything_else_does_not(authorization: str, guarded: Browser) -> None:
    await guarded.get("/", 401, authorization=authorization)


async def test_a_machine_that_watches_needs_no_token(guarded: Browser) -> None:
    assert {"status": "ok", "backend": "embedded"} == (await guarded.get("/healthz")).json()


def test_a_password_may_hold_a_colon() -> None:
    assert "a:b" == given_token("Basic " + base64.b64encode(b"name:a:b").decode())


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8766", ""])
async def test_a_name_that_somebody_pointed_here_is_refused(host: str, browser: Browser) -> None:
    await browser.get("/", 421, host=host)


async def test_a_foreign_web_page_is_refused(browser: Browser) -> None:
    await browser.get("/traces.json", 403, origin="https://evil.example")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [*(page.path for page in PAGES), "/logs/follow", "/step/part", "/static/style.css"])
async def test_nothing_can_be_changed(method: str, path: str, browser: Browser) -> None:
    assert 405 == (await browser.client.request(method, path)).status_code


@pytest.mark.parametrize(
    "path",
    [*(page.path + NEEDS.get(page.path, "") for page in PAGES), "/traces.json", "/static/style.css", "/nowhere"],
)
async def test_a_page_may_run_and_load_only_what_this_server_gave_it(path: str, browser: Browser) -> None:
    headers = (await browser.client.get(path)).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))

    assert "'self'" == policy["default-src"]
    assert {"script-src", "style-src", "img-src", "connect-src"}.isdisjoint(policy)
    assert ("'none'", "'none'", "'self'") == (policy["base-uri"], policy["frame-ancestors"], policy["form-action"])
    assert "nosniff" == headers["X-Content-Type-Options"]
    assert "no-referrer" == headers["Referrer-Policy"]
    assert "same-origin" == headers["Cross-Origin-Resource-Policy"]


async def test_refusals_carry_the_policy_too(browser: Browser) -> None:
    assert "Content-Security-Policy" in (await browser.get("/", 421, host="evil.example")).headers


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
async def test_a_page_asks_nobody_else_and_carries_no_code_or_style_of_its_own(page: object, browser: Browser) -> None:
    path = getattr(page, "path", "")
    found = await browser.page(path + NEEDS.get(path, ""))

    loaded = [each.get("src") or each.get("href") for tag in ("script", "link", "img") for each in found.all(tag)]
    assert {"/"} == {str(each)[:1] for each in loaded}
    assert [] == found.all("style")
    assert [] == [each for _, each in found.elements if "style" in each]


def test_our_files_ask_nobody_else_and_make_no_code_from_text() -> None:
    folder = files("syndarix_obs_read.web").joinpath("static")
    texts = {each.name: each.read_text(encoding="utf-8") for each in folder.iterdir() if each.is_file()}

    assert {"style.css", "drawings.css", "explorer.js", "icon.svg"} <= set(texts)
    texts["icon.svg"] = texts["icon.svg"].replace('xmlns="http://www.w3.org/2000/svg"', "")  # a name, no address
    elsewhere = re.compile(r"https?:|@import|url\(|//[a-z]+\.")
    assert [] == [name for name, text in texts.items() if elsewhere.search(text)]
    code = re.compile(r"\beval\b|new Function|document\.write|setTimeout\(['\"]")
    assert [] == [name for name, text in texts.items() if code.search(text)]
    imported = {name for text in texts.values() for name in re.findall(r'from "\./([\w-]+\.js)"', text)}
    assert {name for name in texts if name.endswith(".js")} == imported | {"explorer.js", "early.js"}


VENDORED = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uPlot-LICENSE.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
"""What others wrote, as npm has it in uplot 1.6.32 (MIT), by SHA-256: a file that was changed is found."""


def test_what_others_wrote_is_unchanged_and_carries_its_licence() -> None:
    folder = files("syndarix_obs_read.web").joinpath("static", "vendor")

    assert VENDORED == {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}
    assert "The MIT License" in folder.joinpath("uPlot-LICENSE.txt").read_text(encoding="utf-8")


async def test_pages_are_not_kept_and_files_are_kept_as_long_as_they_do_not_change(browser: Browser) -> None:
    kept = {path: (await browser.get(path)).headers["Cache-Control"]
            for path in ("/", "/traces.json", "/static/style.css", f"/static/{STAMP}/style.css")}  # fmt: skip

    assert ["no-store", "no-store", "no-cache", "public, max-age=31536000, immutable"] == list(kept.values())


async def test_a_page_names_the_files_with_their_stamp(browser: Browser) -> None:
    found = await browser.page("/")

    assert f"/static/{STAMP}/explorer.js" == found.all("script")[-1]["src"]
