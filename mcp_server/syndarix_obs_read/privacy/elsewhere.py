"""Places that hold no person by design, or that we cannot reach: both are said, so that nobody has to wonder."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.privacy.http import ask
from syndarix_obs_read.privacy.places import NotAtHome, Note, Person, Verdict
from syndarix_obs_read.settings import ReadSettings

_PERSONAL: Final = frozenset({"user", "user_id", "session", "session_id", "trace_id", "span_id"})


class PrometheusSource(NotAtHome):
    """Series of Prometheus, and through it the Pushgateway."""

    name = "prometheus"
    holds = "no person: users, sessions and traces can be no label; exemplars name trace ids, in memory"
    kept = "`RETENTION_DAYS`; exemplars until newer ones push them out"
    method = "nothing to erase; the names of all labels are looked at"
    retries = False
    destinations = frozenset({"pushgateway"})

    def __init__(self, settings: ReadSettings) -> None:
        self._settings = settings

    def find(self, person: Person) -> int:  # noqa: ARG002 - protocol
        """None, by design."""
        return 0

    def erase(self, person: Person, note: Note) -> int:  # noqa: ARG002 - protocol
        """Nothing to do."""
        return 0

    def verify(self, person: Person, note: Note) -> Verdict:  # noqa: ARG002 - protocol
        """No label is personal, and no label's value is the pseudonym."""
        base = self._settings.prometheus_url.rstrip("/")
        names = set(ask(self._settings, "GET", f"{base}/api/v1/labels").json()["data"])
        # Servers have labels of these names, too (Tempo calls its tenants users), so their values decide.
        values = {
            value
            for name in names & _PERSONAL
            for value in ask(self._settings, "GET", f"{base}/api/v1/label/{name}/values").json()["data"]
        }
        personal = {person.pseudonym, *person.sessions, *person.traces} & values
        words = f"names of {len(names)} labels, and {len(values)} values of those that could be personal"
        why = "series that somebody made name the person: delete them there" if personal else ""
        return Verdict(not personal, words, len(personal), why)


class ForeignSource(NotAtHome):
    """A further trace store that the agents send to (Zipkin, Jaeger): it has no way of ours to erase."""

    holds = "spans, as Tempo"
    kept = "as that server is told"
    method = "not by us: delete the traces there, or wait for its retention"
    retries = False

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.destinations = frozenset({name})
        self._url = url

    def find(self, person: Person) -> int:  # noqa: ARG002 - protocol
        """Cannot be told."""
        return 0

    def erase(self, person: Person, note: Note) -> int:  # noqa: ARG002 - protocol
        """Cannot be done."""
        return 0

    def verify(self, person: Person, note: Note) -> Verdict:  # noqa: ARG002 - protocol
        """Never: a person has to look there."""
        why = f"delete {len(person.traces)} traces of the person at {self._url}, which cannot be done from here"
        return Verdict(False, "not looked at", len(person.traces), why)
