"""Reading what other processes report: nothing is lost when the store cannot be read for a while."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs import vocabulary as v
from syndarix_obs.store.reports import StoredReports


def call(obs: ObservabilityPlatform) -> None:
    """One call, stored."""
    with obs.llm(provider="openai", model="gpt-4o") as made:
        made.response(usage={"prompt_tokens": 10, "completion_tokens": 1})
    assert obs.flush(5)


def test_lines_that_came_while_the_store_could_not_be_read_are_news_afterwards(tmp_path: Path) -> None:
    with ObservabilityPlatform(Settings(home=tmp_path, set_global=False)) as obs:
        call(obs)
        stored = StoredReports(tmp_path / "store.sqlite3")
        assert stored.ready()
        assert [] == stored.news()
        stored.close()  # as after every error
        call(obs)
        assert stored.ready()
        assert 1 == len(stored.news())
        stored.close()


def test_a_record_takes_the_place_of_a_coding_agents_step_only(tmp_path: Path) -> None:
    with ObservabilityPlatform(Settings(home=tmp_path, set_global=False)) as obs:
        with obs.session(agent="a", session_id="s"):
            with obs.llm(provider="openai", model="gpt-4o") as made:
                made.response(usage={"prompt_tokens": 10, "completion_tokens": 1})
            with obs.tool("search") as tool:
                tool.set_attribute(v.REPLACES, f"{made.get_span_context().span_id:016x}")
        assert obs.flush(5)
    with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as store:
        assert {"session", "llm_call", "tool_call"} == {row[0] for row in store.execute("SELECT kind FROM records")}
