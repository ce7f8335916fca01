"""A judge: a model that scores answers. It is an evaluator like the others, but costs money and is not always right.

Its calls are recorded like an agent's, so that what it costs stands in the ledger under the agent `judge`. How far it
agrees with people is measured on a control set that people labelled, and shown beside its scores as Cohen's κ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from syndarix_obs.platform import ObservabilityPlatform
from syndarix_obs_read.analysis.statistics import kappa
from syndarix_obs_read.errors import BackendAnswer, BackendUnavailable, FilterError
from syndarix_obs_read.evaluators.session import EvaluatedSession, Verdict

AGENT: Final = "judge"
_LEAST_CONTROLS: Final = 10
_FORM: Final = ' Answer with JSON alone: {"pass": true or false, "why": "one sentence"}.'
_TEXT: Final = "Question:\n{question}\n\nAnswer:\n{answer}"


@dataclass(frozen=True, slots=True)
class JudgeSetup:
    """A judge as its file describes it.

    Args:
        name: of its score.
        model: that judges.
        instructions: what is good.
        base_url: of a server that speaks the chat completions API.
        key_file: file with its API key; None where none is needed.
        provider: for the price.
        sample: share of the sessions that it looks at.
        control: JSON lines with `question`, `answer` and the people's `label`, true or false.
    """

    name: str
    model: str
    instructions: str
    base_url: str = "https://api.openai.com/v1"
    key_file: Path | None = None
    provider: str = "openai"
    sample: float = 0.05
    control: Path | None = None

    @property
    def version(self) -> str:
        """Changes with the model and with the instructions."""
        digest = hashlib.blake2b(f"{self.model}\0{self.instructions}".encode(), digest_size=4).hexdigest()
        return f"{self.model}/{digest}"


def read_setup(path: Path) -> JudgeSetup:
    """A judge from a YAML file; paths in it are relative to it.

    Raises:
        FilterError: it cannot be read; the message says what is wrong.
    """
    try:
        found: Any = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise FilterError(f"no judge can be read from {path}: {error}") from None
    if not isinstance(found, dict) or {"name", "model", "instructions"} - found.keys():
        raise FilterError(f"{path} needs `name`, `model` and `instructions`, for example name: tone")
    if wrong := found.keys() - set(JudgeSetup.__dataclass_fields__):
        raise FilterError(f"{path} has unknown fields: {', '.join(sorted(wrong))}")
    for name in ("key_file", "control"):
        if found.get(name):
            found[name] = path.parent / found[name]
    setup = JudgeSetup(**found)
    if not 0 < float(setup.sample) <= 1:
        raise FilterError(f"{path}: sample is a share above 0 and up to 1, for example 0.05")
    return setup


class Judge:
    """Asks the model. Call it as an evaluator.

    Args:
        setup: what and how.
        obs: records its calls, and so their cost.
        transport: for tests, instead of the network.
    """

    def __init__(
        self, setup: JudgeSetup, obs: ObservabilityPlatform, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._setup = setup
        self._obs = obs
        key = setup.key_file.read_text("utf-8").strip() if setup.key_file else ""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=setup.base_url, headers=headers, transport=transport, timeout=60.0)

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def __call__(self, session: EvaluatedSession) -> Iterator[Verdict]:
        """The verdict on a session's last answer."""
        if session.answer and session.question:
            passed, why = self.ask(session.question, session.answer)
            span = None if session.last_call is None else session.last_call.optional("span_id")
            yield Verdict(self._setup.name, passed, span, why)

    def ask(self, question: str, answer: str) -> tuple[bool, str]:
        """Whether an answer passes, and why.

        Raises:
            BackendUnavailable, BackendAnswer: the model cannot be asked, or does not answer as it should.
        """
        messages = [
            {"role": "system", "content": self._setup.instructions + _FORM},
            {"role": "user", "content": _TEXT.format(question=question, answer=answer)},
        ]
        with (
            self._obs.session(agent=AGENT, agent_type="evaluator"),
            self._obs.llm(provider=self._setup.provider, model=self._setup.model, messages=messages) as call,
        ):
            found = self._post({"model": self._setup.model, "messages": messages, "temperature": 0})
            said = str(found["choices"][0]["message"]["content"])
            call.response(said, usage=found.get("usage"), finish_reason=found["choices"][0].get("finish_reason"))
        return _verdict(said)

    def _post(self, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            reply = self._client.post("/chat/completions", json=body)
            reply.raise_for_status()
            found: dict[str, Any] = reply.json()
            found["choices"][0]["message"]["content"]
        except httpx.HTTPStatusError as error:
            raise BackendAnswer(
                f"the judge's server answered {error.response.status_code}; check key and model"
            ) from None
        except httpx.HTTPError as error:
            raise BackendUnavailable(f"the judge's server cannot be reached: {error}; check base_url") from None
        except (ValueError, KeyError, IndexError, TypeError):
            raise BackendAnswer("the judge's server answered something that is no chat completion") from None
        return found

    def agreement(self) -> tuple[float | None, int]:
        """κ with the people who labelled the control set, and the size of that; None without one.

        Raises:
            FilterError: the control set cannot be read, or is too small to tell anything.
        """
        if self._setup.control is None:
            return None, 0
        controls = _controls(self._setup.control)
        judged = [str(self.ask(each["question"], each["answer"])[0]) for each in controls]
        return kappa(judged, [str(bool(each["label"])) for each in controls]), len(controls)


def _controls(path: Path) -> list[dict[str, Any]]:
    try:
        found = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        complete = all({"question", "answer", "label"} <= each.keys() for each in found)
    except (OSError, ValueError, AttributeError) as error:
        raise FilterError(f"no control set can be read from {path}: {error}") from None
    if not complete or len(found) < _LEAST_CONTROLS:
        raise FilterError(f"{path} needs at least {_LEAST_CONTROLS} lines with `question`, `answer` and `label`")
    return found


def _verdict(said: str) -> tuple[bool, str]:
    start, end = said.find("{"), said.rfind("}")
    try:
        found = json.loads(said[start : end + 1])
        return bool(found["pass"]), str(found.get("why") or "")
    except (ValueError, KeyError, TypeError):
        raise BackendAnswer(f"the judge did not answer in JSON: {said[:100]!r}") from None
