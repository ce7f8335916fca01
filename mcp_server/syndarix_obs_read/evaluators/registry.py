"""Which evaluators there are: those of the installed packages, found by their entry points."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.evaluators.session import Evaluator

GROUP = "syndarix_obs.evaluators"
"""Entry point group. In another package's pyproject.toml: `[project.entry-points."syndarix_obs.evaluators"]`."""


def available() -> Mapping[str, EntryPoint]:
    """Every evaluator by name, not loaded yet."""
    return {each.name: each for each in sorted(entry_points(group=GROUP), key=lambda each: each.name)}


def load(names: tuple[str, ...] = ()) -> dict[str, Evaluator]:
    """Evaluators by name; all of them by default.

    Raises:
        FilterError: there is none of that name, or it cannot be loaded.
    """
    known = available()
    if wrong := [name for name in names if name not in known]:
        raise FilterError(f"there is no evaluator {', '.join(wrong)}; possible: {', '.join(known) or 'none'}")
    return {name: _load(known[name]) for name in names or tuple(known)}


def _load(entry: EntryPoint) -> Evaluator:
    try:
        found: Evaluator = entry.load()
    except Exception as error:  # another package's module may raise anything
        raise FilterError(f"the evaluator {entry.name} ({entry.value}) cannot be loaded: {error}") from error
    return found
