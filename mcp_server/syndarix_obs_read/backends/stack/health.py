"""How the servers, and what fills them, are doing. Each part is looked at on its own: one that is down is a finding."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.rows import Check, Series, broken
from syndarix_obs_read.backends.stack.candidates import Servers
from syndarix_obs_read.backends.stack.clients.alertmanager import Alertmanager
from syndarix_obs_read.backends.stack.clients.http_client import HttpClient
from syndarix_obs_read.backends.stack.clients.loki import DAY_NS
from syndarix_obs_read.backends.stack.clients.prometheus import Prometheus
from syndarix_obs_read.backends.stack.fetch import heads, read, short
from syndarix_obs_read.backends.stack.lines import head, is_running
from syndarix_obs_read.backends.stack.queries import logql, promql
from syndarix_obs_read.backends.stack.queries.quoting import quoted
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.timerange import SECOND_NS

_RECENT_S: Final = 3_600
_UNPRICED: Final = '"priced":false'
_SPOOL_BYTES: Final = 10 * 1024 * 1024
_LOOK_BACK_NS: Final = 2 * DAY_NS


@dataclass(frozen=True, slots=True)
class Health:
    """Looks at everything.

    Args:
        servers: Loki and Tempo.
        prometheus: the metrics.
        alertmanager: the alerts.
        stalled_after_s: seconds without a finished step after which a running session counts as stalled.
    """

    servers: Servers
    prometheus: Prometheus
    alertmanager: Alertmanager
    stalled_after_s: float

    async def checks(self) -> list[Check]:
        """One line per part."""
        looks: tuple[tuple[str, Callable[[], Awaitable[Check]]], ...] = (
            ("Loki", lambda: _ready(self.servers.loki.client, "/ready")),
            ("Tempo", lambda: _ready(self.servers.tempo.client, "/ready")),
            ("Prometheus", lambda: _ready(self.prometheus.client, "/-/ready")),
            ("Alertmanager", lambda: _ready(self.alertmanager.client, "/-/ready")),
            ("records", self._freshness),
            ("sessions", self._running),
            ("prices", self._prices),
            ("scraping", self._targets),
            ("records lost", self._lost),
            ("exports", self._exports),
            ("spool", self._spool),
            ("alerts", self._alerts),
        )
        return list(await asyncio.gather(*(_look(name, look) for name, look in looks)))

    async def _freshness(self) -> Check:
        bounds, query = self.servers.bounds, logql.selector(kind=v.WORK_KINDS)
        async for page in self.servers.loki.walk(short(query), *bounds.all(), 50):
            newest = max((each.start_ns for each in await read(self.servers.loki, query, page, head)), default=0)
            age = max(0, bounds.now() - newest) / SECOND_NS
            return Check(name="records", state="ok", finding=f"the newest is {_age(age)} old")
        return Check(
            name="records", state="warning", finding="Loki holds no record",
            mend="run an agent with SYNDARIX_OBS_BACKEND=stack, and look at `exports` and `spool` here",
        )  # fmt: skip

    async def _running(self) -> Check:
        bounds = self.servers.bounds
        now = bounds.now()
        lines = await heads(
            self.servers.loki, logql.selector(kind=v.KIND_SESSION), now - _LOOK_BACK_NS, bounds.all()[1]
        )
        ended = {each.text("record_id") for each in lines if not is_running(each)}
        running = {each.text("session_id") for each in lines if each.text("record_id") not in ended}
        if not running:
            return Check(name="sessions", state="ok", finding="none running")
        recent = await heads(
            self.servers.loki,
            f"{logql.selector(kind=v.WORK_KINDS)} {logql.among('session_id', sorted(running)[:200])}",
            now - int(self.stalled_after_s * SECOND_NS), bounds.all()[1],
        )  # fmt: skip
        alive = {each.text("session_id") for each in recent}
        stalled = len(running - alive) if len(running) <= 200 else 0
        if stalled:
            return Check(
                name="sessions", state="warning",
                finding=f"{len(running)} running, {stalled} of them without progress for {_age(self.stalled_after_s)} "
                "or more",
                mend="`syndarix-obs sessions --status running` lists them; their processes hang or died",
            )  # fmt: skip
        return Check(name="sessions", state="ok", finding=f"{len(running)} running")

    async def _prices(self) -> Check:
        bounds = self.servers.bounds
        query = f"{logql.selector(kind=v.KIND_COST)} |= {quoted(_UNPRICED)}"
        now = bounds.now()
        counts = await self.servers.loki.counts(
            logql.count_by(query, "model", 7 * 86_400), logql.label_of("model"), now
        )
        if not counts:
            return Check(name="prices", state="ok", finding="every call of the last 7 days has a price")
        named = ", ".join(sorted(counts, key=lambda model: -counts[model])[:5])
        return Check(
            name="prices", state="warning",
            finding=f"{sum(counts.values()):,} calls of 7 days without a price: {named}",
            mend="give the models a price in the file that SYNDARIX_OBS_PRICES_FILE names",
        )  # fmt: skip

    async def _targets(self) -> Check:
        targets = await self.prometheus.targets()
        down = sorted(str(each["labels"].get("job", "?")) for each in targets if each.get("health") == "down")
        if down:
            return Check(
                name="scraping", state="warning", finding=f"{len(down)} of {len(targets)} targets are down: "
                f"{', '.join(dict.fromkeys(down))}",
                mend="start them, or correct prometheus/targets/; an agent serves metrics on SYNDARIX_OBS_METRICS_PORT",
            )  # fmt: skip
        return Check(name="scraping", state="ok", finding=f"all {len(targets)} targets are up")

    async def _lost(self) -> Check:
        lost = _by(await self._increase(v.RECORDS_DROPPED, "reason"), "reason")
        return _counted("records lost", lost, "docs/runbook.md says for each reason which limit to raise")

    async def _exports(self) -> Check:
        failed = _by(await self._increase(v.EXPORT_FAILURES, "destination"), "destination")
        return _counted("exports", failed, "the destination was down or refused; the spool sends again what waits")

    async def _spool(self) -> Check:
        waiting = _by(await self.prometheus.instant(promql.total(v.SPOOL_BYTES, ("destination",))), "destination")
        total = sum(waiting.values())
        finding = f"{total / 1024 / 1024:.1f} MiB wait on agents' disks"
        if total > _SPOOL_BYTES:
            named = ", ".join(name for name, _ in sorted(waiting.items(), key=lambda item: -item[1]))
            return Check(name="spool", state="warning", finding=finding, mend=f"look at the destination: {named}")
        return Check(name="spool", state="ok", finding=finding)

    async def _alerts(self) -> Check:
        active = [row for row in await self.alertmanager.alerts({}) if row.state == "active"]
        named = ", ".join(dict.fromkeys(row.labels.get("alertname", "?") for row in active))
        if active:
            return Check(
                name="alerts", state="warning", finding=f"{len(active)} firing: {named}",
                mend="docs/runbook.md has a section for each",
            )  # fmt: skip
        return Check(name="alerts", state="ok", finding="none firing")

    async def _increase(self, spec: v.MetricSpec, label: str) -> list[Series]:
        return await self.prometheus.instant(promql.increase(spec, _RECENT_S, (label,)))


async def _look(name: str, look: Callable[[], Awaitable[Check]]) -> Check:
    try:
        return await look()
    except ReadError as error:
        return broken(name, error)


async def _ready(client: HttpClient, path: str) -> Check:
    await client.get_bytes(path)
    return Check(name=client.server.name, state="ok", finding=f"{client.server.url} is ready")


def _counted(name: str, counts: Mapping[str, float], mend: str) -> Check:
    found = {key: round(count) for key, count in counts.items() if round(count) > 0}
    if not found:
        return Check(name=name, state="ok", finding="nothing in the last hour")
    named = ", ".join(f"{count:,} {key}" for key, count in sorted(found.items()))
    return Check(name=name, state="warning", finding=f"in the last hour: {named}", mend=mend)


def _by(series: list[Series], label: str) -> dict[str, float]:
    return {each.labels.get(label, "?"): each.points[-1][1] for each in series if each.points}


def _age(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
