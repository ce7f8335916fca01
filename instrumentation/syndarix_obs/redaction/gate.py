"""The cheap gate before the patterns: which of them could match at all.

It sees a whole payload at once, as JSON text, and asks google-re2 for the `needs` of all patterns in one linear pass;
most payloads pass with no hit and are never looked at again. Where google-re2 cannot be imported there is no gate: all
patterns run over everything, which masks the same and takes longer. It is said once.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

from syndarix_obs.guard import record_failure
from syndarix_obs.redaction.pattern import Pattern

_MAX_MEMORY = 256_000_000
"""Bytes that the automaton may grow to; what is not needed is not taken."""
_log = logging.getLogger("syndarix_obs")


class Gate:
    """Says which patterns have to run. The automaton is made at first use.

    Args:
        patterns: those whose needs are asked for.
        accelerated: ask google-re2; False: all patterns run, always.
    """

    def __init__(self, patterns: Sequence[Pattern], *, accelerated: bool = True) -> None:
        self._patterns = patterns
        self._accelerated = accelerated
        self._everything = frozenset(range(len(patterns)))

    def hits(self, data: bytes) -> frozenset[int]:
        """Indexes of the patterns that could match somewhere in `data`, UTF-8 text (JSON or plain)."""
        if self._set is None:
            return self._everything
        found = self._set.Match(data)
        if not found or 0 not in found:  # the automaton gave up
            return self._everything
        return _NOTHING if len(found) == 1 else frozenset(self._owners[index] for index in found if index)

    @cached_property
    def _set(self) -> Any:
        """All needs in one automaton of google-re2; None where that is not here, or is another module of that name."""
        if not self._accelerated:
            return None
        try:
            return automaton(
                importlib.import_module("re2"), tuple(need for one in self._patterns for need in one.needs)
            )
        except ImportError:
            _say_once()
        except Exception as error:  # noqa: BLE001 - without the gate the outcome is the same
            record_failure("redact_gate", error)
        return None

    @cached_property
    def _owners(self) -> list[int]:
        """Place of a need in the automaton → index of its pattern."""
        return [-1, *(index for index, pattern in enumerate(self._patterns) for _ in pattern.needs)]


_NOTHING: frozenset[int] = frozenset()


@lru_cache(maxsize=4)
def automaton(re2: Any, needs: tuple[str, ...]) -> Any:
    """A set of google-re2 over these expressions; its first entry always matches, so that an answer without it says
    that the automaton gave up.

    Raises:
        Exception: whatever google-re2 raises for an expression that it does not take.
    """
    options = re2.Options()
    options.max_mem, options.never_capture, options.log_errors = _MAX_MEMORY, True, False
    made = re2.Set.SearchSet(options)
    made.Add("^")
    for need in needs:
        made.Add(need)
    made.Compile()
    return made


class _Said:
    once = False


def _say_once() -> None:
    if not _Said.once:
        _Said.once = True
        _log.warning(
            "syndarix-obs: google-re2 cannot be imported, so redaction searches every text with every pattern: it "
            "masks the same and takes longer. Next step: pip install google-re2"
        )
