"""From an error to a finding: what happened, and the next step that its message names."""

from __future__ import annotations

import re
from typing import Final

from syndarix_obs_read.backends.rows import Check

_ENDS: Final = re.compile(r"\.\s+(?=[A-Z])|: (?=run |set |give |ask )|; ")
"""Where a message stops saying what happened and says what to do."""


def broken(name: str, error: Exception) -> Check:
    """A part that could not be looked at."""
    said = str(error) or type(error).__name__
    finding, *mend = _ENDS.split(said, maxsplit=1)
    return Check(name=name, state="failing", finding=finding, mend=mend[0] if mend else None)
