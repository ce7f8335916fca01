"""The real provider clients, pointed at the fake provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syndarix_obs_read.errors import ReadError

if TYPE_CHECKING:
    import anthropic
    import openai

INSTALL = "pip install 'syndarix-obs[server,instrument]'"


class DemoPackagesMissing(ReadError):
    """The demo talks through the real clients, and one of them is not installed."""


@dataclass(frozen=True, slots=True)
class Clients:
    """What the agents talk through."""

    openai: openai.OpenAI
    anthropic: anthropic.Anthropic
    http: Any
    url: str

    def close(self) -> None:
        """Give the connections back."""
        self.openai.close()
        self.anthropic.close()
        self.http.close()


def connect(url: str) -> Clients:
    """Real clients for the provider at `url`.

    Retries are off: the agents retry themselves, so that each attempt is seen.

    Raises:
        DemoPackagesMissing: `openai` or `anthropic` is not installed.
    """
    try:
        import anthropic
        import httpx2
        import openai
    except ImportError as error:
        raise DemoPackagesMissing(
            f"The demo runs through the real openai and anthropic clients; {error.name} is not installed. "
            f"Install it with: {INSTALL}"
        ) from None

    def http() -> Any:  # a proxy of the environment cannot reach this loopback
        return httpx2.Client(trust_env=False)

    return Clients(
        openai=openai.OpenAI(api_key="demo", base_url=f"{url}/v1", max_retries=0, http_client=http()),
        anthropic=anthropic.Anthropic(api_key="demo", base_url=url, max_retries=0, http_client=http()),
        http=http(),
        url=url,
    )
