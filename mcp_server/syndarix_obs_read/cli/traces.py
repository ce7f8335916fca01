"""`syndarix-obs traces`: the command and its drawing."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import traces as traces_answer
from syndarix_obs_read.answers.traces import TraceList
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, Rows, What, When, Who
from syndarix_obs_read.cli.rows import begun_at
from syndarix_obs_read.cli.screen import STATUS_STYLES, Screen, headers


def traces(common: Common, when: When, rows: Rows, who: Who, what: What) -> None:
    """Search traces by agent, project, user, session, model, tool, status, duration, cost and text."""
    ask(
        common,
        lambda asker, backend: traces_answer.search_traces(
            backend, asker.filter(who, what), asker.period(when), asker.limit(rows)
        ),
        draw_traces,
    )


def draw_traces(screen: Screen, answer: TraceList) -> None:
    """Traces, one a row."""
    screen.heading("Traces", answer)
    columns = headers(
        "trace", "started", ">time", "status", "name*", "project*", ">steps", ">llm", ">err", ">tokens", ">cost"
    )
    rows = (
        (
            (
                screen.id(each.trace_id), begun_at(screen, each.started), f.duration(each.duration_ms), each.status,
                each.name.removeprefix("invoke_agent "), each.project or f.NOTHING, f.count(each.activity.records),
                f.count(each.activity.llm_calls),
                f.count(each.activity.errors), f.count(each.tokens.total), f.cost(each.cost),
            ),
            STATUS_STYLES.get(each.status, ""),
        )
        for each in answer.traces
    )  # fmt: skip
    screen.table(columns, rows)
    screen.legend(each.cost for each in answer.traces)
