"""What days by class and project mean for Loki: which lines, and before when."""

from __future__ import annotations

from syndarix_obs import vocabulary as v
from syndarix_obs.store.classes import rules
from syndarix_obs_read.privacy.loki_retention import Deletion, deletions

DAY_S = 86_400
NOW_S = 100 * DAY_S
DAYS = {"payloads": 7, "decisions": 20, "ledger": 50, "acme.payloads": 3, "acme.ledger": 10, "b.logs": 2}


def found(days: dict[str, int]) -> dict[tuple[str, str | None], Deletion]:
    return {(each.name, each.project): each for each in deletions(rules(days), NOW_S)}


def test_a_line_goes_with_the_stricter_of_record_and_payload() -> None:
    assert {"decisions": 7, "records": 7, "logs": 7, "ledger": 50} == {
        name: each.days for (name, project), each in found(DAYS).items() if project is None
    }
    assert NOW_S - 7 * DAY_S == found(DAYS)["decisions", None].before_s


def test_a_project_has_its_own_days_and_is_left_out_of_those_of_all() -> None:
    every = found(DAYS)
    assert (3, 10, 2) == (every["records", "acme"].days, every["ledger", "acme"].days, every["logs", "b"].days)
    assert '{kind=~"cost"} | project="acme"' == every["ledger", "acme"].query
    assert '{kind=~"app"} | project!="acme" | project!="b"' == every["logs", None].query


def test_what_has_no_days_is_not_deleted() -> None:
    assert {("ledger", None)} == set(found({"ledger": 9}))
    assert f'{{kind=~"{v.KIND_DECISION}"}}' == found({"decisions": 9})["decisions", None].query
