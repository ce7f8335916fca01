"""Token counts: one shape for what every provider reports.

The classes nest as in the GenAI conventions: `input` includes cache reads and writes, `output` includes
reasoning. Providers differ. OpenAI's totals include their parts. Anthropic's and Bedrock's raw `input_tokens`
exclude the cache classes and Gemini's candidates exclude thoughts, so those are added here, and only here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from syndarix_obs import vocabulary as v

_NONE: Final[Mapping[str, int]] = MappingProxyType({})


class TokenUsage(NamedTuple):
    """Tokens of one call. Counts are never negative.

    `other` holds the classes that only some prices know, under the names of the price data and without zeros:
    `input_audio_tokens`, `cache_write_1h_tokens`, `web_searches`, …
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    other: Mapping[str, int] = _NONE


OTHER_ATTRIBUTES: Final[Mapping[str, str]] = {
    "input_audio_tokens": v.GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
    "output_audio_tokens": v.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
    "cache_audio_read_tokens": v.GEN_AI_USAGE_AUDIO_CACHE_READ_TOKENS,
    "input_image_tokens": v.GEN_AI_USAGE_IMAGE_INPUT_TOKENS,
    "output_image_tokens": v.GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS,
    "cache_image_read_tokens": v.GEN_AI_USAGE_IMAGE_CACHE_READ_TOKENS,
    "cache_write_1h_tokens": v.USAGE_CACHE_WRITE_1H_TOKENS,
    "web_searches": v.USAGE_WEB_SEARCHES,
    "storage_searches": v.USAGE_FILE_SEARCHES,
    "social_searches": v.USAGE_SOCIAL_SEARCHES,
    "code_executions": v.USAGE_CODE_EXECUTIONS,
    "audio_seconds": v.USAGE_AUDIO_SECONDS,
    "input_characters": v.USAGE_INPUT_CHARACTERS,
}
"""Names of the price data and the span attribute that carries each."""


_PLAIN = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
_PLAIN_KEYS = frozenset(_PLAIN)


def usage_from(provider: str | None, raw: Any) -> TokenUsage | None:
    """What a provider reported, in one shape.

    Args:
        provider: GenAI provider name; the keys of `raw` mostly say enough, it decides where they do not.
        raw: a dict or object: OpenAI chat, embeddings or responses usage, Anthropic usage, Gemini
            `usage_metadata`, Bedrock usage, or our own `{input_tokens, output_tokens, cache_read_tokens,
            cache_write_tokens, reasoning_tokens}` with totals that include their parts.

    Returns:
        The counts, or None when there are none to be found. Never raises on odd values: they count as 0.
    """
    if isinstance(raw, TokenUsage):
        return raw
    if raw is None:
        return None
    if raw and type(raw) is dict and raw.keys() <= _PLAIN_KEYS and (provider is None or "anthropic" not in provider):
        counts = [count(raw.get(key)) for key in _PLAIN]  # our own shape, at a quarter of the cost
        return TokenUsage(counts[0], counts[1], counts[2], counts[3], counts[4])
    get = _Getter(raw)
    if get("prompt_tokens") is not None:
        return _openai_chat(provider, get)
    if get("input_tokens") is not None or get("output_tokens") is not None:
        return _input_output(provider, get)
    if get("inputTokens") is not None or get("outputTokens") is not None:
        return _bedrock(get)
    if get("promptTokenCount") is not None or get("prompt_token_count") is not None:
        return _gemini(get)
    return None


def service_tier_of(raw: Any) -> str | None:
    """The service tier that a raw usage object names: Anthropic reports it there, `speed: fast` included."""
    if type(raw) is dict and "service_tier" not in raw and "speed" not in raw:
        return None
    get = _Getter(raw)
    speed, tier = get("speed"), get("service_tier")
    if speed == "fast":
        return "fast"
    return tier if isinstance(tier, str) else None


def geography_of(raw: Any) -> str | None:
    """The region that a usage says the call was kept in; None for one that is not kept anywhere."""
    if type(raw) is dict and "inference_geo" not in raw:
        return None
    found = _Getter(raw)("inference_geo")
    return found if isinstance(found, str) and found not in ("global", "not_available", "") else None


def reported_cost(provider: str | None, raw: Any) -> Decimal | None:
    """What the provider says that the call cost, in US dollars; None where it says nothing.

    OpenRouter (`cost`, and what the provider behind it was paid with a key of one's own), Perplexity
    (`cost.total_cost`), xAI (`cost_in_usd_ticks`, 1e-10 dollars).
    """
    if raw is None or provider not in _TELLS_COST:
        return None
    get = _Getter(raw)
    if provider == "openrouter":
        cost = _amount(get("cost"))
        upstream = _amount(get("cost_details", "upstream_inference_cost")) if get("is_byok") is True else None
        return cost if upstream is None else (cost or Decimal(0)) + upstream
    if provider == "perplexity":
        return _amount(get("cost", "total_cost"))
    ticks = _amount(get("cost_in_usd_ticks"))
    return None if ticks is None else ticks.scaleb(-10)


_TELLS_COST: Final = frozenset({"openrouter", "perplexity", "x_ai"})


def _amount(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found >= 0 else None


def consistent(usage: TokenUsage) -> TokenUsage:
    """The same counts with totals that hold their parts.

    A total smaller than its parts can only mean that the library reported them side by side: then they are
    added.
    """
    total_input, total_output, read, write, reasoning, other = usage
    if read + write <= total_input and reasoning <= total_output:
        return usage
    if read + write > total_input:
        total_input += read + write
    if reasoning > total_output:
        total_output += reasoning
    return TokenUsage(total_input, total_output, read, write, reasoning, other)


def to_attributes(usage: TokenUsage) -> dict[str, int]:
    """GenAI attributes of a usage: both totals always, parts where there are any."""
    attributes = {v.GEN_AI_USAGE_INPUT_TOKENS: usage.input, v.GEN_AI_USAGE_OUTPUT_TOKENS: usage.output}
    if usage.cache_read:
        attributes[v.GEN_AI_USAGE_CACHE_READ_TOKENS] = usage.cache_read
    if usage.cache_write:
        attributes[v.GEN_AI_USAGE_CACHE_WRITE_TOKENS] = usage.cache_write
    if usage.reasoning:
        attributes[v.GEN_AI_USAGE_REASONING_TOKENS] = usage.reasoning
    for name, count in usage.other.items():
        if name in OTHER_ATTRIBUTES:
            attributes[OTHER_ATTRIBUTES[name]] = count
    return attributes


def from_attributes(attributes: Mapping[str, Any]) -> TokenUsage | None:
    """The usage that a span's attributes tell, None when they tell neither input nor output tokens."""
    total_input = attributes.get(v.GEN_AI_USAGE_INPUT_TOKENS)
    total_output = attributes.get(v.GEN_AI_USAGE_OUTPUT_TOKENS)
    if total_input is None and total_output is None:
        return None
    other = _NONE
    if not _OTHER_NAMES.isdisjoint(attributes):
        other = _nonzero((name, attributes.get(key)) for name, key in OTHER_ATTRIBUTES.items())
    return TokenUsage(
        count(total_input),
        count(total_output),
        count(attributes.get(v.GEN_AI_USAGE_CACHE_READ_TOKENS)),
        count(attributes.get(v.GEN_AI_USAGE_CACHE_WRITE_TOKENS)),
        count(attributes.get(v.GEN_AI_USAGE_REASONING_TOKENS)),
        other,
    )


def units_from(attributes: Mapping[str, Any]) -> Mapping[str, int]:
    """The classes beside text that a span's attributes tell, under the names of the price data."""
    return _nonzero((name, attributes.get(key)) for name, key in OTHER_ATTRIBUTES.items())


_OTHER_NAMES = frozenset(OTHER_ATTRIBUTES.values())


def count(value: Any) -> int:
    """A token count from anything: whole, not negative, 0 for what is no number."""
    if type(value) is int:
        return value if value > 0 else 0
    if value is None or isinstance(value, bool):
        return 0
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0
    return int(number) if math.isfinite(number) and number > 0 else 0


class _Getter:
    """Reads keys of a dict or attributes of an object the same way; `get("a", "b")` goes one level down."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __call__(self, *path: str) -> Any:
        value = self._raw
        for name in path:
            # The type first: asking the abstract class costs more than all the rest.
            has_keys = type(value) is dict or isinstance(value, Mapping)
            value = value.get(name) if has_keys else getattr(value, name, None)
            if value is None:
                return None
        return value


def _nonzero(pairs: Iterable[tuple[str, Any]]) -> Mapping[str, int]:
    counted = ((name, count(value)) for name, value in pairs)
    return {name: number for name, number in counted if number} or _NONE


def _openai_chat(provider: str | None, get: _Getter) -> TokenUsage:
    prompt, completion = count(get("prompt_tokens")), count(get("completion_tokens"))
    beside, reasoning = _reasoning(provider, get, prompt, completion)
    return TokenUsage(
        prompt,
        completion + beside,
        _first(get, _CACHE_READS),
        _first(get, _CACHE_WRITES),
        reasoning,
        _nonzero(
            (
                ("input_audio_tokens", get("prompt_tokens_details", "audio_tokens")),
                ("output_audio_tokens", get("completion_tokens_details", "audio_tokens")),
                *_tools_of(get),
            )
        ),
    )


_CACHE_READS: Final = (
    ("prompt_tokens_details", "cached_tokens"), ("cached_tokens",), ("prompt_cache_hit_tokens",),
    ("cache_read_input_tokens",),
)  # fmt: skip
"""Where the tokens read from a cache stand: OpenAI, Moonshot, DeepSeek and its resellers, gateways to Anthropic."""
_CACHE_WRITES: Final = (
    ("prompt_tokens_details", "cache_write_tokens"), ("prompt_tokens_details", "cache_creation_tokens"),
    ("cache_creation_input_tokens",),
)  # fmt: skip


def _first(get: _Getter, paths: Iterable[tuple[str, ...]]) -> int:
    return next((number for path in paths if (number := count(get(*path)))), 0)


def _reasoning(provider: str | None, get: _Getter, prompt: int, completion: int) -> tuple[int, int]:
    """Reasoning tokens that stand beside `completion_tokens`, and all reasoning tokens.

    OpenAI counts reasoning inside, xAI and Google beside: the total says which. Google does not always name it.
    """
    told = count(get("completion_tokens_details", "reasoning_tokens")) or count(get("reasoning_tokens"))
    more = count(get("total_tokens")) - prompt - completion
    if more <= 0:
        return 0, told
    if told:
        return (told, told) if more >= told else (0, told)
    hidden = more if provider is not None and provider.startswith(("gcp.", "google", "gemini", "vertex")) else 0
    return hidden, hidden


def _tools_of(get: _Getter) -> tuple[tuple[str, Any], ...]:
    """Tools that the provider itself ran and bills by the use, as xAI counts them."""
    counts = get("server_side_tool_usage_details")
    if counts is None:
        return ()
    of = _Getter(counts)
    return (
        ("web_searches", of("web_search_calls")),
        ("social_searches", of("x_search_calls")),
        ("storage_searches", of("file_search_calls")),
        ("code_executions", of("code_interpreter_calls")),
    )


def _input_output(provider: str | None, get: _Getter) -> TokenUsage:
    if any(get(name) is not None for name in _ANTHROPIC_NAMES):
        return _anthropic(get)
    if get("input_tokens_details") is None and provider is not None and "anthropic" in provider:
        own = get("cache_read_tokens") is not None or get("cache_write_tokens") is not None
        return _own(get) if own else _anthropic(get)
    if get("input_token_details") is not None:  # transcriptions spell it so
        details = get("input_token_details")
        return _own(get)._replace(other=_nonzero([("input_audio_tokens", _Getter(details)("audio_tokens"))]))
    return _openai_responses(get) if get("input_tokens_details") is not None else _own(get)


_ANTHROPIC_NAMES: Final = ("cache_creation_input_tokens", "cache_read_input_tokens", "iterations")


def _anthropic(get: _Getter) -> TokenUsage:
    passes = passes_of(get("iterations"))
    # Compaction and advisors are billed and missing from the totals.
    total = added([usage for _, usage in passes]) if passes else _anthropic_pass(get)
    searches = _nonzero([("web_searches", get("server_tool_use", "web_search_requests"))])
    return total._replace(other={**total.other, **searches} or _NONE)


def _anthropic_pass(get: _Getter) -> TokenUsage:
    read, write = count(get("cache_read_input_tokens")), count(get("cache_creation_input_tokens"))
    return TokenUsage(
        count(get("input_tokens")) + read + write,
        count(get("output_tokens")),
        read,
        write,
        count(get("output_tokens_details", "thinking_tokens")),
        _nonzero([("cache_write_1h_tokens", get("cache_creation", "ephemeral_1h_input_tokens"))]),
    )


def passes_of(iterations: Any) -> list[tuple[str | None, TokenUsage]]:
    """The passes of the model that one answer took, each with its own model where it names one.

    Each is billed by its own size: two passes of 150,000 tokens are not one of 300,000.
    """
    if not isinstance(iterations, list | tuple):
        return []
    found = []
    for each in iterations:
        get = _Getter(each)
        model = get("model")
        found.append((model if isinstance(model, str) else None, _anthropic_pass(get)))
    return found


def added(parts: Iterable[TokenUsage]) -> TokenUsage:
    """The sum of usages, class by class."""
    sums, other = [0, 0, 0, 0, 0], dict[str, int]()
    for part in parts:
        sums = [total + each for total, each in zip(sums, part[:5], strict=True)]
        for name, number in part.other.items():
            other[name] = other.get(name, 0) + number
    return TokenUsage(sums[0], sums[1], sums[2], sums[3], sums[4], other or _NONE)


def _openai_responses(get: _Getter) -> TokenUsage:
    return TokenUsage(
        count(get("input_tokens")),
        count(get("output_tokens")),
        count(get("input_tokens_details", "cached_tokens")),
        count(get("input_tokens_details", "cache_write_tokens")),
        count(get("output_tokens_details", "reasoning_tokens")),
        _nonzero(
            (
                ("input_audio_tokens", get("input_tokens_details", "audio_tokens")),
                ("input_image_tokens", get("input_tokens_details", "image_tokens")),
                ("output_audio_tokens", get("output_tokens_details", "audio_tokens")),
                ("output_image_tokens", get("output_tokens_details", "image_tokens")),
                *_tools_of(get),
            )
        ),
    )


def _own(get: _Getter) -> TokenUsage:
    reasoning = get("reasoning_tokens")
    return TokenUsage(
        count(get("input_tokens")),
        count(get("output_tokens")),
        count(get("cache_read_tokens")),
        count(get("cache_write_tokens")),
        count(get("output_tokens_details", "reasoning_tokens") if reasoning is None else reasoning),
        _nonzero((name, get(name)) for name in OTHER_ATTRIBUTES),
    )


def _bedrock(get: _Getter) -> TokenUsage:
    read, write = count(get("cacheReadInputTokens")), count(get("cacheWriteInputTokens"))
    return TokenUsage(count(get("inputTokens")) + read + write, count(get("outputTokens")), read, write)


def _gemini(get: _Getter) -> TokenUsage:
    def either(camel: str, snake: str) -> int:
        return count(get(camel) if get(snake) is None else get(snake))

    thoughts = either("thoughtsTokenCount", "thoughts_token_count")
    return TokenUsage(
        either("promptTokenCount", "prompt_token_count")
        + either("toolUsePromptTokenCount", "tool_use_prompt_token_count"),
        either("candidatesTokenCount", "candidates_token_count") + thoughts,
        either("cachedContentTokenCount", "cached_content_token_count"),
        0,
        thoughts,
        _nonzero(
            (
                ("input_audio_tokens", _modality(get, ("promptTokensDetails", "prompt_tokens_details"), "AUDIO")),
                ("output_audio_tokens", _modality(get, _ANSWER_DETAILS, "AUDIO")),
                ("output_image_tokens", _modality(get, _ANSWER_DETAILS, "IMAGE")),
                ("cache_audio_read_tokens", _modality(get, ("cacheTokensDetails", "cache_tokens_details"), "AUDIO")),
            )
        ),
    )


_ANSWER_DETAILS: Final = ("candidatesTokensDetails", "candidates_tokens_details")


def _modality(get: _Getter, names: tuple[str, str], modality: str) -> int:
    details = get(names[0]) or get(names[1]) or ()
    if not isinstance(details, list | tuple):
        return 0
    parts = [_Getter(part) for part in details]
    wanted = [part for part in parts if str(part("modality")).rpartition(".")[2] == modality]
    return sum(count(part("tokenCount")) or count(part("token_count")) for part in wanted)
