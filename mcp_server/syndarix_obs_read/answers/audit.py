"""Who read payloads, exported, archived and erased, and when? With what is still under way of erasures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import ListAnswer, Moment, Period, listing
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.privacy.audit import ENVIRONMENT, LOGGER
from syndarix_obs_read.privacy.receipts import BrokenChain, Receipts
from syndarix_obs_read.privacy.requests import Requests
from syndarix_obs_read.timerange import TimeRange, to_datetime


class AuditEntry(Frozen):
    """One action."""

    at: Moment
    who: str = Field(description="Name and role of the token, or the account.")
    action: str
    detail: str = Field(description="How much and of what kind, without content.")


class OpenErasure(Frozen):
    """An erasure that is under way."""

    pseudonym: str
    asked_at: str
    asked_by: str
    left: tuple[str, ...] = Field(description="Places that still hold the person, each with the reason.")


class AuditTrail(ListAnswer):
    """Actions, the last first, and the state of erasures."""

    entries: tuple[AuditEntry, ...]
    receipts: int = Field(description="Receipts of erasures in this home folder.")
    chain: str = Field(description="`whole`, or what does not fit in the chain of receipts.")
    erasures: tuple[OpenErasure, ...]


async def list_audit(backend: Backend, home: Path, period: TimeRange, limit: int) -> AuditTrail:
    """The audit trail of a period, and the receipts and open erasures of a home folder."""
    wanted = Filter(kinds=(v.KIND_APP,), environment=ENVIRONMENT).within(period)
    page = await backend.records(wanted, limit=limit, payloads=True)
    about: dict[str, Any] = listing(page, "time")
    if not page.rows:
        known = await why_empty(backend, Filter(), period)
        about["hints"] = ("nobody read payloads with a token, exported, archived or erased in that time", *known)
    chain, count = _chain(home)
    return AuditTrail(
        backend=backend.name, period=Period.of(period), entries=tuple(map(_entry, filter(_is_ours, page.rows))),
        receipts=count, chain=chain, erasures=tuple(map(_open, Requests(home).open())), **about,
    )  # fmt: skip


def _is_ours(record: StoredRecord) -> bool:
    return record.text("logger") == LOGGER


def _entry(record: StoredRecord) -> AuditEntry:
    said = record.payload
    return AuditEntry(
        at=to_datetime(record.start_ns), who=str(said.get("who", "")), action=str(said.get("action", "")),
        detail=str(said.get("detail", "")),
    )  # fmt: skip


def _chain(home: Path) -> tuple[str, int]:
    receipts = Receipts(home)
    if not receipts.path.exists():
        return "whole", 0
    try:
        return "whole", receipts.verify()
    except BrokenChain as error:
        return str(error), len(receipts.read())


def _open(request: Any) -> OpenErasure:
    left = tuple(
        f"{name}: {each.why or each.state}" for name, each in request.places.items() if each.state != "gone"
    )
    return OpenErasure(
        pseudonym=request.person.pseudonym, asked_at=request.asked_at, asked_by=request.asked_by, left=left
    )
