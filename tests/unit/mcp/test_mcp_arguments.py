"""Every argument of every tool reaches the store as data, through the SDK's own client."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import mcp_scene as scene
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from mcp import Client

from syndarix_obs_read.mcp.server import TOOLS, build_server
from syndarix_obs_read.settings import ReadSettings

NASTY = (
    "' OR 1=1 --", '"; DROP TABLE records; --', "%", "a%b_c", "\\", '\\"', "{}", "${x}", "[1]", "null",
    '{"order": "4711"}', "[a-z]+(.*)", "\n\r\t", "\x00", "NEAR(a b)", "text:foo", "?1", "é😀",
)  # fmt: skip
STACK = {"list_alerts", "trigger_alert", "silence_alert", "query_metrics", "query_logs", "query_traces"}
WRITES = {"add_annotation", "give_score"}
NAMES = sorted(spec.name for spec in TOOLS if spec.name not in STACK | WRITES)


def takes_text(schema: dict[str, Any]) -> bool:
    """Whether an argument may be any text."""
    kinds = [schema, *schema.get("anyOf", ())]
    return any(kind.get("type") == "string" and "enum" not in kind for kind in kinds)


def is_answer(result: Any) -> bool:
    """Whether a result is an answer, or an error in words of ours."""
    text = result.content[0].text
    ours = ("there is no", "the run ", "cannot read the", "no ", "1 validation error")
    return not result.is_error or text.startswith(ours)


async def asked(home: Path, name: str, texts: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Arguments that were not answered: (argument, text, what came back)."""
    wrong = []
    async with Client(build_server(ReadSettings(home=home))) as client:
        tool = next(tool for tool in (await client.list_tools()).tools if tool.name == name)
        arguments = [key for key, schema in tool.input_schema.get("properties", {}).items() if takes_text(schema)]
        for argument in arguments:
            for text in texts:
                result = await client.call_tool(name, {**scene.CALLS[name], argument: text})
                if not is_answer(result):
                    wrong.append((argument, text, result.content[0].text))
    return wrong


@pytest.mark.parametrize("name", NAMES)
async def test_no_text_in_any_argument_breaks_a_tool(name: str, small: Path) -> None:
    assert [] == await asked(small, name, NASTY)


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_no_text_in_any_argument_breaks_a_tool_that_writes(name: str, tmp_path: Path) -> None:
    home = scene.write(tmp_path, *scene.run())
    assert [] == await asked(home, name, NASTY)


@limits(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), text=st.text(min_size=1, max_size=40))
def test_no_text_at_all_breaks_a_tool(name: str, text: str, small: Path) -> None:
    assert [] == asyncio.run(asked(small, name, (text,)))


@pytest.mark.parametrize("text", [text for text in NASTY if "\x00" not in text])
async def test_an_agent_of_any_name_is_found_by_it_and_alone(text: str, tmp_path: Path) -> None:
    home = scene.write(tmp_path, *scene.run(agent=text), *scene.run(trace=scene.OTHER, session_id="s-2"))
    async with Client(build_server(ReadSettings(home=home))) as client:
        found = await client.call_tool("search_traces", {"agent": text})

    assert [scene.TRACE] == [trace["trace_id"] for trace in found.structured_content["traces"]]
