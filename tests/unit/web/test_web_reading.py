"""Texts, values and messages as people read them: rendered, and never more than text."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_browser import Parsed

from syndarix_obs_read.answers.message_parts import Part, read_messages
from syndarix_obs_read.answers.step import compare_prompts
from syndarix_obs_read.web.parts import json_tree, markdown


def tags(text: str) -> list[str]:
    """Elements of a rendered text."""
    return [tag for tag, _ in Parsed(markdown.rendered(text).text).elements][1:]


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("plain\ntext", ["p"]),
        ("# Head\nbody", ["p", "p"]),
        ("a **b** `c` *d*", ["p", "strong", "code", "em"]),
        ("- one\n- two\n  - three", ["ul", "li", "li", "li"]),
        ("1. one\n2. two", ["ul", "li", "li"]),
        ("```python\nx = 1\n```\nafter", ["pre", "code", "p"]),
        ("```\nnever closed", ["pre", "code"]),
        ("> said\n> so", ["blockquote"]),
        ("| a | b |\n|---|---|\n| 1 | 2 |",
         ["div", "table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]),
        ("see [the page](https://x.example/a)", ["p", "a"]),
        ("[no](javascript:alert(1))", ["p"]),
        ("snake_case_name and 2*3*4", ["p"]),
    ],
)  # fmt: skip
def test_markdown_becomes_elements(text: str, elements: list[str]) -> None:
    assert elements == tags(text)


@given(st.text())
def test_no_text_becomes_an_element_of_its_own(text: str) -> None:
    known = {"div", "p", "pre", "code", "ul", "li", "strong", "em", "blockquote", "hr", "a", "table", "thead", "tbody",
             "tr", "th", "td"}  # fmt: skip
    found = Parsed(markdown.rendered(text + "<script>x</script>" + text).text).elements

    assert {tag for tag, _ in found} <= known
    assert [] == [name for _, attributes in found for name in attributes if name not in ("class", "href", "rel")]


@pytest.mark.parametrize("piece", ["[", "`", "**a", "*", "](", "|a|\n", "> ", "- ", "https://a", "[a](https://"])
def test_no_text_takes_long(piece: str) -> None:
    begun = time.perf_counter()
    markdown.rendered(piece * (4_000 // len(piece)))

    assert time.perf_counter() - begun < 0.5


def test_a_value_is_a_tree_that_is_cut_and_says_so() -> None:
    page = Parsed(json_tree.tree({"rows": [{"at": n, "inner": {"deep": [n]}} for n in range(500)]}, "/whole").text)

    assert "cut after 400 values · show everything" in page.text
    assert "{1 field}" in page.text
    assert len(page.all("li")) < 900


def test_a_value_that_holds_itself_deeply_is_cut() -> None:
    value: Any = "end"
    for _ in range(200):
        value = {"in": {"x": 1, "y": [value]}}

    assert len(json_tree.tree(value, None).text) < 20_000


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("hello", [("text", "", "hello")]),
        ({"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url":
            {"url": "https://x.example/a.png"}}]}, [("text", "", "a"), ("media", "image_url", "https://x.example/a.png")]),
        ({"role": "user", "content": [{"type": "image", "source":
            {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]}, [("media", "image/png", None)]),
        ({"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1}'}}]},
         [("call", "f", {"a": 1})]),
        ({"role": "tool", "content": '{"ok": true}'}, [("result", "", {"ok": True})]),
        ({"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "tool_use", "name": "g",
            "input": {}}]}, [("thinking", "", "hm"), ("call", "g", {})]),
        ({"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "[1]"}]}]},
         [("result", "", [1])]),
        ({"type": "function_call", "name": "h", "arguments": "{"}, []),
    ],
)  # fmt: skip
def test_messages_of_every_shape_have_parts(message: Any, parts: list[tuple[str, str, Any]]) -> None:
    found = [part for each in read_messages([message]) for part in each.parts]

    assert parts == [(each.kind, each.name, each.value) for each in found]


def test_an_image_inside_a_message_is_named_by_its_kind_and_size() -> None:
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}

    assert (Part(kind="media", name="image/png", size=26),) == read_messages([message])[0].parts


def said(*texts: str, role: str = "user") -> list[dict[str, str]]:
    """Messages of one role."""
    return [{"role": role, "content": text} for text in texts]


ANSWER = said("hello", role="assistant")


@pytest.mark.parametrize(
    ("before", "answered", "told", "known", "gone"),
    [
        (said("a"), ANSWER, [*said("a"), *ANSWER, *said("b")], 2, ()),
        (said("a"), ANSWER, said("a"), 1, ()),
        (said("a", "b"), None, said("b", "c"), 0, tuple(said("a"))),
        (said("a", "b"), None, said("a", "x"), 1, tuple(said("b"))),
        (None, None, said("a"), 0, ()),
    ],
)
def test_what_is_new_in_a_prompt_is_what_the_call_before_had_not(
    before: Any, answered: Any, told: list[Any], known: int, gone: tuple[Any, ...]
) -> None:
    assert (known, gone) == compare_prompts(before, answered, told)
