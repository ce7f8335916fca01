"""Whatever both backends can answer, they answer alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from behaviour_questions import QUESTIONS

from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.stack.backend import StackBackend


@pytest.mark.parametrize("question", QUESTIONS)
async def test_both_backends_give_the_same_answer(
    question: str, embedded: EmbeddedBackend, stack: StackBackend, now_ns: int, pseudonym: Callable[[str], str]
) -> None:
    ask = QUESTIONS[question]
    assert await ask(embedded, now_ns, pseudonym) == await ask(stack, now_ns, pseudonym)
