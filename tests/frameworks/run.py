"""Runs the programs of one environment against a local provider, and compares what was recorded with what was served.

    python tests/frameworks/run.py ENVIRONMENT [--json]

Each program runs in a process of its own, in a session of ours and without one, streamed where it can be, and refused.
Ends with 1 when calls, tokens or dollars differ.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from programs import ENVIRONMENTS, PROGRAMS, STREAMED
from provider import Provider

VARIANTS = ("session", "alone", "streamed", "refused")


def variants(program: str) -> Iterator[str]:
    """What is tried of a program."""
    for variant in VARIANTS:
        if variant != "streamed" or program in STREAMED:
            yield variant


def measure(program: str, variant: str) -> dict[str, Any]:
    """Run one program in this process."""
    from syndarix_obs import ObservabilityPlatform, Settings
    from syndarix_obs.testing import Capture

    with Provider() as provider:
        os.environ |= {
            "OPENAI_API_KEY": "x", "OPENAI_BASE_URL": f"{provider.url}/v1", "ANTHROPIC_API_KEY": "x",
            "ANTHROPIC_BASE_URL": provider.url, "OPENAI_AGENTS_DISABLE_TRACING": "0",
        }  # fmt: skip
        capture = Capture()
        home = Path(tempfile.mkdtemp(prefix="frameworks-"))
        obs = ObservabilityPlatform(Settings(home=home, backend="none", flush_interval=0.05), consumers=[capture])
        watched = obs.auto_instrument()
        asked = {"question": "REFUSE this"} if variant == "refused" else {}
        streamed = {"streamed": True} if variant == "streamed" else {}
        failed = ""
        with nullcontext() if variant == "alone" else obs.session(agent="outer", session_id="s-1"):
            try:
                PROGRAMS[program](provider.url, **asked, **streamed)
            except BaseException as error:  # noqa: BLE001 - a refused program may end in any way
                failed = f"{type(error).__name__}: {str(error)[:200]}"
        obs.flush(10)
        obs.shutdown()
        found = {**compared(provider, capture), "watched": watched, "failed": failed}
        return {**found, "right": found["right"] and (not failed or variant == "refused")}


def compared(provider: Provider, capture: Any) -> dict[str, Any]:
    records = capture.records
    lines = [record for record in records if type(record).__name__ == "CostRecord"]
    calls = [record for record in records if record.kind == "llm_call"]
    served = provider.served
    sign = [-1 if line.record_id.endswith(":void") else 1 for line in lines]
    inputs = ("tokens_input", "tokens_cache_read", "tokens_cache_write")
    told = {
        "calls": len(served),
        "input": sum(each.input for each in served),
        "output": sum(each.output for each in served),
        "dollars": round(sum(each.cost for each in served), 9),
    }
    got = {
        "calls": sum(sign),
        "input": sum(getattr(line, name) for line in lines for name in inputs),
        "output": sum(line.tokens_output + line.tokens_reasoning for line in lines),
        "dollars": round(float(sum(line.total_cost_usd or 0 for line in lines)), 9),
    }
    found = {name: (told[name], got[name]) for name in told}
    return {
        "compared": found, "right": all(told == got for told, got in found.values()),
        "tools": sorted({record.tool for record in records if record.kind == "tool_call"}),
        "agents": sorted({str(line.agent) for line in lines}),
        "sessions": len({record.session_id for record in records if record.session_id}),
        "content": sum(bool(call.payload and '"output"' in call.payload) for call in calls),
        "estimated": sum(bool(line.estimated) for line in lines),
    }  # fmt: skip


def main() -> int:
    """Each program and variant in a process of its own."""
    options = argparse.ArgumentParser()
    options.add_argument("environment")
    options.add_argument("--variant")
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    if given.variant:
        print(json.dumps(measure(given.environment, given.variant)))
        sys.stdout.flush()
        os._exit(0)  # some frameworks leave threads behind
    wrong = 0
    for program in ENVIRONMENTS.get(given.environment, (given.environment,)):
        for variant in variants(program):
            found = _child(program, variant)
            wrong += not found.get("right")
            print(
                json.dumps({"program": program, "variant": variant, **found})
                if given.json
                else line(program, variant, found)
            )
    return 1 if wrong else 0


def _child(program: str, variant: str) -> dict[str, Any]:
    command = [sys.executable, __file__, program, "--variant", variant]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return {"right": False, "failed": done.stderr[-500:]}


def line(program: str, variant: str, found: dict[str, Any]) -> str:
    if "compared" not in found:
        return f"WRONG  {program:24} {variant:9} {found['failed']}"
    told = ", ".join(
        f"{name} {got}" if served == got else f"{name} {got} (served {served})"
        for name, (served, got) in found["compared"].items()
    )
    rest = f"tools {found['tools']}, agents {found['agents']}, sessions {found['sessions']}"
    failed = f", ended with {found['failed'][:80]}" if found["failed"] else ""
    return f"{'right' if found['right'] else 'WRONG'}  {program:24} {variant:9} {told}, {rest}{failed}"


if __name__ == "__main__":
    sys.exit(main())
