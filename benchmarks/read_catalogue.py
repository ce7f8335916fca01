"""Questions of the catalogue that the benchmark of the stack asks beside its own.

Left out are commands that run, write, send or serve something (replay, score, evaluate, export, …), `query`, which only
the servers answer, `alerts` and `health`, which look at servers that do not run here, `step`, which reads a
trace and shows one span of it, and `budgets` and `reconcile`, which add up the ledger by what a file of the user says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from typing import Any

from syndarix_obs_read.answers.anomalies import list_anomalies
from syndarix_obs_read.answers.blame import blame
from syndarix_obs_read.answers.choices import choice_patterns
from syndarix_obs_read.answers.coding import summarise_coding
from syndarix_obs_read.answers.compare import compare, compare_groups
from syndarix_obs_read.answers.confidence import confidence_report
from syndarix_obs_read.answers.conversation import get_conversation
from syndarix_obs_read.answers.explain import explain_trace
from syndarix_obs_read.answers.forecast import forecast_costs
from syndarix_obs_read.answers.interactions import interactions
from syndarix_obs_read.answers.investigate import investigate
from syndarix_obs_read.answers.loops import list_loops
from syndarix_obs_read.answers.quality import get_quality
from syndarix_obs_read.answers.services import get_services
from syndarix_obs_read.answers.spending import get_spending
from syndarix_obs_read.answers.timeline import get_timeline
from syndarix_obs_read.answers.tools import tool_usage
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange

Question = Callable[[Backend], Awaitable[Any]]
LIMIT = 50


def about_runs(session: str, other: str, trace: str) -> Mapping[str, Question]:
    """Questions about one run or two, by name."""
    settings = ReadSettings()
    return {
        "timeline of a session": lambda b: get_timeline(b, session),
        "interactions of a session": lambda b: interactions(b, session),
        "conversation of a session": lambda b: get_conversation(b, session),
        "explain a trace": lambda b: explain_trace(b, trace),
        "blame for a session": lambda b: blame(b, session),
        "two sessions side by side": lambda b: compare(b, session, other, settings),
    }


def about_many(month: TimeRange, day: TimeRange, models: tuple[str, str]) -> Mapping[str, Question]:
    """Questions about all runs of 30 days, by name; what changed is asked of the last day."""
    settings, all_of_it = ReadSettings(), Filter()
    return {
        "tools by agent": lambda b: tool_usage(b, all_of_it, month, "agent", UTC),
        "services and versions": lambda b: get_services(b, all_of_it, month, UTC),
        "loops": lambda b: list_loops(b, all_of_it, month, LIMIT),
        "choices": lambda b: choice_patterns(b, all_of_it, month),
        "confidence": lambda b: confidence_report(b, all_of_it, month),
        "quality by agent": lambda b: get_quality(b, all_of_it, month, ("agent",), UTC),
        "anomalies": lambda b: list_anomalies(b, all_of_it, month, LIMIT),
        "forecast by project and model": lambda b: forecast_costs(b, all_of_it, ("project", "model")),
        "spending by agent": lambda b: get_spending(b, all_of_it, month, ("agent",)),
        "coding by repository": lambda b: summarise_coding(b, all_of_it, month),
        "what changed in a day": lambda b: investigate(b, all_of_it, day),
        "two models side by side": lambda b: compare_groups(b, settings, "model", *models, all_of_it, month),
    }
