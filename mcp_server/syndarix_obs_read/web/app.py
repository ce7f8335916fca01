"""`build_app`: the explorer, put together in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs_read import catalogue
from syndarix_obs_read.answers import copies
from syndarix_obs_read.answers.trace import TraceSpan
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.serving.access_rules import AccessControl
from syndarix_obs_read.serving.address import Address, rules
from syndarix_obs_read.serving.guarded import guarded
from syndarix_obs_read.serving.tokens import Tokens
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web import annotating, assets, downloads, follow, live, rows, scoring, taking
from syndarix_obs_read.web.asked import Asked, failure
from syndarix_obs_read.web.authentication import Authentication
from syndarix_obs_read.web.form_token import FormTokens
from syndarix_obs_read.web.headers import Hardened
from syndarix_obs_read.web.names import Names
from syndarix_obs_read.web.pages import day, overview, report, step, walk
from syndarix_obs_read.web.parts import common, layout
from syndarix_obs_read.web.view import Page, View
from syndarix_obs_read.web.writes import Writes

PAGES: Final[tuple[Page, ...]] = (
    overview.PAGE,
    *(replace(question.page(), group=question.group) for question in catalogue.with_face("web")),
    walk.PAGE,
    day.PAGE,
)
"""Every page, in the order of the navigation."""


class Uncounted:
    """The explorer refuses without counting: it has no metrics."""

    def refused(self, reason: str) -> None:
        """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Explorer:
    """What requests share. `ending` says whether the server is about to stop; `watched` is the backend without its
    roles, of which nobody is told more than that something was recorded."""

    backend: Backend
    watched: Backend
    settings: ReadSettings
    names: Names
    ending: Callable[[], bool]
    tokens: FormTokens
    writes: Writes

    async def asked(self, request: Request, path: str, since: str | None = None) -> Asked:
        """What a request asks for; of a word that comes twice the last one counts, blank ones are none."""
        given = {name: text for name, value in request.query_params.items() if (text := value.strip())}
        known = await self.names.known()
        since = since or self.settings.since
        return Asked(self.backend, self.settings, path, given, since, known, self.tokens.make())


def build_app(
    settings: ReadSettings,
    address: Address,
    *,
    backend: Backend | None = None,
    ending: Callable[[], bool] = lambda: False,
) -> ASGIApp:
    """The ASGI application.

    Args:
        backend: for callers that have one open; else the settings' backend, closed with the application.
        ending: whether the server is about to stop: then what is followed live ends.

    Raises:
        SettingsError: a public address without a token file, or a token file that cannot be used.
    """
    address.check()
    source = backend or open_backend(settings)
    asked = guarded(source, settings)
    tokens = FormTokens()
    writes = Writes(tokens, guarded=address.token_file is not None)
    explorer = Explorer(asked, source, settings, Names(asked), ending, tokens, writes)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await explorer.names.close()
        if backend is None:
            await source.close()

    inner: ASGIApp = Starlette(routes=_routes(explorer), lifespan=lifespan, exception_handlers={404: _lost(explorer)})
    inner = Authentication(inner, None if address.token_file is None else Tokens(address.token_file, Uncounted()))
    return Hardened(AccessControl(inner, rules(settings, address), Uncounted()))


def _routes(explorer: Explorer) -> list[Route]:
    routes = [Route(page.path, _html(explorer, page), methods=["GET"]) for page in PAGES]
    routes += [Route(page.twin, _twin(explorer, page), methods=["GET"]) for page in PAGES]
    routes += [Route(page.twin.replace(".json", ".csv"), _csv(explorer, page), methods=["GET"]) for page in PAGES]
    return [
        *routes,
        Route("/step/part", _part(explorer, step.PAGE), methods=["GET"]),
        Route("/logs/follow", _follow(explorer), methods=["GET"]),
        Route("/live", _live(explorer), methods=["GET"]),
        Route("/pick", _pick, methods=["GET"]),
        Route("/views", _keep_view(explorer), methods=["POST"]),
        Route("/report/file", _file(explorer, downloads.report, report.PAGE), methods=["GET"]),
        Route("/convert/file", _file(explorer, downloads.converted, report.PAGE), methods=["GET"]),
        Route("/score", _score(explorer), methods=["POST"]),
        Route("/note", _annotate(explorer), methods=["POST"]),
        Route("/form-token", _form_token(explorer), methods=["GET"]),
        Route("/step/curl", _step_text(explorer, lambda span, _trace: copies.as_curl(span)), methods=["GET"]),
        Route("/step/pytest", _step_text(explorer, copies.as_pytest), methods=["GET"]),
        Route("/trace/rows", _rows(explorer), methods=["GET"]),
        Route("/static/{name}", assets.serve, methods=["GET"]),
        Route("/static/{stamp}/{name:path}", assets.serve, methods=["GET"]),
        Route("/healthz", _healthz(explorer), methods=["GET"]),
    ]


Handler = Callable[[Request], Awaitable[Response]]


async def _viewed(asked: Asked, page: Page) -> View:
    """The view of a page; a word of the address that cannot be read is a view of that."""
    try:
        return await page.ask(asked)
    except (ReadError, SyndarixObsError) as error:
        found = failure(error)
        return View(page.name or "Not found", {"error": found}, lambda: common.trouble(found))


def _html(explorer: Explorer, page: Page) -> Handler:
    async def handle(request: Request) -> Response:
        asked = await explorer.asked(request, page.path, page.since)
        view = await _viewed(asked, page)
        return _page(asked, page, view)

    return handle


def _page(asked: Asked, page: Page, view: View) -> Response:
    return HTMLResponse(layout.whole(asked, PAGES, page, view), view.status)


def _twin(explorer: Explorer, page: Page) -> Handler:
    async def handle(request: Request) -> Response:
        view = await _viewed(await explorer.asked(request, page.path, page.since), page)
        return Response(view.as_json(), view.status, media_type="application/json")

    return handle


def _csv(explorer: Explorer, page: Page) -> Handler:
    async def handle(request: Request) -> Response:
        return taking.as_csv(await _viewed(await explorer.asked(request, page.path, page.since), page))

    return handle


async def _pick(request: Request) -> Response:
    return taking.pick(request)


def _keep_view(explorer: Explorer) -> Handler:
    async def handle(request: Request) -> Response:
        return await taking.keep(request, explorer.settings, explorer.writes)

    return handle


def _part(explorer: Explorer, page: Page) -> Handler:
    """The inside of a page, for the script to put into another one."""

    async def handle(request: Request) -> Response:
        view = await _viewed(await explorer.asked(request, "/step/part"), page)
        return HTMLResponse(view.draw().text, view.status)

    return handle


def _follow(explorer: Explorer) -> Handler:
    async def handle(request: Request) -> Response:
        return await follow.stream(await explorer.asked(request, "/logs/follow"), explorer.ending)

    return handle


def _live(explorer: Explorer) -> Handler:
    async def handle(_request: Request) -> Response:
        return live.stream(explorer.watched, explorer.ending)

    return handle


def _step_text(explorer: Explorer, make: Callable[[TraceSpan, str], str | None]) -> Handler:
    async def handle(request: Request) -> Response:
        try:
            text, status = await step.as_text(await explorer.asked(request, "/step"), make)
        except ReadError as error:
            found = failure(error)
            text, status = found.message, found.status
        return PlainTextResponse(text, status)

    return handle


def _rows(explorer: Explorer) -> Handler:
    async def handle(request: Request) -> Response:
        return await rows.stream(await explorer.asked(request, "/trace/rows"))

    return handle


def _file(explorer: Explorer, make: Callable[[Asked], Awaitable[Response]], page: Page) -> Handler:
    async def handle(request: Request) -> Response:
        return await make(await explorer.asked(request, page.path, page.since))

    return handle


def _score(explorer: Explorer) -> Handler:
    async def handle(request: Request) -> Response:
        return await scoring.handle(request, explorer.settings, explorer.backend, explorer.writes)

    return handle


def _annotate(explorer: Explorer) -> Handler:
    async def handle(request: Request) -> Response:
        return await annotating.handle(request, explorer.settings, explorer.backend, explorer.writes)

    return handle


def _form_token(explorer: Explorer) -> Handler:
    async def handle(_request: Request) -> Response:
        return PlainTextResponse(explorer.tokens.make())

    return handle


def _healthz(explorer: Explorer) -> Handler:
    async def handle(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "backend": explorer.settings.backend})

    return handle


def _lost(explorer: Explorer) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        found = failure(ReadError("there is no such page; the navigation lists those that there are"))
        view = View("Not found", {"error": found}, lambda: common.trouble(found))
        asked = await explorer.asked(request, "/")
        status = error.status_code if isinstance(error, HTTPException) else 404
        return HTMLResponse(layout.whole(asked, PAGES, _NOWHERE, view), status)

    return handle


_NOWHERE: Final = Page("/overview", "", overview.ask, timed=False)
