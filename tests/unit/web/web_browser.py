"""Asks an explorer without a network, and reads its pages as a browser does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import httpx


class Parsed(HTMLParser):
    """A page as a browser reads it: elements with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._drawings = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._drawings += tag == "svg"
        shown = "title of a drawing" if tag == "title" and self._drawings else tag
        self.elements.append((shown, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self._drawings -= tag == "svg"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        """Everything that is read, with single spaces."""
        return " ".join(" ".join(self.words).split())

    @property
    def titles(self) -> int:
        """Titles of the page itself; drawings have some of their own."""
        tags = [tag for tag, _ in self.elements]
        return tags[: tags.index("body")].count("title") if "body" in tags else 0

    def all(self, tag: str) -> list[dict[str, str]]:
        """Attributes of every element of a name."""
        return [attributes for name, attributes in self.elements if name == tag]


@dataclass
class Browser:
    """Asks an explorer without a network."""

    client: httpx.AsyncClient

    async def get(self, address: str, status: int = 200, **headers: str) -> httpx.Response:
        """An answer of this status."""
        answer = await self.client.get(address, headers={n.replace("_", "-"): each for n, each in headers.items()})
        assert status == answer.status_code, answer.text[:2_000]
        return answer

    async def page(self, address: str, status: int = 200) -> Parsed:
        """A page."""
        return Parsed((await self.get(address, status)).text)

    async def json(self, address: str, status: int = 200) -> Any:
        """A page's twin."""
        return json.loads((await self.get(address, status)).text)

    async def post(self, address: str, fields: dict[str, Any], **headers: str) -> httpx.Response:
        """What comes of a form that a page of the explorer's own sent."""
        sent = {"form_token": (await self.get("/form-token")).text, **fields}
        return await self.client.post(address, data=sent, headers={n.replace("_", "-"): v for n, v in headers.items()})
