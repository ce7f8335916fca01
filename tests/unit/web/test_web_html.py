"""Elements: text stays text, whatever it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_browser import Parsed

from syndarix_obs_read.web.html import NOTHING, Html, el, escape, external, joined

anything = st.text(st.characters(codec="utf-8"))


def test_text_and_numbers_are_escaped_and_elements_are_not() -> None:
    assert Html("<p>a &lt;b&gt; 3<b>c</b></p>") == el("p", "a <b> ", 3, None, [el("b", "c")])


def test_attributes_are_escaped_named_for_html_and_left_away_when_there_is_nothing_to_say() -> None:
    shown = el("label", for_="f", aria_label='"<', cls="x", hidden=True, title=None, open=False, tabindex=0)

    assert '<label for="f" aria-label="&quot;&lt;" class="x" hidden tabindex="0"></label>' == shown.text


def test_elements_without_an_inside_have_no_end() -> None:
    assert '<input name="a">' == el("input", name="a").text
    assert '<svg><rect x="1"/><rect x="2"/></svg>' == el("svg", el("rect", x=1), el("rect", x=2)).text


@pytest.mark.parametrize("attribute", ["onclick", "on_load", "style"])
def test_code_and_style_in_an_attribute_are_a_mistake_of_ours(attribute: str) -> None:
    with pytest.raises(ValueError, match="policy"):
        el("a", **{attribute: "x"})


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "/\\evil.example", " /x", "JAVASCRIPT:", ""]
)
def test_an_address_leads_to_a_page_of_ours_or_to_the_web(target: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        el("a", href=target)


def test_an_address_of_a_record_is_followed_only_to_the_web() -> None:
    assert ["https://x", "http://x", None, None] == [
        external(each) for each in ("https://x", "http://x", "javascript:x", "")
    ]


def test_control_characters_and_broken_ones_are_shown_as_such() -> None:
    assert "a\ufffd\ufffd\ufffd\n\tb" == escape("a\x00\x1b\ud800\n\tb")


def test_nothing_is_nothing() -> None:
    assert NOTHING == joined([None, [], ""])


@given(anything, anything)
def test_a_browser_reads_back_exactly_what_was_put_in(text: str, attribute: str) -> None:
    page = Parsed(el("p", text, title=attribute).text)

    assert [("p", {"title": escaped(attribute)})] == page.elements
    assert escaped(text) == "".join(page.words)


def escaped(text: str) -> str:
    """Text with control characters replaced, as `escape` does."""
    return "".join("\ufffd" if not each.isprintable() and escape(each) == "\ufffd" else each for each in text)
