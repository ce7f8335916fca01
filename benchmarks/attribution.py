"""Who broke it? How often the rules name the right step of a failed multi-agent session, beside the best constants.

    python benchmarks/attribution.py who_and_when.jsonl.gz [--json] [--cross-validate]

The file is the Who&When data set, or any file of its form: a JSON object a line with `id, part, history, mistake_agent,
mistake_step`, where `part` is AG for algorithm-generated and HC for hand-crafted. Scored is the *step*, exactly: `top1`
is the share of sessions whose decisive step is the first suspect, `top3` among the first three. `constant1` and
`constant3` are the one and the three step numbers that would have been right most often, chosen in hindsight on the
very file, which is more than any constant can reach in earnest. Printed beside them: the agent (of the first suspect,
and of the first three), against always naming who talks most.

`--cross-validate` weighs the same rules anew on four fifths of the file and tests on the fifth, five times over five
shuffles: what the rules can do on sessions that their weights have not seen.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from syndarix_obs_read.analysis.attribution import suspects
from syndarix_obs_read.analysis.fault_rules import ORCHESTRATED, ROUND_TABLE
from syndarix_obs_read.analysis.turns import Conversation, read_conversation

Case = dict[str, Any]
Candidates = dict[int, dict[str, float]]
"""For each step that may be at fault, the strength of each rule that fits it."""

FOLDS, SHUFFLES, ROUNDS, PENALTY, PACE = 5, 5, 150, 1.0, 0.5


def load(path: Path) -> list[Case]:
    """The sessions of a file, plain or gzipped."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def conversation(case: Case) -> Conversation:
    """A session's history as turns."""
    return read_conversation((each.get("name") or each["role"], each["content"]) for each in case["history"])


def figures(cases: Sequence[Case]) -> dict[str, float]:
    """All figures of one part, as shares of one."""
    named = [(case, suspects(conversation(case))) for case in cases]
    right = [int(case["mistake_step"]) for case in cases]
    agents = [str(case["mistake_agent"]).lower() for case in cases]
    return {
        "sessions": len(cases),
        "top1": share(step == found[0].step for step, (_, found) in zip(right, named, strict=True) if found),
        "top3": share(step in [each.step for each in found] for step, (_, found) in zip(right, named, strict=True)),
        "constant1": constant(right, 1),
        "constant3": constant(right, 3),
        "agent1": share(who == found[0].agent.lower() for who, (_, found) in zip(agents, named, strict=True) if found),
        "agent3": share(
            who in [each.agent.lower() for each in found] for who, (_, found) in zip(agents, named, strict=True)
        ),
        "agent_talks_most": share(who == talks_most(case) for who, (case, _) in zip(agents, named, strict=True)),
    }


def share(hits: Any) -> float:
    """The share of true ones."""
    found = list(hits)
    return sum(found) / len(found) if found else 0.0


def constant(right: Sequence[int], count: int) -> float:
    """How often the best `count` step numbers would have been right."""
    return sum(times for _, times in Counter(right).most_common(count)) / len(right)


def talks_most(case: Case) -> str:
    """The agent with the most actions, the first of equals."""
    counted = Counter(turn.agent.lower() for turn in conversation(case).acts)
    return counted.most_common(1)[0][0] if counted else ""


def candidates(talk: Conversation) -> Candidates:
    """Each step that may be at fault with the rules that fit it, by strength rather than by weight."""
    found: Candidates = {turn.step: {} for turn in talk.turns if turn.part in ("task", "act", "replan")}
    for rule in ORCHESTRATED if talk.orchestrated else ROUND_TABLE:
        for sign in rule(talk):
            found.setdefault(sign.step, {})[sign.rule] = sign.weight
    return found


def weigh(sessions: Sequence[tuple[Candidates, int]]) -> dict[str, float]:
    """Weights that make the right steps likeliest: a conditional logit with a penalty, by adaptive ascent."""
    names = sorted({rule for steps, _ in sessions for signs in steps.values() for rule in signs})
    weights, squares = dict.fromkeys(names, 0.0), dict.fromkeys(names, 1e-6)
    for _ in range(ROUNDS):
        slope = {name: -PENALTY * weights[name] for name in names}
        for steps, right in sessions:
            odds = {step: math.exp(score(weights, signs)) for step, signs in steps.items()}
            total = sum(odds.values())
            for step, signs in steps.items():
                for rule, strength in signs.items():
                    slope[rule] += strength * ((step == right) - odds[step] / total)
        for name in names:
            squares[name] += slope[name] ** 2
            weights[name] += PACE * slope[name] / math.sqrt(squares[name])
    return weights


def score(weights: dict[str, float], signs: dict[str, float]) -> float:
    """What speaks against one step."""
    return sum(weights.get(rule, 0.0) * strength for rule, strength in signs.items())


def cross_validated(cases: Sequence[Case]) -> dict[str, float]:
    """Top 1 and top 3 on sessions that the weights have not seen."""
    sessions = [(candidates(conversation(case)), int(case["mistake_step"])) for case in cases]
    random_order, ranks = random.Random(15), []
    for _ in range(SHUFFLES):
        order = random_order.sample(range(len(sessions)), len(sessions))
        for fold in range(FOLDS):
            held = set(order[fold::FOLDS])
            weights = weigh([sessions[index] for index in order if index not in held])
            ranks += [place(weights, *sessions[index]) for index in held]
    return {"top1": share(rank < 1 for rank in ranks), "top3": share(rank < 3 for rank in ranks)}


def place(weights: dict[str, float], steps: Candidates, right: int) -> int:
    """Where the right step stands in the ranking, from 0."""
    ranked = sorted(steps, key=lambda step: (-score(weights, steps[step]), step))
    return ranked.index(right) if right in ranked else len(ranked)


def draw(part: str, found: dict[str, float], crossed: dict[str, float] | None) -> str:
    """The figures of one part as lines."""
    percent: Callable[[str], str] = lambda key: f"{100 * found[key]:5.1f} %"
    lines = [
        f"{part}, {found['sessions']:.0f} sessions          first    in top three",
        f"  step, our rules        {percent('top1')}  {percent('top3')}",
        f"  step, best constants   {percent('constant1')}  {percent('constant3')}",
        f"  agent, our rules       {percent('agent1')}  {percent('agent3')}",
        f"  agent, who talks most  {percent('agent_talks_most')}",
    ]
    if crossed:
        lines.append(f"  step, cross-validated  {100 * crossed['top1']:5.1f} %  {100 * crossed['top3']:5.1f} %")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure a file; 2 when it cannot be read."""
    parser = argparse.ArgumentParser(description="How often the step at fault is named.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object, figures in parts of one")
    parser.add_argument("--cross-validate", action="store_true", help="also weigh the rules anew and test them")
    options = parser.parse_args(arguments)
    try:
        cases = load(options.file)
    except (OSError, ValueError) as problem:
        print(f"{options.file} cannot be read as one JSON object a line: {problem}", file=sys.stderr)
        return 2
    parts = {part: [case for case in cases if case.get("part") == part] for part in ("AG", "HC")}
    found = {part: figures(of_part) for part, of_part in parts.items() if of_part}
    crossed = {part: cross_validated(parts[part]) for part in found} if options.cross_validate else {}
    if options.json:
        print(json.dumps({part: {**found[part], **crossed_keys(crossed.get(part))} for part in found}))
    else:
        print("\n\n".join(draw(part, found[part], crossed.get(part)) for part in found))
    return 0


def crossed_keys(crossed: dict[str, float] | None) -> dict[str, float]:
    """Cross-validated figures under names of their own."""
    return {f"cross_{key}": value for key, value in (crossed or {}).items()}


if __name__ == "__main__":
    raise SystemExit(main())
