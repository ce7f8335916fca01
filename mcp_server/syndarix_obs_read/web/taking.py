"""What lists give away: rows as CSV, chosen rows together, views to be kept."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from syndarix_obs_read import views
from syndarix_obs_read.answers.base import ListAnswer
from syndarix_obs_read.errors import FilterError, Forbidden, ReadError, UsageError
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.asked import address
from syndarix_obs_read.web.view import View
from syndarix_obs_read.web.writes import Writes

COMPARES: Final[Mapping[str, tuple[str, str, str]]] = {
    "/traces": ("/compare", "a", "b"), "/sessions": ("/compare", "a", "b"),
}  # fmt: skip
"""Pages whose rows can be compared: where, and the two words of the address."""
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def as_csv(view: View) -> Response:
    """The rows of a page as CSV, nested fields with dots in their names."""
    rows = next((found for each in view.found.values() if isinstance(each, ListAnswer) and (found := _rows(each))), ())
    flat = [dict(_flat(row.model_dump(mode="json"))) for row in rows]
    heads = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([_cell(row.get(name)) for name in heads] for row in flat)
    headers = {"Content-Disposition": 'attachment; filename="rows.csv"'}
    return Response(text.getvalue(), view.status, headers, "text/csv; charset=utf-8")


def _rows(answer: ListAnswer) -> Sequence[BaseModel]:
    """The rows of a list: its field that holds models."""
    for name in type(answer).model_fields:
        value = getattr(answer, name)
        if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            return value
    return ()


def _flat(value: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, f"{within}{name}.")
        else:
            yield within + name, inner


def _cell(value: Any) -> Any:
    """A value as a cell; a text that a spreadsheet would take for a formula gets a quote before it."""
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, str) and value.startswith(_FORMULAS) and not _is_number(value):
        return f"'{value}"
    return "" if value is None else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def pick(request: Request) -> Response:
    """`GET /pick`: from the chosen rows of a list to what was wanted of them."""
    chosen, wanted = request.query_params.getlist("id"), request.query_params.get("do")
    try:
        page, words = _origin(request.query_params.get("from") or "")
        target = _target(page, words, chosen, wanted)
    except ReadError as error:
        return PlainTextResponse(f"{error}\n", 400)
    return RedirectResponse(target, 303)


def _target(page: str, words: dict[str, str], chosen: list[str], wanted: str | None) -> str:
    if wanted == "compare" and page in COMPARES:
        if len(chosen) != 2:
            raise FilterError(f"two rows can be compared, {len(chosen)} were chosen: go back and choose two")
        path, one, other = COMPARES[page]
        return address(path, **{one: chosen[0], other: chosen[1]})
    if wanted == "annotate" and page in COMPARES:
        if not chosen:
            raise FilterError("no row was chosen: go back and choose some")
        return address("/annotate", runs=",".join(chosen))
    if wanted not in ("csv", "json"):
        raise FilterError("chosen rows of this list can be taken as csv or json")
    if not chosen:
        raise FilterError("no row was chosen: go back and choose some")
    return address(f"{page}.{wanted}", **{**words, "only": ",".join(chosen)})


def _origin(text: str) -> tuple[str, dict[str, str]]:
    """The page and the words of an address of ours."""
    found = urlsplit(text)
    if found.scheme or found.netloc or not found.path.startswith("/"):
        raise FilterError("the form does not say which page it comes from")
    return found.path, dict(parse_qsl(found.query))


async def keep(request: Request, settings: ReadSettings, writes: Writes) -> Response:
    """`POST /views`: keep the view of a list, and go back to it."""
    try:
        given, _ = await writes.read(request, "keep views")
        if not isinstance(given, dict):
            raise FilterError("a view is kept by its name and the address that it comes from")
        if not settings.may_write:
            raise FilterError("this explorer may not write; SYNDARIX_OBS_READ_WRITES allows it")
        page, words = _origin(str(given.get("from", "")))
        query = address("", **words).removeprefix("?")
        views.keep(settings.home, views.View(name=str(given.get("name", "")).strip(), page=page, query=query))
    except (ReadError, ValueError) as error:
        status = 403 if isinstance(error, Forbidden) else 400 if isinstance(error, (UsageError, ValueError)) else 503
        return PlainTextResponse(f"{error}\n", status)
    return RedirectResponse(f"{page}?{query}" if query else page, 303)
