"""One report of a model call: what a library's span says that bears on which reports are the same call."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.model_names import stripped
from syndarix_obs.records.frameworks import FRAMEWORKS
from syndarix_obs.records.model import CostRecord

EVENTS: Final = "syndarix_obs.receivers.events"
TRANSCRIPTS: Final = "syndarix_obs.receivers.transcripts"
CODING: Final = (TRANSCRIPTS, EVENTS, "com.anthropic.claude_code")
"""Scopes of those that tell of a coding agent's session. What tells most comes first: transcripts know the repository,
the skill and the texts."""

PROVIDER, SDK, FRAMEWORK = 0, 1, 2
"""How near to the wire a report was made; the nearest counts."""

_OWN: Final = "syndarix_obs"
_PROVIDER_SCOPES: Final = ("com.anthropic.claude-platform",)
_SDKS: Final = re.compile(
    r"openai|anthropic|bedrock|botocore|mistral|cohere|genai|generativeai|vertex|ollama|groq|together|replicate|watsonx"
    r"|sagemaker|voyage|claude|codex|gemini",
    re.IGNORECASE,
)
_DATE: Final = re.compile(r"(?:[-@](?:20\d{2}-?\d{2}-?\d{2}|latest|\d{4})|-v\d+(?::\d+)?|:\d+)$")
_REGION: Final = re.compile(r"^(?:[a-z]{2,6}\.)?[a-z0-9]+\.(?=[a-z])")


def nearness(scope: str) -> int:
    """Provider, SDK or framework, by the instrumentation scope that made the span."""
    if scope.startswith(_PROVIDER_SCOPES):
        return PROVIDER
    if scope.startswith(_OWN) and not FRAMEWORKS.search(scope):
        return SDK
    return SDK if _SDKS.search(scope) and not FRAMEWORKS.search(scope) else FRAMEWORK


def plain_model(name: str | None) -> str | None:
    """A model's name without routes, vendor, region, date and version, for comparing."""
    if not name:
        return None
    plain = stripped(name.lower())[0].rpartition("/")[2]
    if _REGION.match(plain) and plain.count("."):
        head, _, rest = plain.partition(".")
        plain = rest if head.isalpha() else plain
        vendor, _, model = plain.partition(".")
        plain = model if vendor.isalpha() and model else plain
    while (shorter := _DATE.sub("", plain)) != plain:
        plain = shorter
    return plain


class Report:
    """One span that says it called a model. `line` is what it would be in the ledger, payloads left out.

    `reported` is True when the tokens are the reporter's own and no estimate. `refused` is True for a call that failed
    and was billed nothing. `revision` counts how often it was put into the ledger, `standing` says whether its last
    line stands. `elsewhere` is True for a report that another process took, `told` is the number of the last
    form of its usage that was told here. `coding` is the place of its scope among `CODING`, None for any other.
    """

    __slots__ = (
        "agent", "billable", "coding", "elsewhere", "end", "first_token_s", "line", "models", "nearness", "operation",
        "polled", "reported", "response_id", "revision", "scope", "seen", "span_id", "standing", "start", "stream",
        "told", "trace_id", "verdict",
    )  # fmt: skip

    def __init__(
        self, line: CostRecord, *, scope: str, response_id: str | None, asked: str | None, agent: str | None
    ) -> None:
        self.line = line
        self.trace_id = line.trace_id
        self.span_id = line.span_id
        self.scope = scope
        self.nearness = nearness_of(scope)
        self.response_id = response_id
        self.models = models_of(line.model, asked)
        self.agent = agent
        self.start = line.start_ns
        self.end = max(line.end_ns, line.start_ns)
        self.reported = line.tokens_total > 0 and not line.estimated
        self.coding = coding_of(scope)
        self.elsewhere = False
        self.told = 0
        self.billable = True
        self.polled = False
        self.operation = ""
        self.stream = False
        self.first_token_s: float | None = None
        self.seen = False
        self.standing = False
        self.revision = 0
        self.verdict: Any = None

    @property
    def embeds(self) -> bool:
        """An embeddings call, which is never the same as a call that generates."""
        return self.operation == v.OPERATION_EMBEDDINGS

    @property
    def refused(self) -> bool:
        """Failed before anything was billed."""
        return not self.billable

    @property
    def input(self) -> int:
        """Input tokens, caches included."""
        line = self.line
        return line.tokens_input + line.tokens_cache_read + line.tokens_cache_write

    @property
    def output(self) -> int:
        """Output tokens, reasoning included."""
        return self.line.tokens_output + self.line.tokens_reasoning


@lru_cache(maxsize=2000)
def coding_of(scope: str) -> int | None:
    """The place of a scope among those that tell of coding agents, None for any other."""
    return next((number for number, known in enumerate(CODING) if scope.startswith(known)), None)


_nearness: dict[str, int] = {}
_models: dict[tuple[str | None, str | None], frozenset[str]] = {}
_MOST_REMEMBERED: Final = 2000


def nearness_of(scope: str) -> int:
    """`nearness`, looked up once for each scope."""
    found = _nearness.get(scope)
    if found is None:
        if len(_nearness) >= _MOST_REMEMBERED:
            _nearness.clear()
        found = _nearness[scope] = nearness(scope)
    return found


def models_of(answered: str | None, asked: str | None) -> frozenset[str]:
    """The plain names that a report gives to its model."""
    found = _models.get((answered, asked))
    if found is None:
        if len(_models) >= _MOST_REMEMBERED:
            _models.clear()
        names = (plain_model(name) for name in (answered, asked) if isinstance(name, str))
        found = _models[(answered, asked)] = frozenset(name for name in names if name)
    return found


def same_model(one: Report, other: Report) -> bool:
    """Whether two reports may be about the same model; a report that names none may be about any."""
    return not one.models or not other.models or not one.models.isdisjoint(other.models)


def same_tokens(one: Report, other: Report) -> bool:
    """Whether two reports tell the same tokens.

    Libraries differ in whether the input holds the cache classes and the output the reasoning.
    """
    return _equal(one, other.input, other.output) or _equal(other, one.input, one.output)


def _equal(report: Report, tokens_in: int, tokens_out: int) -> bool:
    line, total_in, total_out = report.line, report.input, report.output
    return tokens_in in (total_in, total_in - line.tokens_cache_read, line.tokens_input) and tokens_out in (
        total_out,
        line.tokens_output,
    )


def adds_up(whole: Report, parts: list[Report]) -> bool:
    """Whether a report's tokens are the sum of others'."""
    total_in, total_out = sum(part.input for part in parts), sum(part.output for part in parts)
    if _equal(whole, total_in, total_out):
        return True
    reads = sum(part.line.tokens_cache_read for part in parts)
    plain = sum(part.line.tokens_input for part in parts)
    spoken = sum(part.line.tokens_output for part in parts)
    return whole.input in (total_in, total_in - reads, plain) and whole.output in (total_out, spoken)
