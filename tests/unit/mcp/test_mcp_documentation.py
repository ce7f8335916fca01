"""The documentation over MCP."""

from __future__ import annotations

from pathlib import Path

from mcp import Client

from syndarix_obs_read.mcp.documentation import pages
from syndarix_obs_read.mcp.server import build_server
from syndarix_obs_read.settings import ReadSettings


def test_every_page_has_an_address_and_its_heading(tmp_path: Path) -> None:
    (tmp_path / "guides").mkdir()
    (tmp_path / "guides" / "first.md").write_text("# A first step\n\nText.\n", encoding="utf-8")
    (tmp_path / "settings.md").write_text("# Settings\n", encoding="utf-8")

    assert [("docs://guides/first", "A first step"), ("docs://settings", "Settings")] == [
        (page.uri, page.title) for page in pages(tmp_path)
    ]


def test_the_clone_offers_its_own_pages() -> None:
    assert {"docs://guides/first-trace", "docs://reference/api", "docs://cli"} <= {page.uri for page in pages()}


async def test_an_assistant_lists_and_reads_a_page(tmp_path: Path) -> None:
    async with Client(build_server(ReadSettings(home=tmp_path))) as client:
        listed = {str(each.uri): each.title for each in (await client.list_resources()).resources}
        page = (await client.read_resource("docs://guides/first-trace")).contents[0]

    assert "Your first trace" == listed["docs://guides/first-trace"]
    assert page.text.startswith("# Your first trace")
