"""Longest answers of models, for calls that do not say how long theirs may be.

Each entry has the day on which it was read and where. A name that is listed nowhere gets the entry of its maker's
family, which is the longest of any model of that maker that was found; so a new model is reserved for too high rather
than too low. What was not found in a source is not in here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_LITELLM: Final = "https://github.com/BerriAI/litellm model_prices_and_context_window.json, state of 2026-07-24"
_ANTHROPIC: Final = "https://platform.claude.com/docs/en/models"
_GOOGLE: Final = "https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/gemini/2-0-flash"
_DAY: Final = "2026-11-28"

UNKNOWN: Final = 16_384
"""Assumed for a model of a maker that is not listed: a guess. `SYNDARIX_OBS_GUARD_MAX_OUTPUT` takes its place."""


class OutputLimit(NamedTuple):
    """One entry.

    Args:
        start: beginning of the model's name, after any `provider/`.
        tokens: of its longest answer, hidden reasoning included.
        source: where that stands.
        checked: when it was read there.
    """

    start: str
    tokens: int
    source: str = _LITELLM
    checked: str = _DAY


OUTPUT_LIMITS: Final = (
    OutputLimit("gpt-5-chat", 16_384),
    OutputLimit("gpt-5.1-chat", 16_384),
    OutputLimit("gpt-5.2-chat", 16_384),
    OutputLimit("gpt-5.3-chat", 16_384),
    OutputLimit("gpt-5", 128_000),
    OutputLimit("gpt-4.1", 32_768),
    OutputLimit("gpt-4o", 16_384),
    OutputLimit("gpt-4-turbo", 4_096),
    OutputLimit("gpt-4-0125", 4_096),
    OutputLimit("gpt-4-1106", 4_096),
    OutputLimit("gpt-4", 8_192, f"{_LITELLM}: its whole context, of which no answer can be longer"),
    OutputLimit("gpt-3.5", 4_096),
    OutputLimit("gpt", 128_000),
    OutputLimit("o1", 100_000),
    OutputLimit("o3", 100_000),
    OutputLimit("o4", 100_000),
    OutputLimit("gemini", 65_536, f"{_GOOGLE}; for 2.5 to 3.6 {_LITELLM}"),
    OutputLimit("claude-3-haiku", 4_096),
    OutputLimit("claude-3-opus", 4_096),
    OutputLimit("claude-3-7-sonnet", 64_000),
    OutputLimit("claude-opus-4-5", 64_000),
    OutputLimit("claude-opus-4-6", 128_000),
    OutputLimit("claude-opus-4-7", 128_000),
    OutputLimit("claude-opus-4-8", 128_000),
    OutputLimit("claude-opus-4", 32_000),
    OutputLimit("claude-sonnet-4-6", 128_000, f"{_ANTHROPIC}/sonnet-4-6/overview"),
    OutputLimit("claude-sonnet-4", 64_000, f"{_ANTHROPIC}/sonnet-4-5/overview; for Sonnet 4 {_LITELLM}"),
    OutputLimit("claude-haiku-4-5", 64_000, f"{_ANTHROPIC}/haiku-4-5/overview"),
    OutputLimit("claude", 128_000, f"{_ANTHROPIC}/haiku-5-5/overview, which compares all that are offered"),
)
"""The first that fits counts: the longer beginnings stand before the shorter ones."""


def output_limit(model: str) -> int:
    """The longest answer of a model, in tokens; `UNKNOWN` for one of a maker that nobody listed."""
    name = model.rpartition("/")[2]
    return next((each.tokens for each in OUTPUT_LIMITS if name.startswith(each.start)), UNKNOWN)
