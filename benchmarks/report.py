"""Writes the tables of docs/performance.md from what the benchmarks left in `results/`.

    python benchmarks/report.py

A table stands between `<!-- measured: NAME -->` and `<!-- end: NAME -->`; everything around it is written by hand, and
a benchmark that has not run leaves its table as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import results

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
_BLOCK = re.compile(r"(<!-- measured: (?P<name>[\w-]+) -->\n).*?(<!-- end: (?P=name) -->)", re.DOTALL)
KINDS = ("span", "llm_call", "cost")
NAMES = {
    "bare": "bare OpenTelemetry span",
    "bare-content": "bare span with content",
    "ours-api-stack": "**our API**, stack",
    "ours-api-embedded": "**our API**, embedded",
    "ours-auto-stack": "**`auto_instrument()`**, stack",
    "ours-auto-embedded": "**`auto_instrument()`**, embedded",
    "official": "OpenTelemetry genai-openai",
    "traceloop": "Traceloop",
    "openinference": "OpenInference",
    "ours": "**syndarix-obs**",
}


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table: the first column is text, the others are figures."""
    names = list(head)
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def named(subject: str) -> str:
    """How a subject is called on the page."""
    return NAMES.get(subject, subject)


def overhead(figures: dict[str, Any]) -> str:
    """Added time per call, by case."""
    parts = []
    for case, subjects in figures.items():
        to = results.base_of(subjects)
        base = subjects[to]
        rows = [
            (named(subject), f"{t['caller']:.0f}", f"{t['caller'] / base['caller']:.2f}",
             f"{t['process']:.0f}", f"{t['process'] / base['process']:.2f}", f"{t['wall']:.0f}")
            for subject, t in sorted(subjects.items(), key=lambda pair: pair[1]["process"])
        ]  # fmt: skip
        head = ("µs per call", "caller", f"× {to}", "process", f"× {to}", "wall")
        parts.append(f"**{case}**\n\n" + table(head, rows))
    return "\n\n".join(parts)


def spans(figures: dict[str, Any]) -> str:
    """One span without a client."""
    rows = [
        (f"{operation}: {named(subject)}", f"{t['caller']:.1f}", f"{t['caller'] / subjects['bare']['caller']:.2f}",
         f"{t['process']:.1f}", f"{t['process'] / subjects['bare']['process']:.2f}")
        for operation, subjects in figures.items() for subject, t in subjects.items()
    ]  # fmt: skip
    return table(("µs per span", "caller", "× bare", "process", "× bare"), rows)


def shares(one: dict[str, float], kinds: Iterable[str], prefix: str = "") -> str:
    """Share that arrived, of each kind of record."""
    return ", ".join(f"{100 * one[f'{prefix}{kind}_share']:.1f}%" for kind in kinds)


def twice(one: dict[str, float], kinds: Iterable[str]) -> int:
    """How many records arrived more than once."""
    return sum(int(one[f"{kind}_twice"]) for kind in kinds)


def burst(figures: dict[str, Any]) -> str:
    """Who delivers a burst."""
    rows = []
    for subject, one in figures["burst"].items():
        kinds = KINDS if subject == "ours" else ("span",)
        rows.append((named(subject), shares(one, kinds), shares(one, kinds, "after_") if subject == "ours" else "–",
                     twice(one, kinds), f"{one['memory_mb']:.0f}", f"{one['exit_s']:.1f}"))  # fmt: skip
    head = (f"{figures['calls']:,} calls back to back", "arrived at exit", "after the next process", "twice",
            "memory MB", "exit s")  # fmt: skip
    return table(head, rows)


def outage(figures: dict[str, Any]) -> str:
    """What an outage does to the process."""
    rows = [
        (f"sink {state}", f"{one['memory_mb']:.0f}", f"{one['exit_s']:.1f}",
         shares(one, KINDS), twice(one, KINDS))
        for state, one in figures["outage"].items()
    ]  # fmt: skip
    head = (f"{figures['calls']:,} `openai` calls", "memory MB", "exit s", "spans, calls, costs in the end", "twice")
    return table(head, rows)


def felt(figures: dict[str, Any]) -> str:
    """What the caller feels of it."""
    up = figures["felt"]["up"]
    rows = [
        ("not recorded" if state == "none" else f"sink {state}", f"{one['p50_us']:.0f}", f"{one['mean_us']:.0f}",
         f"{one['p99_us']:.0f}", f"{one['p50_us'] / up['p50_us']:.2f}", f"{one['mean_us'] / up['mean_us']:.2f}")
        for state, one in figures["felt"].items()
    ]  # fmt: skip
    return table(("µs per `openai` call", "p50", "mean", "p99", "p50 ÷ up", "mean ÷ up"), rows)


def kill(figures: dict[str, Any]) -> str:
    """What `kill -9` costs."""
    rows = [
        (backend, one["kills"], f"{one['recorded']:,}", one["missing"], f"{one['oldest_missing_s']:.2f}",
         f"{one['clean']} of {one['kills']}", one["twice"])
        for backend, one in figures.items()
    ]  # fmt: skip
    head = ("", "kills", "calls recorded", "missing", "oldest missing, s before the kill", "opened clean", "twice")
    return table(head, rows)


def latency(figures: dict[str, Any]) -> str:
    """The 5% rule."""
    rows = [
        (way, *(f"{one[key]:.2f}" for key in ("p50_added_ms", "p50_percent", "p99_added_ms", "p99_percent")))
        for way, one in figures.items()
    ]
    return table(("100 ms provider", "p50 added ms", "%", "p99 added ms", "%"), rows)


def memory(figures: dict[str, Any]) -> str:
    """Growth over many calls."""
    rows = [
        (backend, f"{one['calls']:,}", f"{one['memory_mb'][0]:.0f}", f"{one['memory_mb'][1]:.0f}",
         f"{one['memory_mb'][-1]:.0f}", f"{one['growth_mb']:.1f}", f"{one['dropped']:.0f}")
        for backend, one in figures["growth"].items()
    ]  # fmt: skip
    return table(("resident MB", "calls", "start", "after 10%", "at the end", "growth from 10%", "dropped"), rows)


def throughput(figures: dict[str, Any]) -> str:
    """Records a second through everything."""
    rows = [
        (backend, *(f"{one[key]:,.0f}" for key in ("accepted_per_s", "calls_per_s", "records_per_s", "dropped")))
        for backend, one in figures["throughput"].items()
    ]
    return table(("per second", "calls accepted", "calls stored or sent", "records", "dropped"), rows)


def footprint(figures: dict[str, Any]) -> str:
    """Size, dependencies, import time."""
    rows = [
        (named(name), one["packages"], f"{one['mb']:.1f}",
         *(f"{figures['import_ms'][name][key]:.0f}" for key in ("alone", "added")))
        for name, one in sorted(figures["environments"].items(), key=lambda pair: pair[1]["mb"])
    ]  # fmt: skip
    own = ", ".join(f"`{name}` {size:.2f} MB" for name, size in figures["own_mb"].items())
    head = ("beyond the base", "packages", "MB", "import alone, ms", "added to `import openai`, ms")
    return table(head, rows) + f"\n\nOur own code: {own}."


def redaction(figures: dict[str, Any]) -> str:
    """Throughput of the patterns: a column for each way that was measured."""
    ways = list(dict.fromkeys(way for one in figures.values() for way in one))
    rows = [
        (payload, *(f"{found[way]['mb_per_s']:,.0f}" if way in found else "" for way in ways))
        for payload, found in figures.items()
    ]
    return table(("MB/s", *ways), rows)


def store(figures: dict[str, Any]) -> str:
    """The embedded store."""
    return table(
        ("embedded store", "figure", "value"),
        [(group, figure, f"{value:,.2f}") for group, values in figures.items() for figure, value in values.items()],
    )


def read_embedded(figures: dict[str, Any]) -> str:
    """Questions to the embedded store, by its size."""
    sizes = list(figures)
    rows = [
        (name, *(f"{figures[size][name][key]:,.0f}" for size in sizes for key in ("median_ms", "p95_ms")))
        for name in figures[sizes[0]]
    ]
    heads = [f"{size}: {which}" for size in sizes for which in ("median", "p95")]
    return table(("ms", *heads), rows)


def mcp(figures: dict[str, Any]) -> str:
    """Answers of the MCP server over a big store."""
    rows = [
        (f"`{one['tool']}` {', '.join(f'{k}={v}' for k, v in one['arguments'].items() if k != 'trace_id')}".strip(),
         f"{one['tokens']:,}", f"{one['bytes']:,}", f"{one['seconds']:.2f}", "cut" if one["cut"] else "whole")
        for one in figures["calls"]
    ]  # fmt: skip
    head = (f"{figures['spans']:,} spans, budget {figures['budget']:,}", "tokens", "bytes", "seconds", "answer")
    return table(head, rows)


def read(figures: dict[str, Any]) -> str:
    """Answers of both backends over the same records."""
    rows = [
        (name, *(f"{one[backend][key]:,.0f}" for backend in ("embedded", "stack") for key in ("median_ms", "p95_ms")),
         "" if one["goal_ms"] is None else f"{one['goal_ms']:,}")
        for name, one in figures["answers"].items()
    ]  # fmt: skip
    head = ("ms", "embedded, median", "p95", "stack, median", "p95", "goal for the stack")
    return f"{figures['traces']:,} traces, {figures['lines']:,} lines.\n\n{table(head, rows)}"


BLOCKS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "overhead": ("overhead", overhead),
    "spans": ("spans", spans),
    "burst": ("burst", burst),
    "outage": ("burst", outage),
    "felt": ("burst", felt),
    "kill": ("kill", kill),
    "latency": ("latency", latency),
    "memory": ("memory", memory),
    "throughput": ("memory", throughput),
    "footprint": ("footprint", footprint),
    "redaction": ("redaction", redaction),
    "store": ("store", store),
    "read-embedded": ("read_embedded", read_embedded),
    "mcp": ("mcp_budget", mcp),
    "read": ("read_stack", read),
}
"""Block on the page: which benchmark's results, and how they look."""


def rendered(name: str) -> str | None:
    """A block's new text; None when its benchmark has not run, or when the block is somebody else's."""
    if name not in BLOCKS:
        return None
    benchmark, render = BLOCKS[name]
    found = results.load(benchmark)
    if found is None:
        return None
    machine = found["machine"]
    cpu = f"{machine['cores']} cores of {machine['cpu'] or 'an unknown CPU'}"
    where = f"{machine['date']}, {cpu}, Python {machine['python']}"
    return f"\n{render(found['figures'])}\n\n<sub>{where}</sub>\n\n"


def page(text: str) -> str:
    """The page with every block that can be rendered."""

    def fresh(found: re.Match[str]) -> str:
        new = rendered(found["name"])
        return found[0] if new is None else found[1] + new + found[3]

    return _BLOCK.sub(fresh, text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print("written:", PAGE.name)
