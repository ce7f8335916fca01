"""What is to be read can be read: text stands out from what is behind it, in light and in dark."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STYLE = files("syndarix_obs_read.web").joinpath("static", "style.css").read_text(encoding="utf-8")
LEAST = 4.5
"""WCAG 2.2, level AA, for text of ordinary size."""
TINT = 0.13
PAIRS = [
    *((text, ground) for text in ("ink", "soft", "pale", "link") for ground in ("ground", "card", "sunk", "faint")),
    *((text, f"{text}-soft") for text in ("error", "warning", "ok", "live")),
    ("error", "card"), ("warning", "card"), ("decision", "card"),
]  # fmt: skip
KINDS = ("session", "llm", "tool", "decision", "memory", "context", "safety", "note", "log")


def colours(scheme: str) -> dict[str, str]:
    """The colours of a scheme by name."""
    light, dark = re.findall(r":root \{(.*?)\n\s*\}", STYLE, re.DOTALL)
    found = re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})\b", light)
    return dict(found if scheme == "light" else [*found, *re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})\b", dark)])


def rgb(colour: str) -> tuple[float, ...]:
    """Red, green and blue, 0 to 1."""
    digits = colour[1:] if len(colour) == 7 else "".join(each * 2 for each in colour[1:])
    return tuple(int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))


def contrast(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """The contrast of two colours as WCAG defines it."""
    bright, dim = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: tuple[float, ...]) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(text: str, ground: str, scheme: str) -> None:
    known = colours(scheme)

    assert contrast(rgb(known[text]), rgb(known[ground])) >= LEAST


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_name_of_a_kind_stands_out_from_its_tint(kind: str, scheme: str) -> None:
    known = colours(scheme)
    own, card = rgb(known[kind]), rgb(known["card"])
    tint = tuple(part * TINT + ground * (1 - TINT) for part, ground in zip(own, card, strict=True))

    assert contrast(own, tint) >= LEAST
