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
from syndarix_obs_demo.scenario import USUAL_SEED, USUAL_SESSIONS
from syndarix_obs_read.errors import UsageError

_SIZES = (*USUAL_SESSIONS.values(), 50, *range(1, 400))
_ORDER = re.compile(r"A-\d{5}")


class _UnderReplay(Model):
    """Answers live requests with what was scripted last: what the record answered was never asked for."""

    def will_say(self, *replies: Reply) -> None:
        self._script.clear()
        super().will_say(*replies)


def contact(question: str, sessions: int | None = None, seed: int = USUAL_SEED) -> str:
    """Settle the contact that this question began; returns how it ended.

    Args:
        question: the customer's first words; they say which contact it is.
        sessions: of the demo that was run; when omitted, the size whose plan has this contact is looked for.
        seed: of the demo that was run.

    Raises:
        UsageError: no contact of that demo began with this question.
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


def _case(question: str, sessions: int | None, seed: int) -> Case:
    order: Any = _ORDER.search(question)
    for size in _SIZES if sessions is None else (sessions,):
        for case in plan(size, seed) if order is not None else ():
            # What follows the order may be masked by now.
            if case.order == order.group() and question.startswith(case.topic.question.partition("{order}")[0]):
                return case
    raise UsageError(
        f"no contact of a demo with seed {seed} began with {question!r}; "
        "give the demo's numbers: --args '[\"QUESTION\", SESSIONS, SEED]'"
    )
