"""Names of persons and places by Microsoft Presidio, beside the patterns. Off by default, because it is slow.

    obs = ObservabilityPlatform(Settings(...), redact_with=presidio("en_core_web_lg"))

or `SYNDARIX_OBS_REDACTION_PRESIDIO=en_core_web_lg`. A model of language reads every text that may hold a name: some 60
milliseconds for a kilobyte, thousands of times what the patterns take, on the worker and never in the caller's thread.
A payload that takes it more than two seconds is masked whole, as by any function of the caller's (`foreign`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Final, Protocol

from syndarix_obs.errors import SettingsError
from syndarix_obs.redaction.engine import merged, replaced
from syndarix_obs.redaction.step import Redactor

MARKERS: Final[Mapping[str, str]] = {"PERSON": "name", "LOCATION": "address"}
"""Presidio's entities that are asked for, and the names of our markers for them."""

_TWO_WORDS: Final = re.compile(r"[^\W\d_]{2,}[.,;:!?'’]*\s+\S*[^\W\d_]")
"""A text without two words is an id, a number or a name of a part: a model would only guess."""
_MARKER: Final = re.compile(r"\[REDACTED:[\w-]+\]")
_NAME: Final = re.compile(r"[^\W\d_]+(?:[ .,'’\n-]+[^\W\d_]+)*\.?")
"""Letters and what stands between them in names: models take keys, links and numbers of articles for names, too."""
_REMEMBERED: Final = 1_024
_LONGEST_REMEMBERED: Final = 8_192
_SLICE: Final = 100_000
"""Characters that spaCy is given at once; it refuses texts of more than a million."""


class _Analyzer(Protocol):
    def analyze(
        self, text: str, language: str, entities: Sequence[str] | None = None, score_threshold: float | None = None
    ) -> Sequence[Any]: ...


def presidio(
    model: str, *, language: str = "en", threshold: float = 0.5, analyzer: _Analyzer | None = None
) -> Callable[[str], str]:
    """A function for `redact_with` that masks names of persons and places in a text.

    Args:
        model: name of an installed spaCy model that finds entities; unused with `analyzer`.
        language: of the texts, as the model's.
        threshold: how sure Presidio must be, 0 to 1; spaCy's entities have 0.85.
        analyzer: an `AnalyzerEngine` of your own, with further recognizers of `PERSON` and `LOCATION`.

    Raises:
        SettingsError: the extra `presidio` or the model is not installed.
    """
    engine = analyzer or _engine(model, language)

    patterns = Redactor("all")

    def find(text: str) -> str:
        # In what the patterns leave over: they need the words around a secret, and a name may be one of them.
        text, found = patterns.text(text), []
        for start in range(0, len(text), _SLICE):
            part = text[start : start + _SLICE]
            results = engine.analyze(part, language, entities=list(MARKERS), score_threshold=threshold)
            found += [
                (start + each.start, start + each.end, MARKERS[each.entity_type])
                for each in results if _is_name(part[each.start : each.end])
            ]  # fmt: skip
        return _masked(text, found)

    remembered = lru_cache(maxsize=_REMEMBERED)(find)  # an agent sends its history again with every call

    def redact(text: str) -> str:
        if not _TWO_WORDS.search(text):
            return text
        return remembered(text) if len(text) <= _LONGEST_REMEMBERED else find(text)

    return redact


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and text.lower() != text


def _masked(text: str, found: Sequence[tuple[int, int, str]]) -> str:
    """What a pattern masked already stays as it is."""
    done = [match.span() for match in _MARKER.finditer(text)]
    new = (each for each in found if not any(each[0] < end and start < each[1] for start, end in done))
    return replaced(text, merged(list(new)), Counter())


def _engine(model: str, language: str) -> _Analyzer:
    if find_spec("presidio_analyzer") is None or find_spec("spacy") is None:
        raise SettingsError(
            f"SYNDARIX_OBS_REDACTION_PRESIDIO is {model!r}, and Presidio is not installed: "
            "`pip install 'syndarix-obs[presidio]'`, or leave the setting away"
        )
    if find_spec(model) is None:  # Presidio would try to download it, at the start of the agent
        raise SettingsError(
            f"SYNDARIX_OBS_REDACTION_PRESIDIO is {model!r}, and no spaCy model of this name is installed: "
            f"`python -m spacy download {model}`"
        )
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer
    from presidio_analyzer.recognizer_registry import RecognizerRegistry

    models = {"nlp_engine_name": "spacy", "models": [{"lang_code": language, "model_name": model}]}
    nlp = NlpEngineProvider(nlp_configuration=models).create_engine()
    registry = RecognizerRegistry(supported_languages=[language])
    registry.add_recognizer(SpacyRecognizer(supported_language=language, supported_entities=list(MARKERS)))
    found: _Analyzer = AnalyzerEngine(nlp_engine=nlp, registry=registry, supported_languages=[language])
    return found
