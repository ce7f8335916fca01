"""The support desk's function for a replay: one contact, settled again by the same code.

    syndarix-obs replay SESSION --with syndarix_obs_demo.again:contact
"""

from __future__ import annotations

import re
from typing import Any

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_demo.cases import Case, plan
from syndarix_obs_demo.clients import connect
from syndarix_obs_demo.clock import DemoClock
from syndarix_obs_demo.contact import handle
from syndarix_obs_demo.desk import Desk
from syndarix_obs_demo.provider.model import Model, Reply
from syndarix_obs_demo.provider.server import FakeProvider
from syndarix_obs_read.errors import UsageError

_ORDER = re.compile(r"A-\d{5}")


class _UnderReplay(Model):
    """Answers live requests with what was scripted last: what the record answered was never asked for."""

    def will_say(self, *replies: Reply) -> None:
        self._script.clear()
        super().will_say(*replies)


def contact(question: str, sessions: int = 20, seed: int = 7) -> str:
    """Settle the contact that this question began; returns how it ended.

    Args:
        question: the customer's first words; the order in them says which contact it is.
        sessions: of the demo that was run.
        seed: of the demo that was run.

    Raises:
        UsageError: no contact of that demo is about this order.
    """
    case = _case(question, sessions, seed)
    clock = DemoClock()
    model = _UnderReplay(clock.skip)
    settings = Settings(backend="none", set_global=False)
    with (
        FakeProvider(model) as provider,
        ObservabilityPlatform(settings, clock=clock.wall, monotonic=clock.monotonic) as obs,
    ):
        clients = connect(provider.url)
        try:
            return handle(Desk(obs, clock, model, clients), case).outcome
        finally:
            clients.close()


contact.replay_tools = {"syndarix_obs_demo.desk:Desk.ask_gateway": "llm"}  # type: ignore[attr-defined]  # a function may carry what a replay needs


def _case(question: str, sessions: int, seed: int) -> Case:
    found: Any = _ORDER.search(question)
    for case in plan(sessions, seed):
        if found is not None and case.order == found.group():
            return case
    raise UsageError(
        f"no contact of the demo with {sessions} sessions and seed {seed} is about "
        f"{found.group() if found else question!r}; "
        "give its numbers: --args '[\"A-12345\", SESSIONS, SEED]'"
    )
