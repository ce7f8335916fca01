"""A session for each request or task of a server: ASGI under uvicorn, WSGI under gunicorn or Flask, celery's tasks."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from syndarix_obs.default import get_platform
from syndarix_obs.guard import guarded
from syndarix_obs.spans.sessions import current_session_id

_ASGI_MARK: Final = "_syndarix_obs_wrapped"


def _session() -> Any:
    """A session for one request; None where one is open already."""
    if current_session_id() is not None:
        return None
    obs = get_platform()
    return obs.session(agent=obs.settings.service_name, agent_type="request")


def asgi(app: Any) -> Any:
    """The application, with a session around every HTTP request and web socket."""
    if getattr(app, _ASGI_MARK, False):
        return app

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        session = _session() if scope.get("type") in ("http", "websocket") else None
        if session is None:
            await app(scope, receive, send)
            return
        with session:
            await app(scope, receive, send)

    setattr(wrapped, _ASGI_MARK, True)
    return wrapped


def wsgi(app: Callable[..., Any]) -> Callable[..., Any]:
    """The application, with a session around every request until its answer begins."""

    def wrapped(environ: Any, start_response: Any) -> Any:
        session = _session()
        if session is None:
            return app(environ, start_response)
        with session:
            return app(environ, start_response)

    return wrapped


def _uvicorn(module: ModuleType) -> None:
    load = module.Config.load

    def loaded(self: Any) -> None:
        load(self)
        with guarded("launcher"):
            self.loaded_app = asgi(self.loaded_app)

    module.Config.load = loaded


def _gunicorn(module: ModuleType) -> None:
    original = module.BaseApplication.wsgi

    def found(self: Any) -> Any:
        app = original(self)
        return app if getattr(app, _ASGI_MARK, False) or _is_asgi(app) else wsgi(app)

    module.BaseApplication.wsgi = found


def _is_asgi(app: Any) -> bool:
    import inspect

    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(type(app).__call__)


def _flask(module: ModuleType) -> None:
    original = module.Flask.wsgi_app

    def wsgi_app(self: Any, environ: Any, start_response: Any) -> Any:
        return wsgi(lambda *given: original(self, *given))(environ, start_response)

    module.Flask.wsgi_app = wsgi_app


def _celery(module: ModuleType) -> None:
    opened: dict[str, Any] = {}

    def before(task_id: str, **_more: Any) -> None:
        session = _session()
        if session is not None:
            opened[task_id] = session.__enter__()

    def after(task_id: str, **_more: Any) -> None:
        session = opened.pop(task_id, None)
        if session is not None:
            session.__exit__(None, None, None)

    module.task_prerun.connect(before, weak=False)
    module.task_postrun.connect(after, weak=False)


HOOKS: Final[dict[str, Callable[[ModuleType], None]]] = {
    "uvicorn.config": _uvicorn, "gunicorn.app.base": _gunicorn, "flask.app": _flask, "celery.signals": _celery,
}  # fmt: skip
"""What is done when a server's module has been imported."""
