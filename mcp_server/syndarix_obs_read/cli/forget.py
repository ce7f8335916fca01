"""`syndarix-obs forget`: erases one person everywhere, and shows what is under way."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syndarix_obs_read.cli.asking import settings_of
from syndarix_obs_read.cli.confirming import confirm
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import FilterError

if TYPE_CHECKING:
    from syndarix_obs_read.privacy.forget import Outcome
    from syndarix_obs_read.privacy.places import Progress
    from syndarix_obs_read.settings import ReadSettings


def forget(
    common: Common,
    person: Annotated[
        str | None, typer.Argument(metavar="USER", help="The user: the raw id or the pseudonym that answers show.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="The same as USER.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Show erasures under way, and check all receipts.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with every erasure that is under way.")] = False,
    lift: Annotated[bool, typer.Option("--lift", help="Record this user again from now on.")] = False,
) -> None:
    """Erase a person everywhere, and prove it.

    Events, versions and costs stay; the person goes. What is not gone yet is said, with when it will be. Later records
    of the person are kept without the person until `--lift`.
    """
    from syndarix_obs_read.users import pseudonym_of

    settings = settings_of(common)
    if status:
        _show_status(common, settings)
        return
    if resume:
        _resume(common, settings)
        return
    name = person or user
    if not name:
        raise FilterError("who? `syndarix-obs forget USER`; `forget --status` shows what is under way")
    pseudonym = pseudonym_of(settings, name)
    if lift:
        _lift(settings, pseudonym)
        return
    from syndarix_obs_read.privacy.forget import forget as erase

    confirm(yes, f"Erase {name} ({pseudonym}) from every place that {settings.home} and its backend know?")
    outcome = erase(settings, pseudonym, tell=_tell)
    _audit(settings, outcome)
    _report(common, [outcome])


def _audit(settings: ReadSettings, outcome: Outcome) -> None:
    """The receipt is the proof; without a server to note it in, that alone has to do."""
    from syndarix_obs_read.privacy.audit import audit

    if settings.backend == "stack" or settings.store_path.exists():
        audit(settings, "erase", f"receipt {outcome.receipt['number']}")


def _tell(place: str, progress: Progress) -> None:
    said = "gone" if progress.state == "gone" else f"not yet: {progress.why}"
    print(f"  {place:12} {progress.count:>8,}  {said}", file=sys.stderr)


def _report(common: Common, outcomes: list[Outcome]) -> None:
    if common.as_json:
        print(json.dumps([each.receipt for each in outcomes], indent=2, ensure_ascii=False))
        return
    for each in outcomes:
        _report_one(each)


def _report_one(outcome: Outcome) -> None:
    receipt = outcome.receipt
    count = sum(place["count"] for place in receipt["places"])
    shared = " (another run did it at the same time)" if outcome.shared else ""
    print(f"erased or made anonymous: {count:,} in {len(receipt['places'])} places{shared}")
    print(f"receipt {receipt['number']}, sealed {receipt['seal'][:16]}")
    for place in receipt["places"]:
        if not place["gone"]:
            by = f"; gone by {place['gone_by']}" if place["gone_by"] else ""
            print(f"not gone yet: {place['place']}: {place['not_gone']}{by}")
    if not outcome.complete:
        print("go on with `syndarix-obs forget --resume`; `forget --status` shows what is left")


def _resume(common: Common, settings: ReadSettings) -> None:
    from syndarix_obs_read.privacy.forget import resume

    outcomes = resume(settings, tell=_tell)
    if not outcomes and not common.as_json:
        print("no erasure is under way")
    _report(common, outcomes) if outcomes or common.as_json else None


def _show_status(common: Common, settings: ReadSettings) -> None:
    from syndarix_obs_read.privacy.receipts import Receipts
    from syndarix_obs_read.privacy.requests import Requests

    verified = Receipts(settings.home).verify()
    found = [_status_of(each) for each in Requests(settings.home).open()]
    if common.as_json:
        print(json.dumps({"receipts": verified, "open": found}, indent=2, ensure_ascii=False))
        return
    print(f"{verified} receipts, the chain is whole")
    print(f"{len(found)} erasures under way")
    for each in found:
        print(f"{each['pseudonym']}  asked {each['asked_at']} by {each['asked_by']}")
        for place in each["places"]:
            by = f"; gone by {place['gone_by']}" if place["gone_by"] else ""
            print(f"  {place['place']:12} {place['state']:7} {place['why']}{by}")


def _status_of(request: Any) -> dict[str, Any]:
    return {
        "pseudonym": request.person.pseudonym, "asked_at": request.asked_at, "asked_by": request.asked_by,
        "places": [
            {"place": name, "state": each.state, "count": each.count, "why": each.why, "gone_by": each.gone_by}
            for name, each in request.places.items()
        ],
    }  # fmt: skip


def _lift(settings: ReadSettings, pseudonym: str) -> None:
    from syndarix_obs.store.tombstones import Tombstones

    held = Tombstones(settings.home).lift(pseudonym)
    print(f"{pseudonym} is recorded again from now on" if held else f"{pseudonym} was never erased here")
