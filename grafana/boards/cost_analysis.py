"""Cost analysis: who spends what, is it going to be too much, and is the sum complete?"""

from __future__ import annotations

from boards import selectors as s
from boards import theme
from boards.board import Board, Section
from boards.panels import Panel, graph, stat
from boards.tables import Column, board_link, table
from boards.targets import Loki, LokiNow, Prom, PromNow

EXACT = "Exact: from the ledger in Loki."
TREND = "A trend from counters, not for billing."

_ALL = 'max(llm_cost_forecast_all_dollars{{bound="{}"}})'
_FORESEEN = f'max by (project) (llm_cost_forecast_dollars{{{{bound="{{}}",{s.PROJECT}}}}})'
_BUDGET_MONTH = f"sum(project:budget_monthly:dollars{{{s.PROJECT}}})"
_SUCCESSES = f'{s.SESSIONS} | status="ok" | outcome!~"(?i)failure|failed|error"'
_UNPRICED = f'{s.LEDGER} | json priced="priced" | priced="false"'
_ESTIMATED = f'{s.LEDGER} | json estimated="estimated" | estimated="true"'

TOTALS = [
    stat(title="Today", unit="currencyUSD", timeFrom="now/d", description=f"Dollars since midnight UTC. {EXACT} If "
         f"it is "
         "more than usual at this hour, the spikes below say which agent.",
         targets=[LokiNow(expr=s.spent())], nothing="Nothing spent yet"),
    stat(title="Month to date", unit="currencyUSD", timeFrom="now/M", description=f"Dollars since the first of the "
         f"month, "
         f"UTC. {EXACT} The budget beside it says whether that is too much.",
         targets=[LokiNow(expr=s.spent())], nothing="Nothing spent yet"),
    stat(title="Forecast", unit="currencyUSD", timeFrom="now/M", nothing="Needs `syndarix-obs watch` and two weeks",
         description="What the month will cost, all projects together: the level of the last 7 days with the "
         "rhythm of the week, and the interval that 80% of months end in. The same numbers as `syndarix-obs forecast`, "
         "worked out by the watch once an hour. A trend; above the budget? Act now, not on the 30th.",
         targets=[
             PromNow(expr=_ALL.format("expected"), ref="A", legend="expected"),
             PromNow(expr=_ALL.format("low"), ref="B", legend="80% from"),
             PromNow(expr=_ALL.format("high"), ref="C", legend="to"),
         ]),
    stat(title="Of the budget", unit="percentunit", timeFrom="now/M", defaults={"decimals": 1},
          limits=theme.rising(theme.BUDGET_RATIO), nothing="No forecast or budget known yet",
          description="The forecasts of the projects chosen as a share of their monthly budgets "
          "(prometheus/rules/0-thresholds.yml). Orange from 80%, red from 100%: the tables below show where to save.",
          targets=[PromNow(expr=f"sum({_FORESEEN.format('expected')}) / {_BUDGET_MONTH}")]),
    stat(title="Per session", unit="currencyUSD", defaults={"decimals": 4}, description="Dollars of the time range "
         "divided "
         f"by the sessions that ended in it. {EXACT} It rises when sessions take more steps or larger prompts.",
         targets=[LokiNow(expr=f"{s.spent()} / {s.counted(s.SESSIONS)}")], nothing="No session ended"),
    stat(title="Per success", unit="currencyUSD", defaults={"decimals": 4}, description="Dollars of the time range "
         "divided by "
         "the sessions that ended well (no error, outcome not failed). Far above the cost per session means paying for "
         f"failures. {EXACT}",
         targets=[LokiNow(expr=f"{s.spent()} / {s.counted(_SUCCESSES)}")], nothing="No session succeeded"),
]  # fmt: skip

OVER_TIME = [
    graph(
        title="Spend by agent", unit="currencyUSD", stacked=True, bars=True, interval="5m", legend=("sum",), right=True,
        description=f"Dollars in each step, by agent. {EXACT} A bar that sticks out: open its traces on the Overview.",
        targets=[Loki(expr=s.spent("agent", "$__interval"), legend="{{agent}}")],
    ),
    graph(
        title="Spend by model", unit="currencyUSD", stacked=True, bars=True, interval="5m", legend=("sum",), right=True,
        description=f"Dollars in each step, by model. {EXACT} A new colour is a new model: find out who chose it.",
        targets=[Loki(expr=s.spent("model", "$__interval"), legend="{{model}}")],
    ),
]  # fmt: skip


def _by(label: str, heading: str, what: str, leads_to: tuple[str, str] | None = None) -> Panel:
    return table(
        title=f"By {heading.lower()}", w=12, h=8, join=label, sort="Cost",
        description=f"{what} {EXACT}",
        targets=[
            LokiNow(expr=f"topk(25, {s.spent(label)})", ref="A"),
            LokiNow(expr=f"{s.counted(s.LEDGER, label)} and on ({label}) topk(25, {s.spent(label)})", ref="B"),
            LokiNow(expr=f"{s.summed(s.LEDGER, 'tokens_total', label)} and on ({label}) topk(25, {s.spent(label)})",
                    ref="C"),
        ],
        columns=[
            Column(label, heading, links=(leads_to,) if leads_to else ()),
            Column("Value #A", "Cost", unit="currencyUSD", bar=True, width=150),
            Column("Value #B", "Calls", unit="short", width=65),
            Column("Value #C", "Tokens", unit="short", width=75),
        ],
    )  # fmt: skip


BREAKDOWN = [
    _by("agent", "Agent", "Who spends; the name leads to the agent's behaviour. Ask of the first three whether each "
         "call "
        "is needed.", leads_to=board_link("How this agent behaves", "agent-behaviour", agent="${__value.raw}")),
    _by("project", "Project", "Who pays. A project without a name is a session that named none."),
    _by("model", "Model", "What it is spent on; the name leads to the model's performance. Could a smaller one do?",
        leads_to=board_link("How this model performs", "llm-performance", model="${__value.raw}")),
    _by("user", "User", "The 25 most expensive users, as pseudonyms. One far ahead of the rest may be abuse, or a "
         "loop."),
    _by("task_type", "Task type", "Which kind of work costs most. Compare with what it is worth."),
    table(
        title="Budgets", w=12, h=8, join="project", sort="Of the day",
        description="Each project against its budgets, over the last 24 hours and 30 days as the alerts count them. "
        f"{TREND} Budgets stand in prometheus/rules/0-thresholds.yml.",
        targets=[
            PromNow(expr=f"max by (project) (project:budget_daily:used_ratio{{{s.PROJECT}}})", ref="A", table=True),
            PromNow(expr=f"max by (project) (project:budget_monthly:used_ratio{{{s.PROJECT}}})", ref="B", table=True),
            PromNow(expr=f"max by (project) (project:budget_daily:dollars{{{s.PROJECT}}})", ref="C", table=True),
        ],
        columns=[
            Column("project", "Project"),
            Column("Value #A", "Of the day", unit="percentunit", decimals=2, limits=theme.rising(theme.BUDGET_RATIO)),
            Column("Value #B", "Of the month", unit="percentunit", decimals=2, limits=theme.rising(theme.BUDGET_RATIO)),
            Column("Value #C", "Daily budget", unit="currencyUSD"),
        ],
        nothing="No project has spent anything",
    ),
    table(
        title="Forecast by project", w=12, h=8, join="project", sort="Expected",
        description="What the month will cost by project, with the interval that 80% of months end in. The same "
        "numbers as `syndarix-obs forecast --by project`; by agent, model, user or task type the command "
        "says it. A trend.",
        targets=[
            PromNow(expr=_FORESEEN.format("expected"), ref="A", table=True),
            PromNow(expr=_FORESEEN.format("low"), ref="B", table=True),
            PromNow(expr=_FORESEEN.format("high"), ref="C", table=True),
        ],
        columns=[
            Column("project", "Project"),
            Column("Value #A", "Expected", unit="currencyUSD"),
            Column("Value #B", "80% from", unit="currencyUSD"),
            Column("Value #C", "To", unit="currencyUSD"),
        ],
        nothing="Needs `syndarix-obs watch` and two weeks",
    ),
    stat(
        title="Bill and ledger", unit="percentunit", w=12, h=8, value_px=64, defaults={"decimals": 2},
        limits=theme.rising(theme.BILL_RATIO),
        nothing="Needs `syndarix-obs watch` with an admin key",
        description="How far the provider's own bill of the month's settled days lies from the ledger. Above 1% an "
        "alert fires, and `syndarix-obs reconcile` names each cause.",
        targets=[PromNow(expr="max by (provider) (llm_bill_difference_ratio)", legend="{{provider}}")],
    ),
]  # fmt: skip

BURN = [
    graph(
        title="Burn of the monthly budget", unit="short", interval="1m", limits=theme.rising(theme.BURN_RATE),
        custom={"axisSoftMax": 2},
        description="How many times what the month's budget gives to such a window the last hour, six hours and three "
        f"days took, by the project's own week; 1 is the pace. {TREND} From 1.5 on an alert fires, if 2, 5 or 10% of "
        "the month went in it: the tables above say by whom.",
        targets=[
            Prom(expr=f"topk(5, project:llm_budget_burn:rate1h{{{s.PROJECT}}})", legend="{{project}} 1 h"),
            Prom(expr=f"topk(5, project:llm_budget_burn:rate6h{{{s.PROJECT}}})", legend="{{project}} 6 h", ref="B"),
            Prom(expr=f"topk(5, project:llm_budget_burn:rate3d{{{s.PROJECT}}})", legend="{{project}} 3 d", ref="C"),
        ],
    ),
    graph(
        title="Calls over a budget", unit="short", defaults={"decimals": 0}, interval="1m", stacked=True, bars=True,
        legend=("sum",),
        description="Calls that a budget refused, or let through with a warning, and calls that no budget could be "
        f"held against because the guard failed or no price is known. {TREND} `syndarix-obs budgets` says more.",
        targets=[
            Prom(
                expr='sum by (budget, action) (increase(llm_budget_exceeded_total{environment=~"$environment"}'
                "[$__interval])) > 0",
                legend="{{budget}} {{action}}",
            ),
            Prom(
                expr='sum by (reason) (increase(llm_unguarded_requests_total{environment=~"$environment"}'
                "[$__interval])) > 0",
                legend="unguarded: {{reason}}", ref="B",
            ),
        ],
    ),
]  # fmt: skip

TRUST = [
    graph(
        title="Spikes", unit="short", interval="1m", limits=theme.rising(theme.COST_SPIKE),
        description="Spend of each agent's last minute as a multiple of what it spends at this hour; the ten "
        "largest. From "
        f"twice the normal on, and a dollar an hour, an alert fires. {TREND}",
        targets=[Prom(
            expr='topk(10, max_over_time(agent:llm_cost_dollars:times_normal{agent=~"$agent"}[$__interval]))',
            legend="{{agent}}",
        )],
    ),
    graph(
        title="Rate of spend", unit="currencyUSD", interval="1m", stacked=True,
        description=f"Dollars per hour right now, by model. {TREND} It moves within a minute, when the ledger's bars "
        f"above "
        "are still growing.",
        targets=[Prom(
            expr=f"{s.mean('environment_agent_project_model:llm_cost_dollars:rate5m', s.LLM, 'model')} * 3600",
            legend="{{model}}",
        )],
    ),
    table(
        title="Calls without a price", w=12, h=7, sort="Calls", nothing="Every call has a price",
        description="Models that no price is known for: their calls are missing from every sum of dollars here. Add "
        "a price "
        f"to the file SYNDARIX_OBS_PRICES_FILE names. {EXACT}",
        targets=[LokiNow(expr=s.counted(_UNPRICED, "model"))],
        columns=[Column("model", "Model"), Column("Value #A", "Calls", unit="short", bar=True)],
    ),
    stat(
        title="Estimated calls", unit="percentunit", w=6, h=7, value_px=48, nothing="No call was estimated",
        limits=theme.rising((0.01, 0.10)), defaults={"decimals": 2},
        description="Share of the calls whose tokens the provider did not report, so that their cost is an estimate. "
        "Turn on "
        f"SYNDARIX_OBS_REQUEST_USAGE for streamed calls. {EXACT}",
        targets=[LokiNow(expr=f"{s.counted(_ESTIMATED)} / {s.counted(s.LEDGER)}")],
    ),
    stat(
        title="Unpriced calls", unit="short", w=6, h=7, value_px=48, defaults={"decimals": 0},
        nothing="Every call has a price", limits=theme.steps(theme.GOOD, (1, theme.WARN)),
        description="How many calls have no price; an alert fires at the first. The table beside it has them by model. "
        f"{EXACT}",
        targets=[LokiNow(expr=s.counted(_UNPRICED))],
    ),
]  # fmt: skip

BOARD = Board(
    title="Cost analysis",
    description="Who spends what, is it going to be too much, and is the sum complete?",
    hours=24,
    refresh="1m",
    alert_marks=False,
    sections=[
        Section("", TOTALS),
        Section("Over time", OVER_TIME),
        Section("By whom and on what", BREAKDOWN),
        Section("Budgets that burn", BURN),
        Section("Spikes, and what the sums leave out", TRUST),
    ],
)
