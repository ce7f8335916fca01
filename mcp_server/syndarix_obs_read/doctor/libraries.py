"""Which GenAI libraries of this environment are watched, and what is missing for the others."""

from __future__ import annotations

from syndarix_obs.integrations.coverage import Coverage, coverage
from syndarix_obs_read.backends.rows import Check


def checks() -> list[Check]:
    """One finding for all that are watched, one for each that is not."""
    found = coverage()
    watched = ", ".join(f"{each.library} {each.version} ({each.by})" for each in found if each.state == "watched")
    told = [Check(name="libraries", state="ok", finding=f"watched: {watched or 'none is installed here'}")]
    return told + [_missing(each) for each in found if each.state != "watched"]


def _missing(each: Coverage) -> Check:
    why = f": {each.by}" if each.by else ": its calls are not counted"
    quiet = each.state == "not watched" and bool(each.by)
    return Check(
        name=f"library {each.library}", state="ok" if quiet else "warning",
        finding=f"{each.library} {each.version}, {each.state}{why}", mend=f"pip install {each.install}",
    )  # fmt: skip
