"""The module's functions take what the platform's methods take; `tests/typing/misspelt.py` has what fails."""

from __future__ import annotations

import inspect

import pytest

import syndarix_obs
from syndarix_obs import ObservabilityPlatform


@pytest.mark.parametrize("name", ["llm", "tool", "decision", "memory", "annotate", "score", "call_tool"])
def test_a_function_has_the_signature_of_its_method(name: str) -> None:
    method = inspect.signature(getattr(ObservabilityPlatform, name))
    assert list(method.parameters)[1:] == list(inspect.signature(getattr(syndarix_obs, name)).parameters)

