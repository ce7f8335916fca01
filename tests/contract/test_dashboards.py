"""Boards keep their promises to each other, to the vocabulary, the rules and the provisioning."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import fields
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

import queries
from boards import theme
from syndarix_obs import vocabulary as v
from syndarix_obs.records import model as r
from syndarix_obs_stack import rules

ROOT = Path(__file__).parents[2]
BOARDS = queries.boards()
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in queries.panels(board)]
QUERIES = [query for uid in BOARDS for query in queries.queries(uid)]
RULES = rules.read(sorted((ROOT / "prometheus" / "rules").glob("*.yml")))
LOG_RULES = rules.read(sorted((ROOT / "loki" / "rules" / "fake").glob("*.yml")))
RECORDED = {rule.record: rule for rule in RULES if rule.record}
EXPOSED = rules.exposed_names()
BUILT_IN = {"-- Mixed --", "__expr__", "-- Grafana --"}
TARGET_LABELS = {"job", "instance", "environment", "le"}
ALERT_LABELS = {"alertname", "alertstate", "severity", "team"}
RECORDS: list[type[r.Record]] = [r.Record, *r.Record.__subclasses__()]
RECORD_FIELDS = {each.name for cls in RECORDS for each in fields(cls)} | {
    "kind", "duration_ms", "message", *v.PAYLOAD_ATTRIBUTES.values(),
}  # fmt: skip


def name_of(case: tuple[str, dict[str, Any]]) -> str:
    return f"{case[0]}-{case[1]['title']}"


def queries_in(language: str) -> list[queries.Query]:
    return [query for query in QUERIES if query.language == language]


def promql() -> list[str]:
    """Every PromQL text of the boards with their variables filled in, those of variables too."""
    selectors = [selector for uid in BOARDS for selector in queries.variable_selectors(uid).values()]
    return [query.filled(3600, 60) for query in queries_in("promql")] + [
        re.sub(r"\$\w+", "x", selector) for selector in selectors
    ]


def label_names(metric: str) -> set[str]:
    """Labels that a metric of ours, or the recording of one, can have."""
    if metric in EXPOSED:
        return {*EXPOSED[metric].labels, *TARGET_LABELS}
    if metric in RECORDED:
        body = RECORDED[metric]
        inner = {label for each in rules.selectors(body.expr) for label in label_names(each.metric)}
        return inner | set(body.body.get("labels", {})) | TARGET_LABELS
    return {label for spec in v.METRICS for label in spec.labels} | ALERT_LABELS | TARGET_LABELS


def test_there_are_six_boards_whose_uid_is_the_name_of_their_file() -> None:
    expected = {"overview", "llm-performance", "cost-analysis", "agent-behaviour", "tool-usage", "errors-alerts"}
    assert expected == set(BOARDS)
    assert all(uid == board["uid"] for uid, board in BOARDS.items())
    assert 6 == len({board["title"] for board in BOARDS.values()})


@pytest.mark.parametrize("uid", BOARDS)
def test_panel_numbers_are_unique_and_titles_too(uid: str) -> None:
    panels = [*BOARDS[uid]["panels"], *(inner for row in BOARDS[uid]["panels"] for inner in row.get("panels", []))]
    assert len(panels) == len({panel["id"] for panel in panels})
    titles = [(panel["type"] == "row", panel["title"]) for panel in panels]
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("uid", BOARDS)
def test_no_panel_lies_over_another_or_beyond_the_edge(uid: str) -> None:
    places = [(panel["title"], panel["gridPos"]) for panel in BOARDS[uid]["panels"]]
    assert [] == [title for title, at in places if at["x"] < 0 or at["x"] + at["w"] > 24]
    assert [] == [
        (one, other)
        for (one, a), (other, b) in combinations(places, 2)
        if a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]
    ]


@pytest.mark.parametrize("uid", BOARDS)
def test_no_line_of_the_grid_is_left_open(uid: str) -> None:
    places = [panel["gridPos"] for panel in BOARDS[uid]["panels"]]
    height = max(at["y"] + at["h"] for at in places)
    covered = {(x, y) for at in places for x in range(at["x"], at["x"] + at["w"])
               for y in range(at["y"], at["y"] + at["h"])}  # fmt: skip
    assert 24 * height == len(covered)


@pytest.mark.parametrize("case", PANELS, ids=name_of)
def test_every_panel_says_what_it_shows_in_which_unit_and_stays_calm_without_data(case: tuple[str, Any]) -> None:
    _, panel = case
    defaults = panel["fieldConfig"]["defaults"]
    assert len(panel["description"]) >= 60
    assert panel["description"].endswith(".")
    assert defaults["unit"]
    assert defaults["noValue"]
    assert not re.search(r"error|fail(?!ed safety)|!", defaults["noValue"], re.IGNORECASE)


@pytest.mark.parametrize("case", PANELS, ids=name_of)
def test_data_sources_are_provisioned_and_given_by_type_and_uid(case: tuple[str, Any]) -> None:
    provisioned = yaml.safe_load((ROOT / "grafana/provisioning/datasources/stack.yml").read_text("utf-8"))
    known = {(each["type"], each["uid"]) for each in provisioned["datasources"]}
    for holder in (case[1], *case[1]["targets"]):
        source = holder["datasource"]
        assert {"type", "uid"} == set(source)
        assert source["uid"] in BUILT_IN or (source["type"], source["uid"]) in known


@pytest.mark.parametrize("uid", BOARDS)
def test_variables_and_annotations_do_not_ask_loki_so_that_a_board_opens_without_it(uid: str) -> None:
    used = [each["datasource"]["uid"] for each in BOARDS[uid]["annotations"]["list"]]
    used += [each["datasource"]["uid"] for each in BOARDS[uid]["templating"]["list"] if "datasource" in each]
    assert {"prometheus", "-- Grafana --"} == set(used)


@pytest.mark.parametrize("case", PANELS, ids=name_of)
def test_what_grafana_does_not_fill_in_stands_in_no_query(case: tuple[str, Any]) -> None:
    assert [] == [target["step"] for target in case[1]["targets"] if "step" in target]


@pytest.mark.parametrize("case", [case for case in PANELS if case[1]["type"] == "table"], ids=name_of)
def test_an_empty_cell_is_empty_and_a_column_may_be_narrow(case: tuple[str, Any]) -> None:
    config = case[1]["fieldConfig"]
    every_field = {"id": "byRegexp", "options": ".*"}
    found = [each["properties"] for each in config["overrides"] if each["matcher"] == every_field]
    assert [[{"id": "noValue", "value": ""}]] == found
    assert config["defaults"]["custom"]["minWidth"] <= 60


@pytest.mark.parametrize("case", PANELS, ids=name_of)
def test_no_bar_in_a_table_is_measured_against_another_column(case: tuple[str, Any]) -> None:
    for override in case[1]["fieldConfig"]["overrides"]:
        properties = {each["id"]: each["value"] for each in override["properties"]}
        if properties.get("custom.cellOptions", {}).get("type") == "gauge":
            assert properties["fieldMinMax"] is True


@pytest.mark.parametrize("case", PANELS, ids=name_of)
def test_a_time_range_of_its_own_does_not_cut_the_title(case: tuple[str, Any]) -> None:
    assert "timeFrom" not in case[1] or case[1]["hideTimeOverride"]


def test_every_alert_is_marked_once_and_not_at_all_where_money_and_behaviour_are_read() -> None:
    marks = {uid: next(each for each in board["annotations"]["list"] if each["name"] == "Critical alerts")
             for uid, board in BOARDS.items()}  # fmt: skip
    assert {"cost-analysis", "agent-behaviour"} == {uid for uid, mark in marks.items() if not mark["enable"]}
    assert {True} == {mark["useValueForTime"] for mark in marks.values()}
    assert all("max by (alertname)" in mark["target"]["expr"] for mark in marks.values())


def test_the_graphs_of_latency_show_single_calls_that_lead_to_their_traces() -> None:
    named = {panel["title"] for _, panel in PANELS if any(target.get("exemplar") for target in panel["targets"])}
    assert {"Latency", "P95 latency by model", "P95 time to first token by model", "Task duration P95",
            "P95 latency by tool"} == named  # fmt: skip


@pytest.mark.parametrize("uid", BOARDS)
def test_every_board_can_be_narrowed_and_every_variable_of_it_is_used(uid: str) -> None:
    variables = {each["name"] for each in BOARDS[uid]["templating"]["list"]}
    assert {"agent", "project", "model", "environment"} <= variables
    text = str(BOARDS[uid]["panels"]) + str(BOARDS[uid]["links"])
    unused = {name for name in variables if f"${name}" not in text and f"${{{name}" not in text}
    assert unused == ({"model"} if uid == "tool-usage" else set())  # tools know no model, but links keep the choice


@pytest.mark.parametrize("uid", BOARDS)
def test_boards_link_to_each_other_with_time_and_variables(uid: str) -> None:
    link, explorer = BOARDS[uid]["links"]
    assert "${explorer}/" == explorer["url"]
    assert (True, True, "dashboards") == (link["keepTime"], link["includeVars"], link["type"])
    assert all(set(link["tags"]) <= set(board["tags"]) for board in BOARDS.values())


def test_every_link_to_a_board_leads_to_one_that_has_the_variables() -> None:
    texts = [rule.body["annotations"].get("dashboard", "") for rule in [*RULES, *LOG_RULES] if rule.alert]
    texts += re.findall(r"/d/[^'\"\s]+", str(BOARDS))
    for text in filter(None, texts):
        uid = re.findall(r"/d/([\w-]+)", text)
        if uid == ["runbook"]:
            continue  # a text, without variables
        assert uid[0] in BOARDS, text
        variables = {each["name"] for each in BOARDS[uid[0]]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)", text)) <= variables, text


def test_every_metric_on_a_board_is_emitted_or_recorded() -> None:
    known = {*EXPOSED, *RECORDED, *rules.SERVER_METRICS, "ALERTS_FOR_STATE"}
    assert set() == {each.metric for text in promql() for each in rules.selectors(text)} - known


@pytest.mark.parametrize("query", queries_in("promql"), ids=lambda query: f"{query.board}-{query.panel}-{query.ref}")
def test_every_label_on_a_board_belongs_to_its_metric(query: queries.Query) -> None:
    found = rules.selectors(query.filled(3600, 60))
    for each in found:
        assert set() == each.labels - label_names(each.metric), each.metric
    grouped = rules.grouping_labels(query.filled(3600, 60))
    assert set() == grouped - {label for each in found for label in label_names(each.metric)}


def test_every_metric_of_the_vocabulary_is_on_a_board_or_in_a_rule() -> None:
    texts = [*promql(), *(rule.expr for rule in RULES)]
    read = {each.metric for text in texts for each in rules.selectors(text)}
    unread = {spec.name for spec in v.METRICS if not {name for name, of in EXPOSED.items() if of is spec} & read}
    assert set() == unread


def test_every_recording_rule_for_the_boards_is_on_a_board() -> None:
    mine = {rule.record for rule in RULES if rule.file.name == "dashboards.yml"}
    used = {each.metric for text in [*promql(), *(rule.expr for rule in RULES)] for each in rules.selectors(text)}
    assert set() == mine - used


@pytest.mark.parametrize("query", queries_in("logql"), ids=lambda query: f"{query.board}-{query.panel}-{query.ref}")
def test_logql_uses_our_labels_metadata_and_fields_only(query: queries.Query) -> None:
    text = re.sub(r"`[^`]*`", "``", query.filled(3600, 60))
    streams = re.findall(r"\{([^{}]*)\}", text)
    assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", ",".join(streams))) <= set(v.LOKI_LABELS)
    pairs = [pair for stage in re.findall(r"\| json ((?:\w+=\"[^\"]*\"(?:, )?)+)", text)
             for pair in re.findall(r"(\w+)=\"([^\"]*)\"", stage)]  # fmt: skip
    assert {field for _, field in pairs} <= RECORD_FIELDS
    extracted = {name for name, _ in pairs}
    known = {*v.LOG_METADATA, *extracted, "__error__"}
    assert set(re.findall(r"\| (\w+)\s*(?:=~|!~|!=|=)", text)) <= known
    grouped = {label for group in re.findall(r"\bby \(([^)]*)\)", text) for label in group.split(", ")}
    made = {name for stage in re.findall(r"\| label_format ([^|\[]*)", text) for name in re.findall(r"(\w+)=", stage)}
    assert grouped - {"alertname"} <= {*v.LOG_METADATA, *v.LOKI_LABELS, *extracted, *made}


def test_traceql_uses_our_attributes_only() -> None:
    known = {value for name, value in vars(v).items() if name.isupper() and isinstance(value, str)}
    for query in queries_in("traceql"):
        assert set(re.findall(r"(?:span|resource)\.([\w.]+)", query.text)) <= known


@pytest.mark.parametrize(
    ("recorded", "limit"),
    [
        ("threshold:llm_errors:ratio", theme.ERROR_RATIO[1]),
        ("threshold:tool_errors:ratio", theme.TOOL_ERROR_RATIO[1]),
        ("threshold:llm_latency:seconds", theme.LATENCY_S[1]),
        ("threshold:llm_first_token:seconds", theme.FIRST_TOKEN_S[1]),
        ("threshold:budget_near:ratio", theme.BUDGET_RATIO[0]),
        ("threshold:context_window:ratio", theme.CONTEXT_RATIO[1]),
        ("threshold:rate_limit_left:ratio", theme.RATE_LIMIT_LEFT[0]),
        ("threshold:cost_spike:factor", theme.COST_SPIKE[1]),
        ("threshold:agent_stuck:seconds", theme.STUCK_S[1]),
    ],
)
def test_colours_turn_where_the_alerts_fire(recorded: str, limit: float) -> None:
    assert f"vector({limit:g})" == re.sub(r"(\.\d*?)0+\)$", r"\1)", RECORDED[recorded].expr)


def test_money_says_whether_it_is_exact_or_a_trend() -> None:
    vague = []
    for uid, panel in PANELS:
        if "currencyUSD" in str(panel["fieldConfig"]) and panel["type"] != "row":
            sources = {target["datasource"]["type"] for target in panel["targets"]}
            said = panel["description"].lower()
            if not ("trend" in said or ("exact" in said and "loki" in sources)):
                vague.append((uid, panel["title"]))
    assert [] == vague


def test_every_table_that_joins_queries_gives_each_of_them_a_letter_of_its_own() -> None:
    for uid, panel in PANELS:
        letters = sorted(target["refId"] for target in panel["targets"])
        assert all(one != other for one, other in pairwise(letters)), (uid, panel["title"])


def test_sums_over_queries_name_queries_of_their_own_panel() -> None:
    for uid, panel in PANELS:
        letters = {target["refId"] for target in panel["targets"]}
        for target in panel["targets"]:
            assert set(re.findall(r"\$(\w)", target.get("expression", ""))) <= letters, (uid, panel["title"])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on the PATH")
def test_promtool_parses_every_promql_expression(tmp_path: Path) -> None:
    texts = sorted(set(promql()))
    document = {"groups": [{"name": "boards", "rules": [
        {"record": f"board:query:number{number}", "expr": text} for number, text in enumerate(texts)
    ]}]}  # fmt: skip
    (tmp_path / "boards.yml").write_text(yaml.safe_dump(document), "utf-8")
    command = ["promtool", "check", "rules", str(tmp_path / "boards.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    assert f"{len(texts)} rules found" in done.stdout
