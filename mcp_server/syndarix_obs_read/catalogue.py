"""Every question and every other command, a line each: what it is called, what it answers, and which faces it has.

A question has the same file name in every room: `answers/NAME.py`, `cli/NAME.py`, `mcp/NAME.py`, `web/pages/NAME.py`.
This file imports none of them, so that `--help` costs nothing and a command loads only what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final, Literal

Face = Literal["cli", "mcp", "web"]
Group = Literal["Look", "Explain", "Money", "Run again", "Watch", "Keep", "Serve"]

GROUPS: Final[tuple[Group, ...]] = ("Look", "Explain", "Money", "Run again", "Watch", "Keep", "Serve")
"""Groups of commands, in the order of `--help`."""
MOST_IN_A_GROUP: Final = 8
"""More commands than this in one group of `--help` are not taken in at a glance; a contract test holds it."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that can be asked, or done, in up to three faces.

    Args:
        name: of its files and of its command.
        group: under which heading `--help` lists it.
        about: what it answers, in one line; the first line of the command's text.
        example: arguments of a call to show.
        module: file of the command when it is not the question's own name.
        without: faces that it does not have, each with the reason.
    """

    name: str
    group: Group
    about: str
    example: str
    module: str = ""
    without: Mapping[Face, str] = field(default_factory=dict)

    def command(self) -> Any:
        """The function of its command, loaded now."""
        return getattr(import_module(f"syndarix_obs_read.cli.{self.module or self.name}"), self.name)

    def tools(self) -> tuple[Any, ...]:
        """Its MCP tools, loaded now."""
        return tuple(import_module(f"syndarix_obs_read.mcp.{self.name}").TOOLS)

    def page(self) -> Any:
        """Its page, loaded now."""
        return import_module(f"syndarix_obs_read.web.pages.{self.name}").PAGE


_ON_TRACE: Final[Mapping[Face, str]] = {"web": "the page of a trace shows it"}
_SERVERS_ONLY: Final[Mapping[Face, str]] = {"web": "the servers' own query pages do this better"}
_PERSON: Final[Mapping[Face, str]] = {"mcp": "a person decides this", "web": "a person decides this at a terminal"}
_STARTS: Final[Mapping[Face, str]] = {"mcp": "it starts a program", "web": "it starts a program"}
_LOCAL: Final[Mapping[Face, str]] = {"mcp": "it reads files of this machine", "web": "it reads files of this machine"}
_RUNS: Final[Mapping[Face, str]] = {"mcp": "it runs the user's own code", "web": "it runs the user's own code"}
_INSIDE: Final[Mapping[Face, str]] = {"web": "a part of the page `health`", "mcp": "a part of the tools of `alerts`"}

QUESTIONS: Final[tuple[Question, ...]] = (
    Question("demo", "Serve", "Run a support desk of agents, and explain the session that failed.",
             "demo --sessions 20 --seed 7", without=_STARTS),
    Question("sessions", "Look", "List sessions, or follow them as they run.", "sessions --agent support --follow"),
    Question("session", "Look", "Show one session: what it did, what it cost, how it ended.", "session 3f2a9c"),
    Question("traces", "Look", "Search traces by agent, status, duration, cost and text.",
             "traces --agent support --status error --since 7d"),
    Question("trace", "Look", "Show one trace as a tree of steps.", "trace 9f6f27 --payloads"),
    Question("timeline", "Explain", "Show what happened in a trace or session, in order.", "timeline 9f6f27",
             without={"web": "the pages of a trace and of a session show it"}),
    Question("interactions", "Explain", "Show who spoke to whom in one run, as a sequence, and its flow.",
             "interactions 3f2a9c --mermaid"),
    Question("explain", "Explain", "Say why a trace ended as it did.", "explain 9f6f27", without=_ON_TRACE),
    Question("decisions", "Explain", "List decisions with options, choice and reason; or patterns in them.",
             "decisions --patterns --type tool_selection"),
    Question("step", "Run again", "Step through a run: what the model saw, chose and why.", "step 3f2a9c 4"),
    Question("diff", "Run again", "Show what is different between two runs, step by step.", "diff 3f2a9c replay-81d0"),
    Question("replay", "Run again", "Run an agent's own code again along a recorded session.",
             "replay 3f2a9c --with my_agent:answer", without=_RUNS),
    Question("costs", "Money", "Sum the cost ledger by agent, model, day and more.",
             "costs --by agent,model --since 2026-03"),
    Question("coding", "Money", "Say what coding agents cost, what filled their context, what was refused.",
             "coding --by repository,branch --since 7d"),
    Question("forecast", "Money", "Say what the current month will cost, with an interval.",
             "forecast --by project,model"),
    Question("spending", "Money", "Say what a success cost, and what was spent in vain.",
             "spending --by agent_version --since 30d"),
    Question("budgets", "Money", "Say what is left of each budget, and what was refused.", "budgets"),
    Question("reconcile", "Money", "Hold the ledger against the provider's bill, and name each difference.",
             "reconcile --provider openai --month 2026-11"),
    Question("errors", "Explain", "Group what failed by its message.", "errors --agent support --since 7d"),
    Question("loops", "Explain", "List loops: one tool called again and again with the same arguments.",
             "loops --since 7d", without={"mcp": "get_errors lists them"}),
    Question("logs", "Look", "Search log lines and records, or follow them.",
             "logs --grep refund --level warning --follow"),
    Question("agents", "Look", "Say how each agent is doing: success, duration, failures, tools.", "agents --since 7d"),
    Question("tools", "Look", "Show calls, failures and dollars of each tool by agent, version or time.",
             "tools --by agent --since 7d", without={"mcp": "get_agent_stats has the tools of each agent"}),
    Question("services", "Watch", "Say what each service and version of its agents did.", "services --since 7d"),
    Question("names", "Look", "List the names that can be asked for.", "names agent model",
             without={"web": "filters offer them"}),
    Question("quality", "Run again", "Show scores and outcomes by agent, version, prompt, model or day.",
             "quality --by prompt_hash --name resolved --since 7d"),
    Question("score", "Run again", "Give a session a score, an outcome or feedback, also long after it ended.",
             'score s-42 resolved true --type outcome --comment "confirmed by mail"',
             without={"web": "a form on the page of a session"}),
    Question("annotate", "Run again", "Say something about a run or a step, or show what was said.",
             'annotate 3f2a9c "promised a refund twice" --label bug --thumbs down'),
    Question("evaluate", "Run again", "Score ended sessions by evaluators, or by a judge with its agreement.",
             "evaluate --since 7d --agent support", without={"mcp": "it may spend money", "web": "it may spend money"}),
    Question("investigate", "Explain", "Say what changed, and which version, prompt, model or tool explains it.",
             "investigate --agent support --since 2h"),
    Question("compare", "Run again", "Show two runs side by side, or two versions, prompts, models or times.",
             "compare --of model gpt-4o gpt-4o-mini --agent support --since 7d"),
    Question("blame", "Explain", "Say which steps of a failed session are most likely at fault.", "blame 3f2a9c",
             without={"web": "the page of a session shows it"}),
    Question("query", "Serve", "Send PromQL, LogQL or TraceQL to the stack's servers.",
             'query promql "sum by (agent) (increase(llm_requests_total[1h]))" --since 2h', without=_SERVERS_ONLY),
    Question("watch", "Watch", "Look every five minutes for what is unusual; keep it and alert.", "watch --once",
             without=_STARTS),
    Question("anomalies", "Watch", "List episodes in which an agent was unlike its own past.", "anomalies --open"),
    Question("alerts", "Watch", "List alerts and silences of the stack.", "alerts --label agent=support --state active",
             without={"web": "a part of the page `health`"}),
    Question("silence", "Watch", "Silence alerts for a time.",
             'silence --label alertname=LoopDetected --comment "known" --lasts 2h', module="alerts", without=_INSIDE),
    Question("trigger", "Watch", "Raise an alert by hand.",
             'trigger RefundsWrong "refunds are paid twice" --severity critical', module="alerts", without=_INSIDE),
    Question("health", "Watch", "Check the pipeline itself, and say what to do about what is broken.", "health"),
    Question("doctor", "Watch", "Check every part of the chain on this machine.", "doctor", module="health",
             without={"mcp": "it looks at this machine", "web": "it looks at this machine"}),
    Question("up", "Serve", "Take telemetry of any program, and show it: one process, nothing to set.",
             "up --install claude-code", without=_STARTS),
    Question("run", "Serve", "Run a program and record its model calls, without a line of code.",
             "run python app.py", module="run_command", without=_STARTS),
    Question("import", "Serve", "Read the transcripts that a coding agent keeps on disk.",
             "import claude-code --follow", module="importing", without=_LOCAL),
    Question("web", "Serve", "Serve the explorer to a browser.", "web --open", without=_STARTS),
    Question("mcp", "Serve", "Serve the answers to assistants over MCP.", "mcp --print-config", without=_STARTS),
    Question("forget", "Keep", "Erase a person everywhere, and prove it.", "forget u-42", without=_PERSON),
    Question("export", "Keep", "Write what was recorded to files, with their hashes.",
             "export --to books --what ledger --format csv --since 2026-03", without=_PERSON),
    Question("archive", "Keep", "Move finished days to Parquet files, or list what is archived.",
             "archive --before 30d", without=_PERSON),
    Question("audit", "Keep", "List who read payloads, exported, archived and erased.", "audit --since 30d",
             without={"mcp": "it is about those who ask"}),
    Question("report", "Keep", "Write a run, an agent or a week as one file: HTML, Markdown or PDF.",
             "report --session 3f2a9c -o report.html", without={"mcp": "it writes a file for people"}),
    Question("convert", "Keep", "Write one run for Perfetto, speedscope, OTLP or as Mermaid text.",
             "convert 3f2a9c --to perfetto -o run.json",
             without={"mcp": "get_interactions gives Mermaid text; the other forms are for programs",
                      "web": "the page `report` offers the files"}),
    Question("redact", "Keep", "Show what redaction makes of a text.", "redact mail.txt", without=_PERSON),
    Question("prune", "Keep", "Delete what is older than a time.", "prune --before 30d", without=_PERSON),
)  # fmt: skip
"""Everything that `syndarix-obs` answers or does. Pages and tools come in this order."""

PAGES_ONLY: Final[Mapping[str, str]] = {
    "day": "the question `costs`, of two days beside one another",
    "overview": "it puts answers of other questions together",
    "walk": "the question `step`, of a whole run; the page `step` is one span of a trace",
}
"""Pages that are no question of their own, each with the reason."""


def find(name: str) -> Question | None:
    """The question of that name."""
    return next((each for each in QUESTIONS if each.name == name), None)


def with_face(face: Face) -> tuple[Question, ...]:
    """Questions that have a face, in the order of the catalogue."""
    return tuple(each for each in QUESTIONS if face not in each.without)
