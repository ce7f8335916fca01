"""`syndarix-obs quality`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import quality as quality_answer
from syndarix_obs_read.answers.quality import BY, QualityGroup, QualityReport
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import FILTERS, Common, When, Who
from syndarix_obs_read.cli.screen import Screen, headers


def quality(
    common: Common,
    when: When,
    who: Who,
    by: Annotated[str, typer.Option(help=f"Group by these, with commas: {', '.join(BY)}.")] = "agent,agent_version",
    name: Annotated[str | None, typer.Option(help="One score by its name.", rich_help_panel=FILTERS)] = None,
    model: Annotated[str | None, typer.Option(help="One model.", rich_help_panel=FILTERS)] = None,
) -> None:
    """Show scores, outcomes and feedback by agent, version, prompt, model or day, with 95% intervals."""
    wanted = tuple(word.strip() for word in by.split(",") if word.strip())
    ask(
        common,
        lambda asker, backend: quality_answer.get_quality(
            backend, asker.filter(who, model=model), asker.period(when), wanted, asker.zone, name
        ),
        draw_quality,
    )


def draw_quality(screen: Screen, answer: QualityReport) -> None:
    """Groups, one a row, then what waits for its session."""
    screen.heading("Quality", answer)
    columns = headers("score*", *(f"{name}*" for name in answer.by), ">n", ">sessions", ">mean", "95%", ">κ", "words*")
    screen.table(columns, ((_row(each, answer.by), "") for each in answer.groups))
    if answer.orphaned:
        screen.line()
        screen.line(f"{answer.orphaned:,} scores wait for sessions that are not here (orphaned):", "yellow")
        columns = headers("given", "score*", ">value", "session*")
        screen.table(
            columns,
            (
                (
                    (
                        f.moment(each.given, screen.zone), each.name, amount(each.value, each.label),
                        screen.id(each.session_id),
                    ),
                    "",
                )
                for each in answer.orphans
            ),
        )  # fmt: skip


def amount(value: float | None, label: str | None) -> str:
    """A score as people read it."""
    if label is not None:
        return label
    return "–" if value is None else f"{value:.3g}"


def interval(group: QualityGroup) -> str:
    """The interval of a group's mean."""
    return "–" if group.low is None or group.high is None else f"{group.low:.2f} to {group.high:.2f}"


def _row(group: QualityGroup, by: tuple[str, ...]) -> list[str]:
    return [
        group.name, *(group.key.get(name) or "–" for name in by), f.count(group.scores), f.count(group.sessions),
        "–" if group.mean is None else f"{group.mean:.3f}", interval(group),
        "–" if group.kappa is None else f"{group.kappa:.2f}",
        ", ".join(f"{label} {count}" for label, count in group.labels.items()),
    ]  # fmt: skip
