"""What every board shares: data sources, colours, thresholds, words. One place to change a look."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

SCHEMA_VERSION: Final = 41
"""What Grafana 11.6 and 12 write. Grafana 13 writes 42, which changes nothing in what is used here; a board that claims
to be newer than its Grafana is refused by Grafana 12."""

PROMETHEUS: Final[Json] = {"type": "prometheus", "uid": "prometheus"}
LOKI: Final[Json] = {"type": "loki", "uid": "loki"}
TEMPO: Final[Json] = {"type": "tempo", "uid": "tempo"}
MIXED: Final[Json] = {"type": "datasource", "uid": "-- Mixed --"}
EXPRESSION: Final[Json] = {"type": "__expr__", "uid": "__expr__"}
GRAFANA: Final[Json] = {"type": "grafana", "uid": "-- Grafana --"}

TAG: Final = "agents"
"""On every board: the links between them follow it."""

GOOD: Final = "green"
NOTICE: Final = "yellow"
WARN: Final = "orange"
BAD: Final = "red"
PLAIN: Final = "blue"
CALM: Final = "text"
"""A value that is neither good nor bad."""

CALLS_OF: Final = {"ok": GOOD, "error": BAD, "pass": GOOD, "fail": BAD}
"""Colours of label values, the same on every board."""
SEVERITY: Final = {"critical": BAD, "warning": WARN, "info": PLAIN}
LEVEL: Final = {"critical": BAD, "error": BAD, "warning": WARN, "info": PLAIN, "debug": CALM}
OUTCOMES: Final = {"fail|error": BAD, "escalat|hand|abort|declin": WARN, "resolv|success|done|ok|paid|booked": GOOD}
"""Beginnings of the words in which developers say how a session ended."""
QUANTILES: Final = {"P50": GOOD, "P95": WARN, "P99": BAD}

# Where a number turns from fine to worth a look to bad. Those that an alert has too repeat its threshold (see
# prometheus/rules/0-thresholds.yml; a contract test holds both together).
ERROR_RATIO: Final = (0.02, 0.05)
TOOL_ERROR_RATIO: Final = (0.05, 0.20)
LATENCY_S: Final = (10.0, 30.0)
FIRST_TOKEN_S: Final = (2.0, 5.0)
BUDGET_RATIO: Final = (0.80, 1.0)
BURN_RATE: Final = (1.0, 1.5)
"""1.5 is `threshold:budget_burn:factor`."""
CONTEXT_RATIO: Final = (0.75, 0.90)
RATE_LIMIT_LEFT: Final = (0.10, 0.30)
BILL_RATIO: Final = (0.005, 0.01)
COST_SPIKE: Final = (1.5, 2.0)
STUCK_S: Final = (120.0, 300.0)

NOTHING: Final = "Nothing in this time range"
"""What an empty panel says: it is no fault that nobody called."""
NONE_FOUND: Final = "None found"
"""What an empty panel of problems says. A query that failed leaves its panel empty too, so it must not say more."""


def steps(first: str, *further: tuple[float, str]) -> Json:
    """Thresholds: the colour from the start on, then (value, colour from there on)."""
    found: list[Json] = [{"value": None, "color": first}]
    found += [{"value": value, "color": colour} for value, colour in further]
    return {"mode": "absolute", "steps": found}


def rising(limits: tuple[float, float]) -> Json:
    """Good at first, a warning from the first limit, bad from the second."""
    return steps(GOOD, (limits[0], WARN), (limits[1], BAD))


def falling(limits: tuple[float, float]) -> Json:
    """Bad below the first limit, a warning below the second, then good."""
    return steps(BAD, (limits[0], WARN), (limits[1], GOOD))


def ramp(colour: str, *values: float) -> Json:
    """Thresholds of one colour, fainter for less: it fades into the background of either theme.

    Below 0.3 Grafana writes in the theme's own colour, above in white; in between white would not be readable.
    """
    faint = [0.1 + 0.19 * place / max(len(values) - 2, 1) for place in range(len(values) - 1)]
    shares = [*faint, 0.8]
    colours = [f"rgba({colour}, {share:.2f})" for share in shares]
    return steps("transparent", *zip(values, colours, strict=True))


BLUE: Final = "31, 96, 196"
RED: Final = "196, 22, 42"
PLAIN_STEPS: Final = steps(PLAIN)
