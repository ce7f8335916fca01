"""The commands of `syndarix-obs`, one file per family; importing them here registers them."""

from __future__ import annotations

import typer

from syndarix_obs_read.cli import alerting, doctor, lists, mcp, ones, querying, upkeep, web
from syndarix_obs_read.cli.options import with_options

app = typer.Typer(
    name="syndarix-obs",
    help="What LLM agents did, why, what it cost, and whether they are healthy. Start with `syndarix-obs demo`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_COMMANDS = (
    (upkeep.demo, "demo --sessions 20 --seed 7"),
    (lists.sessions, "sessions --agent support --follow"),
    (ones.session, "session 3f2a9c"),
    (lists.traces, "traces --agent support --status error --since 7d"),
    (ones.trace, "trace 9f6f27 --payloads"),
    (ones.timeline, "timeline 9f6f27"),
    (ones.explain, "explain 9f6f27"),
    (lists.decisions, "decisions --patterns --type tool_selection"),
    (lists.costs, "costs --by agent,model --since 2026-03"),
    (lists.errors, "errors --agent support --since 7d"),
    (lists.loops, "loops --since 7d"),
    (lists.logs, "logs --grep refund --level warning --follow"),
    (lists.agents, "agents --since 7d"),
    (querying.names, "names agent model"),
    (querying.query, 'query promql "sum by (agent) (increase(llm_requests_total[1h]))" --since 2h'),
    (alerting.alerts, "alerts --label agent=support --state active"),
    (alerting.silence, 'silence --label alertname=LoopDetected --comment "known" --lasts 2h'),
    (alerting.trigger, 'trigger RefundsWrong "refunds are paid twice" --severity critical'),
    (upkeep.health, "health"),
    (doctor.doctor, "doctor"),
    (web.web, "web --open"),
    (mcp.mcp, "mcp --print-config"),
    (upkeep.forget, "forget --user u-42"),
    (upkeep.prune, "prune --before 30d"),
)

for _command, _example in _COMMANDS:
    app.command(_command.__name__, epilog=f"Example: syndarix-obs {_example}")(with_options(_command))
