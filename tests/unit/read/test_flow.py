"""What follows what, over many runs."""

from __future__ import annotations

from syndarix_obs_read.answers.flow import END, START, collapsed, directly_follows, mermaid, weighed

RUNS = [("a", "b", "c"), ("a", "c"), ("a", "b", "c"), ("b", "b"), ()]


def test_edges_starts_ends_and_variants_are_counted() -> None:
    found = directly_follows(RUNS)
    assert {("a", "b"): 2, ("b", "c"): 2, ("a", "c"): 1, ("b", "b"): 1} == found.edges
    assert {"a": 3, "b": 1} == found.starts
    assert {"c": 3, "b": 1} == found.ends
    assert {("a", "b", "c"): 2, ("a", "c"): 1, ("b", "b"): 1} == found.variants


def test_a_tool_called_again_and_again_is_one_step() -> None:
    assert ("a", "b", "a") == collapsed(("a", "a", "b", "b", "b", "a"))


def test_edges_of_failures_come_first() -> None:
    failed, other = [("look", "pay")] * 8, [("look", "ask", "pay")] * 40 + [("look", "pay")]
    found = weighed(failed, other)
    assert ("look", "pay") == found[0].edge
    assert (8, 1) == (found[0].failed_runs, found[0].other_runs)
    assert found[0].lift > 20


def test_rare_edges_are_left_out() -> None:
    assert {(START, "a"), ("a", END)} == {each.edge for each in weighed([("a",)], [("a",), ("b",)], least=2)}


def test_mermaid_text_cannot_be_broken_by_a_name() -> None:
    text = mermaid([(('say "hi"]\n end', "<b>#1"), "2×", True)])
    assert "flowchart TD" == text.splitlines()[0]
    assert '"say #quot;hi#quot;]  end"' in text
    assert "#lt;b#gt;#35;1" in text
    assert "linkStyle 0" in text
