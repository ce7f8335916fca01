"""`syndarix-obs` as a person and a program see it: exit codes, tables, trees, JSON, errors."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import read_scene as scene
from rich.console import Console
from rich.text import Text

from syndarix_obs.identity import Identity
from syndarix_obs.store.location import store_path
from syndarix_obs_read import formats as f
from syndarix_obs_read.amounts import Cost
from syndarix_obs_read.cli import main
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.cli.screen import Screen, clean, headers

ROOT = Path(__file__).resolve().parents[3]
SINCE = ("--since", "2026-02-20", "--until", "2026-03-01")

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(world: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command over the scene; returns exit code, output, errors."""

    def call(*arguments: str, home: Path = world) -> tuple[int, str, str]:
        code = run([*arguments, "--home", str(home)])
        said = capsys.readouterr()
        return code, _COLOURS.sub("", said.out), said.err

    return call


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> int:
    """Makes the screen a terminal of 100 columns."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    return 100


EVERY_COMMAND = [
    ("sessions", *SINCE), ("traces", *SINCE), ("agents", *SINCE), ("decisions", *SINCE), ("errors", *SINCE),
    ("decisions", "--patterns", *SINCE), ("costs", *SINCE), ("costs", "--by",
    "agent,project,user,task_type,model,day", *SINCE),
    ("costs", "--lines", *SINCE), ("loops", *SINCE), ("logs", *SINCE), ("logs", "--kind", "cost", *SINCE),
    ("logs", "--payloads", "--grep", "transit", *SINCE), ("session", "s-refund"), ("session", "s-live"), ("trace",
    "aaaa"),
    ("trace", "aaaa", "--payloads"), ("trace", "cccc"), ("timeline", "aaaa"), ("timeline", "s-loop"), ("explain",
    "aaaa"),
    ("explain", "abab", "--steps"), ("health",),
]  # fmt: skip


@pytest.mark.parametrize("arguments", EVERY_COMMAND, ids=" ".join)
def test_every_command_answers(cli: Cli, arguments: tuple[str, ...]) -> None:
    code, out, err = cli(*arguments)
    assert (0, True) == (code, bool(out.strip()))
    assert "Traceback" not in err


@pytest.mark.parametrize("arguments", EVERY_COMMAND, ids=" ".join)
def test_every_command_prints_json(cli: Cli, arguments: tuple[str, ...]) -> None:
    code, out, err = cli(*arguments, "--json")
    assert (0, "", "embedded") == (code, err, json.loads(out)["backend"])


@pytest.mark.parametrize("arguments", EVERY_COMMAND, ids=" ".join)
def test_every_answer_fits_a_terminal_of_100_columns(cli: Cli, terminal: int, arguments: tuple[str, ...]) -> None:
    _, out, _ = cli(*arguments)
    assert [] == [line for line in out.splitlines() if Text(line).cell_len > terminal]


def test_a_pipe_gets_one_row_a_line_with_full_ids(cli: Cli) -> None:
    _, out, _ = cli("traces", *SINCE)
    lines = out.splitlines()
    assert ["trace", scene.LIVE, scene.REFUND, scene.LOOP] == [line.split()[0] for line in lines]


def test_a_trace_is_drawn_as_a_tree(cli: Cli, terminal: int) -> None:
    _, out, _ = cli("trace", "aaaa")
    lines = out.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("step")) + 1
    width = lines[first - 1].index("at") - 4
    assert [
        "session triage", "├ llm gpt-4o-mini", "├ decision tool_selection", "├ session support", "│ └ task refund",
        "│   ├ context context", "│   ├ memory search orders", "│   ├ llm claude", "│   ├ llm house-1",
        "│   ├ decision tool_selection", "│   └ tool refund", "│     ├ span POST /refund", "│     └ log desk",
        "└ note feedback",
    ] == [line[:width].rstrip() for line in lines[first:]]  # fmt: skip


def test_costs_in_json_are_exact_strings(cli: Cli) -> None:
    _, out, _ = cli("costs", "--by", "model", "--json", *SINCE)
    answer = json.loads(out)
    assert {"claude": "0.32", "gpt-4o-mini": "0.001", "house-1": None} == {
        group["key"]["model"]: group["cost"]["total_usd"] for group in answer["groups"]
    }
    assert ("0.301", "0.02", ["house-1"]) == (
        answer["cost"]["exact_usd"], answer["cost"]["estimated_usd"], answer["cost"]["unpriced_models"],
    )  # fmt: skip


def test_unpriced_and_estimated_calls_are_named(cli: Cli, terminal: int) -> None:
    _, out, _ = cli("costs", "--by", "model", *SINCE)
    assert "no known price: house-1; not in any sum" in out
    assert "estimated" in out


def test_budgets_are_shown(cli: Cli, terminal: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_READ_DAILY_BUDGET_USD", "25")
    assert "today $0 of $25.00 (0%)" in cli("costs", *SINCE)[1]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("trace", "ffff"), 1, "there is no trace 'ffff'"),
        (("trace", "a"), 1, "several traces begin with 'a'"),
        (("session", "nope"), 1, "there is no session 'nope'"),
        (("traces", "--since", "junk"), 2, "cannot read the time 'junk'; examples: 30m"),
        (("traces", "--min-cost", "much"), 2, "cannot read the amount 'much'"),
        (("traces", "--min-duration", "long"), 2, "cannot read the duration 'long'"),
        (("traces", "--status", "fine"), 2, "there is no status 'fine'; possible: ok, error, running"),
        (("logs", "--kind", "poem"), 2, "there is no kind 'poem'"),
        (("logs", "--level", "loud"), 2, "there is no level 'loud'"),
        (("logs", "--kind", "cost", "--kind", "app"), 2, "lines of the ledger (kind cost) are read on their own"),
        (("costs", "--by", "colour"), 2, "costs cannot be grouped by 'colour'"),
        (("sessions", "--backend", "cloud"), 2, "SYNDARIX_OBS_BACKEND='cloud' is not allowed"),
        (("prune", "--before", "1d"), 2, "add --yes"),
    ],
)
def test_a_failure_is_one_clear_message_and_an_exit_code(
    cli: Cli, arguments: tuple[str, ...], code: int, message: str
) -> None:
    found, out, err = cli(*arguments)
    assert (code, "") == (found, out)
    assert message in err
    assert 1 == len(err.splitlines())


@pytest.mark.parametrize("arguments", [("nonsense",), ("traces", "--nonsense"), ("trace",), ("traces", "--limit", "0")])
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run(arguments)
    assert "Usage: syndarix-obs" in capsys.readouterr().err


def test_an_empty_answer_is_an_answer_with_a_hint(cli: Cli) -> None:
    code, out, err = cli("traces", "--agent", "suport", *SINCE)
    assert (0, "", "→ no agent is called 'suport'; did you mean support?\n") == (code, out, err)


def test_without_a_store_the_message_says_how_to_fill_one(cli: Cli, tmp_path: Path) -> None:
    code, _, err = cli("sessions", home=tmp_path)
    assert 1 == code
    assert "syndarix-obs demo" in err


def test_a_failing_pipeline_exits_with_1(cli: Cli, tmp_path: Path) -> None:
    assert 1 == cli("health", home=tmp_path)[0]


def test_a_damaged_store_is_named_and_left_alone(cli: Cli, tmp_path: Path) -> None:
    store_path(tmp_path).write_bytes(b"not a database" * 100)
    code, _, err = cli("sessions", home=tmp_path)
    assert 1 == code
    assert "the file was not changed" in err


def test_a_user_is_found_by_the_raw_id_and_by_the_pseudonym(cli: Cli, tmp_path: Path) -> None:
    pseudonym = Identity(tmp_path).pseudonym("ann@example.com")
    mine = [scene.make(type(e), e.trace_id, e.span_id, e.parent_id, 0, 1, agent="a", session_id="s", user=pseudonym)
            for e in scene.loop()[:2]]  # fmt: skip
    scene.write(store_path(tmp_path), *mine, *scene.live())
    for user in ("ann@example.com", pseudonym):
        _, out, _ = cli("traces", "--user", user, "--json", *SINCE, home=tmp_path)
        assert [scene.LOOP] == [trace["trace_id"] for trace in json.loads(out)["traces"]]


def test_without_a_key_a_raw_user_id_finds_nothing_and_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    scene.write(store_path(tmp_path), *scene.loop())
    assert [] == json.loads(cli("traces", "--user", "bob", "--json", *SINCE, home=tmp_path)[1])["traces"]
    assert not (tmp_path / "user.key").exists()


def test_forgetting_a_user_leaves_events_and_sums_without_the_person(cli: Cli, tmp_path: Path) -> None:
    scene.write(store_path(tmp_path), *scene.refund())
    code, out, _ = cli("forget", "--user", scene.USER, "--yes", "--json", home=tmp_path)
    [receipt] = json.loads(out)
    store = next(each for each in receipt["places"] if each["place"] == "store")
    # 14 records, 3 lines of the ledger and 2 sessions
    assert (0, scene.USER, True, 19) == (code, receipt["pseudonym"], receipt["complete"], store["count"])
    assert "0.021" == json.loads(cli("costs", "--json", *SINCE, home=tmp_path)[1])["cost"]["total_usd"]
    shown = cli("logs", "--json", "--payloads", *SINCE, home=tmp_path)[1]
    assert json.loads(shown)["lines"]  # what happened stays, the person goes
    assert scene.USER not in shown


def test_forgetting_a_raw_id_also_clears_the_index_of_users(cli: Cli, tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    identity.pseudonym("ann")
    identity.flush()
    scene.write(store_path(tmp_path), *scene.loop())
    assert 0 == cli("forget", "--user", "ann", "--yes", home=tmp_path)[0]
    assert [] == Identity(tmp_path).users()


def test_pruning_keeps_the_ledger_unless_asked(cli: Cli, tmp_path: Path) -> None:
    scene.write(store_path(tmp_path), *scene.loop())
    assert "deleted: 7 records, 1 sessions, 0 ledger" in cli("prune", "--before", "2026-03-01", "-y", home=tmp_path)[1]
    out = cli("prune", "--before", "2026-03-01", "--ledger", "-y", home=tmp_path)[1]
    assert "deleted: 0 records, 0 sessions, 1 ledger" in out


def test_pruning_without_a_store_says_where_it_would_be(cli: Cli, tmp_path: Path) -> None:
    assert "no store at" in cli("prune", "--before", "1d", "-y", home=tmp_path)[2]


def test_the_stack_is_not_pruned_from_here(cli: Cli) -> None:
    assert "RETENTION_DAYS" in cli("prune", "--before", "1d", "-y", "--backend", "stack")[2]


def test_main_exits_with_the_code(world: Path) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["trace", "ffff", "--home", str(world)])
    assert 1 == raised.value.code


def environment(world: Path) -> dict[str, str]:
    paths = os.pathsep.join(str(ROOT / name) for name in ("instrumentation", "mcp_server"))
    return {**os.environ, "PYTHONPATH": paths, "SYNDARIX_OBS_HOME": str(world)}


def test_a_reader_that_goes_away_is_no_error(world: Path) -> None:
    command = [sys.executable, "-m", "syndarix_obs_read.cli", "logs", *SINCE]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=environment(world), check=False)
    os.close(write)
    assert (0, b"") == (done.returncode, done.stderr)


def test_following_prints_what_arrives_until_interrupted(tmp_path: Path) -> None:
    scene.write(store_path(tmp_path), *scene.loop())
    command = [sys.executable, "-m", "syndarix_obs_read.cli", "logs", "-f", "--json", "--agent", "triage"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path))
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    found = b""
    for again in range(400):
        lines = scene.refund()[1:2]
        scene.write(
            store_path(tmp_path), *(scene.make(type(e), f"{again:032x}", "02", None, 1, agent="triage") for e in lines)
        )
        found += process.stdout.read() or b""
        if found.count(b"\n") >= 2 or process.poll() is not None:
            break
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05)
    process.send_signal(2)
    _, errors = process.communicate(timeout=20)
    assert ("llm_call", "triage") == tuple(json.loads(found.splitlines()[0])[name] for name in ("kind", "agent"))
    assert (130, b"") == (process.returncode, errors)


def test_following_sessions_prints_a_line_for_each_that_runs(tmp_path: Path) -> None:
    scene.write(store_path(tmp_path), *scene.refund(), *scene.live())
    command = [sys.executable, "-u", "-m", "syndarix_obs_read.cli", "sessions", "-f", "--since", "2026-02-20"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path))
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    process.send_signal(2)
    _, errors = process.communicate(timeout=20)
    assert ["s-live", "stalled", "support"] == line.split()[2:5]
    assert "1 tool call" in line
    assert (130, b"") == (process.returncode, errors)


def test_the_bare_command_shows_the_help_to_somebody_new(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run([])
    shown = capsys.readouterr()
    assert ("New here? `syndarix-obs demo`" in shown.out, "") == (True, shown.err)


def test_the_help_of_every_command_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    from syndarix_obs_read.catalogue import QUESTIONS

    for question in QUESTIONS:
        assert 0 == run([question.name, "--help"])
        shown = " ".join(capsys.readouterr().out.split())
        assert f"Example: syndarix-obs {question.example.split(' --')[0]}" in shown


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("0", "$0"), ("0.000123", "$0.000123"), ("0.00000018", "$0.00000018"), ("0.36005933", "$0.3601"), ("0.5", "$0.50"),
     ("1234.567", "$1,234.57"), ("0.99999", "$1.00"), (None, "–")],
)  # fmt: skip
def test_small_amounts_stay_readable(amount: str | None, expected: str) -> None:
    assert expected == f.money(None if amount is None else Decimal(amount))


@pytest.mark.parametrize(
    ("cost", "short", "words"),
    [
        (Cost(), "–", "$0"),
        (Cost(calls=1, unpriced_calls=1, unpriced_models=("x",)), "unpriced", "unpriced (x)"),
        (Cost(calls=2, exact_usd=Decimal("0.5"), estimated_calls=1, estimated_usd=Decimal("0.25"), unpriced_calls=1),
         "~$0.75 +1?", "$0.75, $0.25 of it estimated, without 1 call of no known price"),
    ],
)  # fmt: skip
def test_costs_say_what_they_are_not(cost: Cost, short: str, words: str) -> None:
    assert (short, words) == (f.cost(cost), f.cost_words(cost))


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [(None, "–"), (0.0, "0"), (0.4, "0.4ms"), (12.3, "12ms"), (999.7, "1.00s"), (1250.0, "1.25s"), (59_990.0, "60.0s"),
     (125_000.0, "2m05s"), (4_320_000.0, "1h12m"), (273_600_000.0, "3d04h")],
)  # fmt: skip
def test_durations_are_in_the_unit_that_fits(milliseconds: float | None, expected: str) -> None:
    assert expected == f.duration(milliseconds)


@pytest.mark.parametrize(
    ("share", "expected"), [(None, "–"), (0.0, "0%"), (0.0004, "<0.1%"), (0.021, "2.1%"), (0.5, "50%"), (1.0, "100%")]
)
def test_shares_are_percentages(share: float | None, expected: str) -> None:
    assert expected == f.percent(share)


def test_recorded_text_cannot_steer_the_terminal() -> None:
    assert "�[2Jred�]0;x� two lines" == clean("\x1b[2Jred\x1b]0;x\x07\ntwo lines".replace("\ntwo", " two"))
    assert "a b" == clean("a\nb")
    assert "a\nb" == clean("a\nb", lines=True)
    assert "�abc" == clean("\u202eabc")


def test_narrow_terminals_cut_the_flexible_columns() -> None:
    screen = Screen(UTC, piped=False)
    out = io.StringIO()
    screen.console = Console(file=out, width=40, no_color=True)
    screen.table(headers("id", "text*", ">n"), [(("abcdef", "long " * 20, "12"), "")])
    assert ["id", "abcdef"] == [line.split()[0] for line in out.getvalue().splitlines()]
    assert "…" in out.getvalue()
    assert 40 >= max(len(line) for line in out.getvalue().splitlines())


def test_times_are_shown_in_the_zone() -> None:
    moment = datetime(2026, 3, 1, 14, 0, 5, 7000, tzinfo=UTC)
    assert ("03-01 14:00:05", "03-01 14:00:05.007", "–") == (
        f.moment(moment, UTC), f.moment(moment, UTC, precise=True), f.moment(None, UTC),
    )  # fmt: skip
