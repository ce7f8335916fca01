"""Reads the pages of a provider's usage and cost APIs: every page, a few tries, clear words about what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from syndarix_obs_read.bills.admin_key import admin_key, refused
from syndarix_obs_read.bills.model import Provider
from syndarix_obs_read.errors import BackendAnswer, BackendTimeout, BackendUnavailable, SettingsError

Query = Sequence[tuple[str, str]]

_TRIES: Final = 4
_MOST_PAGES: Final = 1_000
_MOST_WAIT_S: Final = 30.0
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True, slots=True)
class AdminPages:
    """One provider's admin API, read only.

    Args:
        provider: whose it is.
        base_url: up to and with `/v1`.
        key_file: file with the admin key; read anew for each bill, so that it is nowhere else.
        timeout_s: seconds that one page may take.
        transport: how requests travel, for tests.
    """

    provider: Provider
    base_url: str
    key_file: Path
    timeout_s: float = 30.0
    transport: httpx.AsyncBaseTransport | None = None

    async def buckets(self, path: str, query: Query) -> AsyncIterator[Mapping[str, Any]]:
        """The buckets of every page of `path`, in the order in which they come."""
        headers = _headers(self.provider, admin_key(self.provider, self.key_file))
        async with httpx.AsyncClient(
            transport=self.transport, timeout=self.timeout_s, headers=headers, follow_redirects=False
        ) as client:
            after: list[tuple[str, str]] = []
            for _ in range(_MOST_PAGES):
                page = await self._page(client, path, [*query, *after])
                for bucket in page["data"]:
                    yield bucket
                if not page.get("has_more") or not page.get("next_page"):
                    return
                after = [("page", str(page["next_page"]))]
        raise BackendAnswer(f"{self.provider}'s {path} does not end: more than {_MOST_PAGES:,} pages")

    async def _page(self, client: httpx.AsyncClient, path: str, query: Query) -> Mapping[str, Any]:
        for attempt in range(1, _TRIES + 1):
            answer = await self._get(client, path, query)
            if answer.status_code not in _BUSY or attempt == _TRIES:
                break
            await asyncio.sleep(min(_MOST_WAIT_S, _wait(answer, attempt)))
        return self._checked(path, answer)

    async def _get(self, client: httpx.AsyncClient, path: str, query: Query) -> httpx.Response:
        try:
            return await client.get(self.base_url + path, params=list(query))
        except httpx.TimeoutException:
            raise BackendTimeout(f"{self.provider} did not answer within {self.timeout_s:g} s; try again") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise BackendUnavailable(
                f"{self.provider}'s API at {self.base_url} cannot be reached: {type(error).__name__}"
            ) from None

    def _checked(self, path: str, answer: httpx.Response) -> Mapping[str, Any]:
        if answer.status_code in (401, 403):
            raise SettingsError(refused(self.provider, self.key_file, answer.status_code, answer.text))
        if answer.status_code != 200:
            raise BackendAnswer(f"{self.provider} answered {answer.status_code} to {path}: {answer.text[:200]}")
        try:
            page = answer.json()
        except ValueError:
            page = None
        if not isinstance(page, dict) or not isinstance(page.get("data"), list):
            raise BackendAnswer(f"{self.provider} answered {path} with something that is no page of buckets")
        return page


def _headers(provider: Provider, key: str) -> dict[str, str]:
    if provider == "anthropic":
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}
    return {"authorization": f"Bearer {key}"}


def _wait(answer: httpx.Response, attempt: int) -> float:
    try:
        return max(0.0, float(answer.headers.get("retry-after", "")))
    except ValueError:
        return float(2**attempt)
