"""`replaying(...)`: an agent's own code, run again along a tape, with nothing live that was not named."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from syndarix_obs.errors import NotReplayable, SyndarixObsError
from syndarix_obs.pipeline.pausing import paused
from syndarix_obs.redaction.pattern import without_pauses
from syndarix_obs.redaction.step import Redactor
from syndarix_obs.replaying import sockets, tools, transport
from syndarix_obs.replaying.player import Player, Rules, Stop
from syndarix_obs.replaying.requests import Normaliser
from syndarix_obs.replaying.tape import Tape, load


@contextlib.contextmanager
def replaying(
    recording: Tape | str | Path,
    *,
    fork_at: int | None = None,
    live: tuple[str, ...] = (),
    allow: tuple[str, ...] = (),
    changes: Mapping[str, Any] | None = None,
    lenient: bool = False,
    tools_at: Mapping[str, str] | None = None,
    redactor: Redactor | None = None,
) -> Iterator[Player]:
    """Within the block, models and tools answer from a recording, and connections are refused.

    It holds for the whole process: all threads, all clients, all platforms, which record nothing meanwhile.

    Args:
        recording: a file that `syndarix-obs replay SESSION --export FILE` wrote, or its content.
        fork_at: number of the step from which on the model may be live; without it everything is verified.
        live: `("llm",)` lets models be asked from there.
        allow: tools that may really run where the recording has no answer.
        changes: request fields that are set from the fork on, for example `{"model": "…"}`.
        lenient: go on after a difference; `divergences` of the player has them.
        tools_at: `module:function` → tool, for functions that are not under `@obs.tool_call`; besides those that the
            recording names.
        redactor: masks both sides before they are compared; by default as the settings say.

    Raises:
        Divergence: the first step that is not as recorded, or a recorded step that was never asked for.
        NotReplayable: a step cannot be given again.
        LiveForbidden: something would have been live that was not allowed.
        ReplayError: the file is no recording.
    """
    tape = recording if isinstance(recording, Tape) else load(recording)
    if not tape.steps:
        raise NotReplayable(f"the session {tape.session_id} has no model or tool call that could be replayed")
    rules = Rules(fork_at, "llm" in live, frozenset(allow), dict(changes or {}), lenient)
    player = Player(tape, Normaliser(redactor or _redactor()), rules)
    stopped: Stop | None = None
    answered = (transport.installed(player), tools.installed(player, {**tape.tools_at, **(tools_at or {})}))
    with paused(), without_pauses(), sockets.blocked(), answered[0], answered[1]:
        try:
            yield player
        except Stop as stop:
            stopped = stop
    if stopped is not None:
        raise stopped.error from None
    player.finish()


def _redactor() -> Redactor:
    """As the agent's settings say, whose recording it is; what is masked more only makes more equal."""
    from syndarix_obs.settings import Settings

    try:
        settings = Settings()
    except SyndarixObsError:
        return Redactor("all")
    mode = settings.redaction
    return Redactor(mode, patterns=settings.redaction_patterns)
