"""Sends each recorded request again, without the agent: what would another model have said?"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from syndarix_obs.errors import NotReplayable
from syndarix_obs.replaying import live
from syndarix_obs.replaying.requests import ENDPOINTS, PATHS, joined
from syndarix_obs.replaying.tape import ModelStep, Tape
from syndarix_obs_read.errors import UsageError
from syndarix_obs_read.replay.run import Ran

Send = Callable[[ModelStep, Mapping[str, Any]], "Answered"]
_INSTALL: Final = "pip install 'syndarix-obs[instrument]'"


class Answered:
    """What a provider answered, as `live.step_of` reads it."""

    def __init__(self, status_code: int, content: bytes, content_type: str = "application/json") -> None:
        self.status_code = status_code
        self.content = content
        self.headers = {"content-type": content_type}


def send_again(tape: Tape, changes: Mapping[str, Any], send: Send | None = None) -> Ran:
    """Send every model call of a tape that can be sent, in order; embeddings are left out.

    Args:
        tape: the recording.
        changes: request fields that are set on each.
        send: sends one request; by default through the provider's own client, with its key from the environment.
    """
    ask = send or through_clients()
    run = Tape(session_id=f"replay-{time.time_ns():x}", agent=tape.agent, replay_of=tape.session_id, forked_at=1,
               changed=dict(changes), requests_only=True, user=tape.user, project=tape.project)  # fmt: skip
    notes: list[str] = []
    began = time.perf_counter()
    live_steps = set()
    for step in tape.steps:
        if not isinstance(step, ModelStep) or step.endpoint == "embeddings":
            kept = copy.copy(step)
            kept.number = len(run.steps) + 1
            run.steps.append(kept)
            continue
        made, said = _again(step, changes, ask)
        notes += [note for note in said if note not in notes]
        made.number = len(run.steps) + 1
        made.agent = step.agent
        live_steps.add(made.number)
        run.steps.append(made)
    return Ran(
        tape, run, None, (), tuple(notes), frozenset(live_steps), time.perf_counter() - began, None, len(run.steps)
    )


def _again(step: ModelStep, changes: Mapping[str, Any], ask: Send) -> tuple[ModelStep, list[str]]:
    if step.problem is not None and "truncated" in step.problem:
        raise NotReplayable(f"{step.title} cannot be sent again: {step.problem}")
    if step.foreign or step.request.get("parameters") is None:
        raise NotReplayable(
            f"{step.title} was recorded without its parameters (by a library's own spans, by obs.llm without "
            "`parameters`, or by an older version): what was asked for is not known"
        )
    endpoint = ENDPOINTS[step.endpoint or ""]
    body, notes = live.changed(endpoint, joined(endpoint, step.request), changes)
    body.pop("stream", None)
    body.pop("stream_options", None)
    if "[REDACTED:" in json.dumps(body):
        notes.append("some texts of the requests were masked when they were recorded: the model reads the masks")
    start = time.time_ns()
    answered = ask(step, body)
    made = live.step_of(endpoint, step.provider or "openai", body, answered, answered.content, start)
    return made, notes


def through_clients() -> Send:
    """Sends through the real clients; keys and addresses come from the environment, as for any program."""
    clients: dict[str, Any] = {}

    def send(step: ModelStep, body: Mapping[str, Any]) -> Answered:
        name = "anthropic" if step.endpoint == "messages" else "openai"
        client = clients.get(name)
        if client is None:
            client = clients[name] = _client(name)
        path = PATHS[step.endpoint or ""]
        try:
            found = client.post(f"/v1{path}" if name == "anthropic" else path, body=dict(body), cast_to=object)
        except Exception as error:
            status = getattr(error, "status_code", None)
            if status is None:
                raise
            said = getattr(error, "body", None)
            return Answered(int(status), json.dumps(said if isinstance(said, dict) else {"error": str(said)}).encode())
        return Answered(200, json.dumps(found, default=str).encode())

    return send


def _client(name: str) -> Any:
    try:
        if name == "anthropic":
            import anthropic

            return anthropic.Anthropic()
        import openai

        return openai.OpenAI()
    except ImportError as error:
        raise UsageError(f"--requests-only needs the {name} client: {_INSTALL}") from error
    except Exception as error:  # the clients' own classes of error differ
        raise UsageError(f"--requests-only cannot make the {name} client: {error}") from error
