"""`syndarix-obs` alerts, silence, trigger, query and names: over servers on loopback, and without the stack."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stack_server import SILENCE, Asked, serving

from syndarix_obs_read.cli.run import run

Run = Callable[..., tuple[int, str, str]]
STACK = ("--backend", "stack")


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """Servers of the stack that the settings name."""
    with serving() as asked:
        for name in ("ALERTMANAGER", "PROMETHEUS", "LOKI", "TEMPO"):
            monkeypatch.setenv(f"SYNDARIX_OBS_READ_{name}_URL", asked.url)
        yield asked


@pytest.fixture
def call(world: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; returns exit code, output, errors."""

    def called(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments, "--home", str(world)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return called


@pytest.mark.parametrize(
    "arguments",
    [
        ("alerts",), ("silence", "-l", "a=b", "--comment", "x", "--yes"), ("silence", "--end", "s", "--yes"),
        ("silence", "-l", "a=b", "--comment", "x"), ("trigger", "A", "wrong", "--yes"), ("trigger", "A", "wrong"),
        ("query", "promql", "up"), ("query", "logql", "{kind='app'}"), ("query", "traceql", "{}"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_without_the_stack_one_line_says_that_it_is_needed(call: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = call(*arguments)
    assert (1, "", 1) == (code, out, len(err.splitlines()))
    assert "SYNDARIX_OBS_BACKEND=stack" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("alerts", "--label", "agent"), 2, "cannot read the label 'agent'; example: --label agent=support"),
        (("silence", "--label", "a=b"), 2, "a --comment that says why"),
        (("silence", "--comment", "x"), 2, "a silence needs --label"),
        (("silence", "-l", "a=b", "--comment", "x", "--lasts", "8d", "--yes"), 2, "at most 168 h"),
        (("silence", "-l", "a=b", "--comment", "x"), 2, "LoopDetected. Nobody is there to answer: add --yes"),
        (("trigger", "A", "wrong", "--lasts", "long", "--yes"), 2, "cannot read the duration 'long'"),
        (("trigger", "A", "wrong"), 2, "Raise the alert A (warning) for 5m and tell the usual people?"),
        (("trigger", "A", "wrong", "-l", "a=b"), 2, "the alert A (warning, a=b)"),
        (("trigger", "A", "--resolve"), 2, "Resolve the alert A (warning)?"),
        (("trigger", "A", " ", "--yes"), 2, "an alert needs a summary"),
        (("trigger", "A", "wrong", "--lasts", "2d", "--yes"), 2, "at most 24 h, not 48 h"),
        (("query", "logql", "{}", "--step", "1m"), 2, "--step belongs to promql"),
        (("query", "promql", " "), 2, "the query is empty"),
        (("names", "colour"), 2, "there are no names of 'colour'; possible: agent, project"),
        (("silence", "--end", "nope", "--yes"), 1, "there is no silence 'nope'"),
        (("silence", "--end", "nope"), 1, "there is no silence 'nope'"),
        (("silence", "--end", str(SILENCE["id"])), 2, "End the silence of agent=support (by "),
    ],
)
def test_a_wrong_question_changes_nothing_and_says_what_is_wrong(
    call: Run, servers: Asked, arguments: tuple[str, ...], code: int, message: str
) -> None:
    found, out, err = call(*arguments, *STACK)
    assert (code, "", []) == (found, out, servers.changes())
    assert message in err


@pytest.mark.parametrize("arguments", [("query", "sql", "select"), ("alerts", "--state", "loud")], ids=" ".join)
def test_a_word_outside_the_choices_shows_the_usage(call: Run, arguments: tuple[str, ...]) -> None:
    code, _, err = call(*arguments)
    assert (2, True) == (code, "Usage: syndarix-obs" in err)


@pytest.mark.parametrize(
    "arguments",
    [("trigger", "A", "wrong", "--yes"), ("silence", "--end", str(SILENCE["id"]), "--yes")],
    ids=("trigger", "silence"),
)
def test_nothing_is_changed_when_writes_are_switched_off(
    call: Run, servers: Asked, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_READ_WRITES", "false")
    code, out, err = call(*arguments, *STACK)
    assert (1, "", []) == (code, out, servers.requests)
    assert "SYNDARIX_OBS_READ_WRITES is false" in err


def test_alerts_and_silences_are_tables(call: Run, servers: Asked) -> None:
    code, out, _ = call("alerts", "--label", "agent=support", *STACK)
    lines = [line.split() for line in out.splitlines()]
    assert (0, ["LoopDetected", "warning", "active"]) == (code, lines[1][:3])
    assert [str(SILENCE["id"]), "active"] == lines[4][:2]
    assert {"filter": ['agent="support"']} == servers.requests[0][2]


def test_an_alert_in_another_state_is_not_listed(call: Run, servers: Asked) -> None:
    _, out, err = call("alerts", "--state", "suppressed", "--json", *STACK)
    assert [] == json.loads(out)["alerts"]
    assert "" == err


def test_a_silence_is_made_with_its_labels_comment_and_author(call: Run, servers: Asked) -> None:
    arguments = ("-l", "agent=support", "--comment", "known", "--author", "ann", "--yes")
    code, out, _ = call("silence", *arguments, *STACK)
    [(method, path, body)] = servers.changes()
    assert ("POST", "/api/v2/silences", "known", "ann") == (method, path, body["comment"], body["createdBy"])
    assert [{"name": "agent", "value": "support", "isRegex": False, "isEqual": True}] == body["matchers"]
    assert (0, True) == (code, "silence new-silence\nfires now and is quiet: LoopDetected" in out)


def test_a_silence_is_ended_by_its_id(call: Run, servers: Asked) -> None:
    code, out, _ = call("silence", "--end", str(SILENCE["id"]), "--yes", *STACK)
    assert [("DELETE", f"/api/v2/silence/{SILENCE['id']}")] == [each[:2] for each in servers.changes()]
    assert (0, f"ended: silence {SILENCE['id']} agent=support\n") == (code, out)


def test_an_alert_is_raised_with_its_severity_and_labels(call: Run, servers: Asked) -> None:
    arguments = ("RefundsWrong", "paid twice", "--severity", "critical", "-l", "agent=support", "--yes")
    code, out, _ = call("trigger", *arguments, *STACK)
    [(_, _, [alert])] = servers.changes()
    assert {"alertname": "RefundsWrong", "severity": "critical", "agent": "support"} == alert["labels"]
    assert {"summary": "paid twice"} == alert["annotations"]
    assert (0, True) == (code, out.startswith("raised: agent=support alertname=RefundsWrong severity=critical until "))


def test_an_alert_is_resolved(call: Run, servers: Asked) -> None:
    code, out, _ = call("trigger", "LoopDetected", "-l", "agent=support", "--resolve", "--yes", *STACK)
    assert (0, "resolved: agent=support alertname=LoopDetected severity=warning\n") == (code, out)
    assert 1 == len(servers.changes())


def test_to_resolve_an_alert_with_other_labels_says_which_fire(call: Run, servers: Asked) -> None:
    arguments = ("LoopDetected", "--severity", "critical", "-l", "agent=support", "--resolve", "--yes")
    code, _, err = call("trigger", *arguments, *STACK)
    assert 0 == code
    assert "no alert with exactly these labels fires: under this name fires agent=support, severity=warning" in err


@pytest.mark.parametrize(
    ("arguments", "row"),
    [
        (("promql", "up"), ["01-01", "00:00:00", "2.5", "agent=support"]),
        (("logql", "{kind='app'}"), ["01-01", "00:00:00.000", "refund", "paid"]),
        (("traceql", "{}"), ["9f6f27aa".zfill(32), "01-01", "00:00:00", "1.50s", "desk", "answer"]),
    ],
    ids=("promql", "logql", "traceql"),
)
def test_a_raw_query_is_a_table(call: Run, servers: Asked, arguments: tuple[str, str], row: list[str]) -> None:
    code, out, _ = call("query", *arguments, *STACK)
    assert (0, row) == (code, out.splitlines()[1].split())


@pytest.mark.parametrize("language", ["promql", "logql", "traceql"])
def test_a_raw_query_looks_back_an_hour_unless_told(call: Run, servers: Asked, language: str) -> None:
    code, out, _ = call("query", language, "{x}", "--json", *STACK)
    answer = json.loads(out)
    assert (0, "stack", "{x}", "the last 1h") == (code, answer["backend"], answer["query"], answer["period"]["text"])


def test_names_are_a_field_and_a_value_a_row(call: Run) -> None:
    code, out, _ = call("names", "agent")
    assert (0, ["field", "value"]) == (code, out.splitlines()[0].split())
    assert ["agent", "support"] in [line.split() for line in out.splitlines()]


def test_on_a_terminal_names_say_the_time_that_records_cover(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    _, out, _ = call("names", "task-type")
    assert "records from " in out


def test_names_in_json_leave_users_out_unless_asked(call: Run) -> None:
    _, out, _ = call("names", "--json")
    assert ("embedded", False) == ((found := json.loads(out))["backend"], "user" in found["names"])
