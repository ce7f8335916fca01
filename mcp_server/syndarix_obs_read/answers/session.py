"""One session with its statistics."""

from __future__ import annotations

from datetime import UTC

from syndarix_obs_read.amounts import Cost, Frozen, Tokens
from syndarix_obs_read.answers.agents import AgentStatistics, statistics
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.answers.ids import resolve_session
from syndarix_obs_read.answers.sessions import Session, session_of
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend


class ModelCost(Frozen):
    """What one model cost in a session."""

    model: str | None
    tokens: Tokens
    cost: Cost


class SessionDetail(Answer):
    """One session with its statistics, by agent and by model."""

    session: Session
    agents: tuple[AgentStatistics, ...]
    models: tuple[ModelCost, ...]


async def get_session(backend: Backend, session_id: str, *, stalled_after_s: float = 900.0) -> SessionDetail:
    """One session by its id or a unique beginning of it.

    Raises:
        NotFound, Ambiguous: see `resolve_session`.
    """
    found = await resolve_session(backend, session_id)
    where = Filter(session_id=found)
    row = (await backend.sessions(where, 1)).rows[0]
    models = await backend.costs(where, ("model",), UTC)
    return SessionDetail(
        backend=backend.name,
        session=session_of(row, stalled_after_s),
        agents=tuple(statistics(each) for each in await backend.agents(where)),
        models=tuple(ModelCost(model=each.key["model"], tokens=each.tokens, cost=each.cost) for each in models),
    )
