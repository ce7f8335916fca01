"""Views that somebody kept: a name, a page and the words of its address, in one file of the home folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.errors import FilterError

FILE: Final = "views.json"
"""Name of the file in the home folder."""
LONGEST: Final = 60
"""Characters of a name."""
_MOST: Final = 200


class View(Frozen):
    """One view of a list."""

    name: str
    page: str
    query: str


def of_page(home: Path, page: str) -> tuple[View, ...]:
    """The views of a page, by name; none when there is no file or it cannot be read."""
    try:
        return tuple(sorted((each for each in read(home) if each.page == page), key=lambda each: each.name.lower()))
    except FilterError:
        return ()


def read(home: Path) -> tuple[View, ...]:
    """All views of a home folder.

    Raises:
        FilterError: the file is there and cannot be read.
    """
    path = home / FILE
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        return tuple(View(**each) for each in found["views"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FilterError(f"{path} cannot be read ({error}); mend it, or move it away") from None


def keep(home: Path, view: View) -> None:
    """Keep a view; one of the same name and page is replaced.

    Raises:
        FilterError: the name is empty or too long, there are too many views, or the file cannot be read or written.
    """
    if not view.name.strip() or len(view.name) > LONGEST:
        raise FilterError(f"a view needs a name of 1 to {LONGEST} characters")
    others = [each for each in read(home) if (each.name, each.page) != (view.name, view.page)]
    if len(others) >= _MOST:
        raise FilterError(f"there are {_MOST} views already; remove some from {home / FILE}")
    text = json.dumps({"views": [dict(each) for each in (*others, view)]}, ensure_ascii=False, indent=1)
    new = home / f"{FILE}.new"
    try:
        new.write_text(text + "\n", encoding="utf-8")
        os.replace(new, home / FILE)
    except OSError as error:
        raise FilterError(f"cannot write {home / FILE}: {error.strerror or error}") from None
