"""`ObservabilityPlatform`: the facade. Every method is a line or two; the work is done elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from opentelemetry import context as otel_context
from opentelemetry import trace

from syndarix_obs import vocabulary as v
from syndarix_obs.guard import guarded
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.pipeline.runtime import Runtime
from syndarix_obs.settings import Settings
from syndarix_obs.spans import decisions, decorators, propagation, scores
from syndarix_obs.spans.operations import (
    ContextAssembly,
    LLMCall,
    MemoryOperation,
    Operation,
    SpanOperation,
    ToolCall,
    text_of,
)
from syndarix_obs.spans.sessions import Session, Task
from syndarix_obs.spans.tracer import LightTracerProvider

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from prometheus_client import CollectorRegistry

    from syndarix_obs.guarding.declared import DeclaredBudget
    from syndarix_obs.pipeline.destination import Destination
    from syndarix_obs.replaying.player import Player

F = TypeVar("F", bound=Callable[..., Any])


class ObservabilityPlatform:
    """Records what an agent does. Use one per process; several are independent of each other.

    Args:
        settings: settings; from the environment by default.
        registry: Prometheus registry for the metrics; a new one by default, shown as `registry`.
        consumers: destinations to use instead of those the settings name, for tests.
        ids: id generator, for tests.
        clock: wall clock in nanoseconds since the epoch, for tests.
        monotonic: clock for durations in nanoseconds, for tests.
        redact_with: further redaction of every text, after the patterns.

    Raises:
        SettingsError: a setting is unknown or its value is not allowed.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        registry: CollectorRegistry | None = None,
        consumers: Sequence[Destination] | None = None,
        ids: Any = None,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.perf_counter_ns,
        redact_with: Callable[[str], str] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._runtime = Runtime(
            self.settings,
            registry,
            consumers=consumers,
            ids=ids,
            clock=clock,
            monotonic=monotonic,
            redact_with=redact_with,
        )
        self._source = self._runtime.source
        self._instrumented = False
        self.tracer_provider = LightTracerProvider(self._source)
        if self.settings.set_global and self.settings.enabled:
            _become_global(self.tracer_provider)

    @classmethod
    def from_env(cls) -> Self:
        """A platform with the settings of the environment.

        Raises:
            SettingsError: a setting is unknown or its value is not allowed.
        """
        return cls(Settings())

    @property
    def runtime(self) -> Runtime:
        """What is behind the platform, for receivers that feed it with records of other programs."""
        return self._runtime

    @property
    def registry(self) -> CollectorRegistry:
        """The Prometheus registry of this platform, for an endpoint of one's own."""
        return self._runtime.metrics.registry

    @property
    def metrics(self) -> Metrics:
        """The platform's metrics; `counter`, `gauge` and `histogram` register your own."""
        return self._runtime.metrics

    # --- operations ---

    def session(
        self,
        agent: str,
        *,
        agent_type: str | None = None,
        project: str | None = None,
        user: str | None = None,
        session_id: str | None = None,
    ) -> Session:
        """One run of an agent; a session inside a session continues it under another agent's name."""
        project = project if project is not None else self.settings.project
        return Session(self._source, agent, agent_type, project, user, session_id)

    def task(self, task_type: str) -> Task:
        """One task; cost and duration are counted by its type."""
        return Task(self._source, task_type)

    def llm(
        self,
        *,
        provider: str,
        model: str,
        messages: Any = None,
        tools: Any = None,
        system: Any = None,
        parameters: Any = None,
        operation: str = v.OPERATION_CHAT,
    ) -> LLMCall:
        """One call of a model; see `LLMCall.response`. `parameters` are what else the request says: temperature,
        tool_choice, …"""
        return LLMCall(self._source, provider, model, operation, messages, tools, system, parameters)

    def embeddings(self, *, provider: str, model: str, inputs: Any = None) -> LLMCall:
        """One embeddings call."""
        return LLMCall(self._source, provider, model, v.OPERATION_EMBEDDINGS, inputs, None, None)

    def tool(self, name: str, *, arguments: Any = None, call_id: str | None = None) -> ToolCall:
        """One call of a tool."""
        return ToolCall(self._source, name, arguments, call_id)

    def call_tool(self, name: str, function: Callable[..., Any], arguments: Any, *, call_id: str | None = None) -> Any:
        """Call `function(**arguments)` as a tool that a model asked for by name, and return what it returns.

        A coroutine function gives an awaitable. In a replay the function is not called: the record answers.
        """
        return decorators.call_as_tool(
            lambda: self.tool(name, arguments=arguments, call_id=call_id), function, arguments
        )

    def memory(self, operation: str, *, store: str | None = None, query: Any = None) -> MemoryOperation:
        """One memory operation: `search`, `upsert`, `update`, `delete`, `create`."""
        return MemoryOperation(self._source, text_of(operation) + v.MEMORY_OPERATION_SUFFIX, store, query)

    def retrieval(self, store: str | None = None, *, query: Any = None) -> MemoryOperation:
        """One search in documents."""
        return MemoryOperation(self._source, v.OPERATION_RETRIEVAL, store, query)

    def context_assembly(self, *, limit: int | None = None) -> ContextAssembly:
        """One assembly of a context window of `limit` tokens."""
        return ContextAssembly(self._source, limit)

    def span(self, /, name: str, **attributes: Any) -> SpanOperation:
        """Any other step worth seeing in the trace."""
        return SpanOperation(self._source, text_of(name)).set(**attributes)

    def decision(
        self,
        decision_type: str,
        *,
        options: Sequence[Any] = (),
        selected: Any = None,
        reasoning: str | None = None,
        confidence: float | None = None,
        context_summary: Any = None,
        relevant_memory: Any = None,
        confidence_source: str = v.CONFIDENCE_STATED,
    ) -> str:
        """Record one decision: what could have been chosen, what was, why and how sure. Returns its id.

        `confidence_source` says who is how sure: `stated` by the model, `logprob`, `judge` or `vote`.
        """
        return decisions.decide(
            self._source,
            decision_type,
            options=options,
            selected=selected,
            reasoning=reasoning,
            confidence=confidence,
            context_summary=context_summary,
            relevant_memory=relevant_memory,
            confidence_source=confidence_source,
        )

    def safety_check(self, check: str, *, passed: bool, detail: Any = None) -> None:
        """Record the result of one safety check."""
        decisions.check(self._source, check, passed, detail)

    def annotate(
        self,
        /,
        note: str,
        *,
        target: str | None = None,
        label: str | None = None,
        trace_id: str | None = None,
        session_id: str | None = None,
        **attributes: Any,
    ) -> None:
        """Attach a note, and attributes beside it, to the current span, or to a trace, span or decision by its id;
        `session_id` says to which session it belongs, when that is not the current one."""
        with guarded("annotate"):
            decisions.annotate(self._source, note, target, label, trace_id, session_id, attributes)

    def score(
        self,
        name: str,
        value: float | bool | str | None = None,
        *,
        source: str = "code",
        judge_version: str | None = None,
        label: str | None = None,
        explanation: str | None = None,
        session_id: str | None = None,
        trace_id: str | None = None,
        target: str | None = None,
        author: str | None = None,
    ) -> None:
        """Say how good something was: the session that is current, or one of any time by its id.

        Args:
            name: what was judged, from a small closed set: `answer_correct`, `tone`, …
            value: a number, a bool (1 or 0), or a word.
            source: who says so: `code`, `user`, `human`, `judge`, …
            judge_version: model and prompt of a judge; scores of different versions are not compared.
            label: a word beside the number.
            explanation: why; redacted like every payload.
            session_id: the session that is meant.
            trace_id: the trace that is meant; the score is found with it.
            target: id of the step that is meant.
            author: the person who gave it by hand.
        """
        with guarded("score"):
            scores.score(
                self._source, "score", name, value, given_by=source, label=label, judge_version=judge_version,
                explanation=explanation, author=author, about=scores.Evaluated(session_id, trace_id, target),
            )  # fmt: skip

    def outcome(
        self,
        name: str,
        value: float | bool | str,
        *,
        source: str = "code",
        explanation: str | None = None,
        session_id: str | None = None,
        trace_id: str | None = None,
        author: str | None = None,
    ) -> None:
        """Say what the work led to, at once or later: `obs.outcome("refund_paid", True)`. Arguments as of `score`."""
        with guarded("outcome"):
            scores.score(
                self._source, "outcome", name, value, given_by=source, explanation=explanation,
                author=author, about=scores.Evaluated(session_id, trace_id),
            )  # fmt: skip

    def feedback(
        self,
        value: float | bool | str,
        *,
        name: str = "feedback",
        comment: str | None = None,
        source: str = "user",
        session_id: str | None = None,
        trace_id: str | None = None,
        target: str | None = None,
        author: str | None = None,
    ) -> None:
        """Keep what a person said: `obs.feedback("up", session_id=…)`, `obs.feedback(4, comment="…")`."""
        with guarded("feedback"):
            scores.score(
                self._source, "feedback", name, value, given_by=source, explanation=comment,
                author=author, about=scores.Evaluated(session_id, trace_id, target),
            )  # fmt: skip

    def anomaly(
        self,
        series: str,
        state: str,
        *,
        agent: str | None = None,
        project: str | None = None,
        episode: str | None = None,
        score: float | None = None,
        opinion: str | None = None,
        observed: float | None = None,
        expected: float | None = None,
        opened_ns: int | None = None,
        at_ns: int | None = None,
    ) -> None:
        """Record that an episode of unusual values opened, became worse or closed; `syndarix-obs watch` does.

        Args:
            series: what is unusual, such as `cost`.
            state: one of `vocabulary.ANOMALY_STATES`.
            agent, project: whose series it is.
            episode: the same id from opening to close.
            score: how unusual; 1 is where an episode begins.
            opinion: why, in a word.
            observed, expected: the value and what it should have been, in the unit of the series.
            opened_ns, at_ns: when the episode began, and when this happened, in nanoseconds since the epoch.
        """
        values = {
            v.ANOMALY_SERIES: series, v.GEN_AI_AGENT_NAME: agent, v.PROJECT: project, v.ANOMALY_EPISODE: episode,
            v.ANOMALY_SCORE: score, v.ANOMALY_OPINION: opinion, v.ANOMALY_OBSERVED: observed,
            v.ANOMALY_EXPECTED: expected, v.ANOMALY_OPENED: opened_ns,
        }  # fmt: skip
        with guarded("anomaly"):
            decisions.anomaly(self._source, state, values, at_ns)

    # --- budgets ---

    def budget(
        self,
        name: str,
        *,
        usd: Decimal | float | str | None = None,
        tokens: int | None = None,
        calls: int | None = None,
        repeats: int | None = None,
        per: str = "month",
        by: Sequence[str] = (),
        project: str | None = None,
        agent: str | None = None,
        user: str | None = None,
        task_type: str | None = None,
        model: str | None = None,
        on_exceed: str = "refuse",
    ) -> DeclaredBudget:
        """Hold a budget before each call from now on; also `with obs.budget(…):`, and a file (`budgets_file`).

        Args:
            name: of its account, which all processes of this machine share.
            usd, tokens, calls: most dollars, tokens (input and output) and model calls in a period.
            repeats: most equal calls (tool and arguments) of one tool in a session.
            per: `day`, `week`, `month` (UTC), or `run`: one session.
            by: dimensions whose values have the limit each for itself: `["user"]`.
            project, agent, user, task_type, model: whose work counts; a value may end in a star.
            on_exceed: `refuse` raises `BudgetExceeded` where a call would be made; `warn` logs and counts.

        Raises:
            SettingsError: a value is not allowed; says which and what would be.
        """
        from syndarix_obs.guarding.declared import DeclaredBudget

        fields = {
            "name": name, "usd": usd, "tokens": tokens, "calls": calls, "repeats": repeats, "per": per, "by": tuple(by),
            "project": project, "agent": agent, "user": user, "task_type": task_type, "model": model,
            "on_exceed": on_exceed,
        }  # fmt: skip
        return DeclaredBudget(self._runtime.guard() if self.settings.enabled else None, fields)

    # --- decorators ---

    @overload
    def tool_call(self, function: F) -> F: ...

    @overload
    def tool_call(self, function: str | None = None) -> Callable[[F], F]: ...

    def tool_call(self, function: Any = None) -> Any:
        """Decorator: every call of the function is a tool call, with its arguments and result.

        Use as `@obs.tool_call` or `@obs.tool_call("name")`.
        """
        if callable(function):
            return self._as_tool(function, getattr(function, "__name__", "tool"))
        return lambda target: self._as_tool(target, function or getattr(target, "__name__", "tool"))

    def _as_tool(self, function: Any, name: str) -> Any:
        arguments = decorators.arguments_of(function)
        return decorators.wrap(
            function, lambda args, kwargs: self.tool(name, arguments=arguments(args, kwargs)), keep_result=True
        )

    def agent_session(self, /, agent: str, **options: Any) -> Callable[[F], F]:
        """Decorator: every call of the function is a session; takes the arguments of `session`."""
        return lambda function: decorators.wrap(
            function, lambda _args, _kwargs: self.session(agent, **options), keep_result=False
        )

    @staticmethod
    def bind(function: F) -> F:
        """The function, running in the session and span that are current now, in whatever thread it is called.

        For executors and threads, which start without context: `pool.submit(obs.bind(work), item)`.
        """
        return decorators.bind(function)

    # --- across services ---

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """Write trace context and correlation ids into outgoing headers (`traceparent`, `baggage`)."""
        with guarded("inject"):
            propagation.inject(headers, self._runtime.pseudonym, self._runtime.names)

    @contextmanager
    def extract(self, headers: Mapping[str, Any]) -> Iterator[None]:
        """Within the block, work belongs to the trace and session that incoming headers name."""
        token = None
        with guarded("extract"):
            token = otel_context.attach(propagation.extract(headers, self._runtime.names))
        try:
            yield
        finally:
            if token is not None:
                otel_context.detach(token)

    def httpx_hooks(self, provider: str | None = None) -> dict[str, list[Callable[[Any], Any]]]:
        """Event hooks for the provider client's `httpx.Client`: they read the rate-limit headers of every response.

        `OpenAI(http_client=httpx.Client(event_hooks=obs.httpx_hooks()))`
        """
        from syndarix_obs.integrations.rate_limit_hooks import hooks

        return hooks(self._runtime, provider, is_async=False)

    def httpx_async_hooks(self, provider: str | None = None) -> dict[str, list[Callable[[Any], Any]]]:
        """The same for `httpx.AsyncClient`."""
        from syndarix_obs.integrations.rate_limit_hooks import hooks

        return hooks(self._runtime, provider, is_async=True)

    # --- other people's spans and logs ---

    def auto_instrument(self, *, official: bool | None = None) -> list[str]:
        """Watch the LLM libraries that are installed; returns the names of those that are watched now.

        A library that another platform of this process watches already stays with that one until its `shutdown`, and is
        this platform's then; a warning names the line where the other one asked.

        Args:
            official: use the official instrumentors for `openai` and `anthropic` in place of our own, cheaper ones; by
                default what `SYNDARIX_OBS_OFFICIAL_INSTRUMENTORS` says.
        """
        with guarded("auto_instrument"):
            from syndarix_obs.integrations import auto

            chosen = self.settings.official_instrumentors if official is None else official
            self._instrumented = True
            return auto.instrument(self._runtime, self.tracer_provider, chosen)
        return []

    def auto_uninstrument(self) -> None:
        """Undo `auto_instrument`; `shutdown` does it too."""
        with guarded("auto_uninstrument"):
            from syndarix_obs.integrations import auto

            self._instrumented = False
            auto.uninstrument(self._runtime)

    def span_processor(self) -> SpanProcessor:
        """A span processor for a program that has an OpenTelemetry SDK provider of its own."""
        from syndarix_obs.integrations.sdk_processor import PlatformSpanProcessor

        return PlatformSpanProcessor(self._runtime.submit)

    def capture_logs(self, logger: str | None = None, level: str | None = None) -> None:
        """Keep the application's own `logging` lines, with the ids of the session and span they were logged in."""
        from syndarix_obs.logs import attach_handler

        attach_handler(self._runtime, logger, level or self.settings.log_level)

    # --- run again ---

    @staticmethod
    def replaying(recording: Any, **options: Any) -> AbstractContextManager[Player]:
        """Within the block, models and tools answer from a recorded session, and nothing is live that was not named.

        Takes the arguments of `replaying.session.replaying`, and raises what it raises.
        """
        from syndarix_obs.replaying.session import replaying

        return replaying(recording, **options)

    # --- life ---

    def flush(self, timeout: float = 5.0) -> bool:
        """Bring everything recorded so far to safety, waiting at most `timeout` seconds; True when it is."""
        with guarded("flush"):
            return self._runtime.flush(timeout)
        return False

    def shutdown(self, timeout: float | None = None) -> bool:
        """Flush and end; what is recorded later is ignored. True when everything is safe."""
        if self._instrumented:
            self.auto_uninstrument()
        with guarded("shutdown"):
            return self._runtime.close(self.settings.shutdown_timeout if timeout is None else timeout)
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()


def _become_global(provider: LightTracerProvider) -> None:
    """Only where the program has no provider: OpenTelemetry warns when one is replaced."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        trace.set_tracer_provider(provider)


__all__ = ["ObservabilityPlatform", "Operation"]
