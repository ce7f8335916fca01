"""Erase one person everywhere: note, tombstone, fan out, verify, receipt. It can be killed and run again at any point.

The order matters. First a note on disk of whom and what to look for, then the tombstone, which keeps late spans, spools
and restored backups from bringing the person back, and only then anything is changed. A place that cannot be reached
leaves the request open and visible; the next run goes on with it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs.store.database import open_for_write
from syndarix_obs.store.erase import first_seen, sessions_of, traces_of
from syndarix_obs.store.tombstones import Tombstones
from syndarix_obs_read.errors import NotFound, ReadError
from syndarix_obs_read.privacy.archived import people
from syndarix_obs_read.privacy.inventory import sources
from syndarix_obs_read.privacy.places import EraseSource, Knowing, Person, Progress
from syndarix_obs_read.privacy.receipts import Receipts
from syndarix_obs_read.privacy.requests import Request, Requests, now
from syndarix_obs_read.settings import ReadSettings

GONE: Final = "gone"
Tell = Callable[[str, Progress], None]
_TROUBLE: Final = (ReadError, SyndarixObsError, OSError, sqlite3.Error)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to.

    Args:
        receipt: the sealed receipt.
        shared: whether another run did it while this one waited.
    """

    receipt: dict[str, Any]
    shared: bool = False

    @property
    def complete(self) -> bool:
        """Whether the person is gone from every place."""
        return bool(self.receipt["complete"])


def forget(settings: ReadSettings, pseudonym: str, *, tell: Tell = lambda _place, _progress: None) -> Outcome:
    """Erase a person in every place of the inventory, as far as that goes now.

    Args:
        settings: where the places are.
        pseudonym: of the person.
        tell: told about each place when it is done with.

    Raises:
        NotFound: nothing is recorded of this person, and no erasure is under way.
    """
    requests, receipts = Requests(settings.home), Receipts(settings.home)
    with requests.alone(pseudonym) as first:
        if not first and (done := _latest(receipts, pseudonym)) is not None:
            return Outcome(done, shared=True)
        places = sources(settings)
        request = requests.load(pseudonym) or requests.begin(_look(settings, places, pseudonym))
        tombstones = Tombstones(settings.home)
        tombstones.add(pseudonym)
        for name in request.person.names:
            tombstones.add_session(name)
        for place in places:
            progress = request.places.setdefault(place.name, Progress())
            if progress.state != GONE:
                _do(place, request.person, progress, lambda: requests.save(request))
            tell(place.name, progress)
        receipt = receipts.add(_content(request, places))
        if request.gone:
            requests.end(request)
        return Outcome(receipt)


def resume(settings: ReadSettings, *, tell: Tell = lambda _place, _progress: None) -> list[Outcome]:
    """Go on with every erasure that is under way."""
    return [forget(settings, each.person.pseudonym, tell=tell) for each in Requests(settings.home).open()]


def _look(settings: ReadSettings, places: Sequence[EraseSource], pseudonym: str) -> Person:
    """Whom it is about: what to look for later is only known now."""
    person = people(settings, pseudonym)
    path = settings.store_path
    if path.exists() and path.stat().st_size:
        with contextlib.closing(open_for_write(path)) as connection:
            person = _joined(
                person,
                sessions_of(connection, pseudonym),
                traces_of(connection, pseudonym),
                first_seen(connection, pseudonym),
            )
    for place in places:
        if isinstance(place, Knowing):
            with contextlib.suppress(*_TROUBLE):
                person = place.learn(person)
    if any(_found(place, person) for place in places):
        return person
    raise NotFound(
        f"nothing is recorded of {pseudonym}: nothing was erased. `syndarix-obs names user` lists the pseudonyms that "
        "are recorded; a raw id is found only with the key that the agents used (SYNDARIX_OBS_USER_KEY_FILE or --home)"
    )


def _joined(archived: Person, sessions: list[str], traces: list[str], first_ns: int) -> Person:
    """What the archives know and what the store knows."""
    return Person(
        archived.pseudonym,
        tuple(sorted({*archived.sessions, *sessions})),
        tuple(sorted({*archived.traces, *traces})),
        min((each for each in (archived.first_ns, first_ns) if each), default=0),
    )


def _found(place: EraseSource, person: Person) -> bool:
    try:
        return place.find(person) != 0
    except _TROUBLE:
        return True  # it cannot be said that there is nothing: the request is kept open for this place


def _do(place: EraseSource, person: Person, progress: Progress, save: Callable[[], None]) -> None:
    try:
        if progress.state == "open":
            save()
            progress.count += max(0, place.erase(person, progress.note))
            progress.state = "erased"
            save()
        verdict = place.verify(person, progress.note)
        if not verdict.gone and place.retries:
            progress.count += max(0, place.erase(person, progress.note))
            verdict = place.verify(person, progress.note)
    except _TROUBLE as error:
        progress.why = f"cannot be reached: {error}"
        save()
        return
    progress.checked, progress.verified_at = verdict.checked, now()
    progress.why, progress.gone_by = verdict.why, verdict.gone_by
    if verdict.gone:
        progress.state = GONE
    elif not progress.why:
        progress.why = f"{verdict.left} left"
    save()


def _content(request: Request, places: Sequence[EraseSource]) -> dict[str, Any]:
    methods = {place.name: place.method for place in places}
    return {
        "pseudonym": request.person.pseudonym,
        "asked_by": request.asked_by,
        "asked_at": request.asked_at,
        "at": now(),
        "complete": request.gone,
        "places": [
            {
                "place": name, "count": each.count, "method": methods.get(name, ""), "gone": each.state == GONE,
                "verified_at": each.verified_at, "checked": each.checked, "not_gone": each.why, "gone_by": each.gone_by,
            }
            for name, each in request.places.items()
        ],
    }  # fmt: skip


def _latest(receipts: Receipts, pseudonym: str) -> dict[str, Any] | None:
    return next((each for each in reversed(receipts.read()) if each.get("pseudonym") == pseudonym), None)
