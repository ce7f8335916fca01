"""Views that somebody kept of a person's sessions: their names and addresses may name the person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from syndarix_obs_read import views
from syndarix_obs_read.privacy.places import Note, Person, Verdict
from syndarix_obs_read.privacy.scan import scan
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.users import pseudonym_of


class ViewsSource:
    """The file of kept views."""

    name = "views"
    holds = "names and filters of views that somebody kept: a user, a session, a trace"
    kept = "until somebody removes them"
    method = "views that name the person, a session or a trace of the person go"
    retries = True
    destinations: frozenset[str] = frozenset()

    def __init__(self, settings: ReadSettings) -> None:
        self._settings = settings
        self._path = settings.home / views.FILE

    def find(self, person: Person) -> int:
        """Views about the person."""
        found, left = self._split(person)
        return len(found) - len(left)

    def erase(self, person: Person, note: Note) -> int:  # noqa: ARG002 - protocol
        """Write the file anew without them."""
        found, left = self._split(person)
        if len(left) < len(found):
            draft = self._path.with_name(f"{views.FILE}.new")
            draft.write_text(json.dumps({"views": left}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            draft.replace(self._path)
        return len(found) - len(left)

    def verify(self, person: Person, note: Note) -> Verdict:  # noqa: ARG002 - protocol
        """Read all views, then look through the bytes of the file."""
        found = scan(sorted(self._settings.home.glob(f"{views.FILE}*")), person.needles)
        left = self.find(person) + sum(found.hits.values())
        return Verdict(not left and not found.unread, found.words(), left)

    def owns(self, path: Path) -> bool:
        """The file, and its draft."""
        return path.name.startswith(views.FILE)

    def _split(self, person: Person) -> tuple[list[Any], list[Any]]:
        """All views, and those that are not about the person. Raises OSError for a file that cannot be read."""
        if not self._path.exists():
            return [], []
        try:
            found = list(json.loads(self._path.read_text(encoding="utf-8"))["views"])
        except (ValueError, TypeError, KeyError) as error:
            raise OSError(f"{self._path} cannot be read ({error}): mend it, or move it away") from error
        return found, [each for each in found if not self._is_about(person, each)]

    def _is_about(self, person: Person, view: Any) -> bool:
        words = {name: str(view.get(name, "")) for name in ("name", "query")}
        text = f"{words['name']}\n{words['query']}\n{unquote_plus(words['query'])}"
        sought = (*(each.decode() for each in person.needles), *person.traces)
        asked = parse_qs(words["query"].lstrip("?")).get("user", [])
        # People may ask by the raw id: it is in the file, and in no record.
        named = any(pseudonym_of(self._settings, each) == person.pseudonym for each in asked)
        return named or any(each in text for each in sought)
