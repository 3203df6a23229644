"""The server's application."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from beast_assets.core.errors import BeastError, UsageError
from beast_assets.core.search import IndexHandle
from beast_assets.core.settings import Settings
from beast_assets.serving.endpoints import Endpoints, json_response
from beast_assets.serving.lanes import BusyError, Lanes
from beast_assets.serving.metrics import Figures, Measured
from beast_assets.serving.security import Access, Wall
from beast_assets.serving.service import Service

#: Gives a report on a home, asking through the handle if one is open.
Health = Callable[[IndexHandle | None], dict[str, Any]]
#: How many questions may wait for a thread; one more is told to come again.
WAITING = 64


def build_app(
    settings: Settings,
    *,
    token: str | None = None,
    health: Health | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    lanes: Lanes | None = None,
) -> ASGIApp:
    """The application over one home.

    Args:
        settings: of the home.
        token: that callers have to know, empty for none; by default what the settings say.
        health: gives a report whose ``status`` is healthy, degraded or unhealthy.
        host: the address that it will listen on.
        port: its port; None lets callers name any.
        lanes: the threads that answer; by default as many as the settings say, at most 8.
    """
    lanes = lanes or Lanes(max(2, min(8, settings.threads)), WAITING)
    service = Service(settings, lanes, health)
    figures = Figures(service.counters, service.published)
    secret = settings.serve_token if token is None else token
    access = Access.of(host, port, settings.serve_hosts, secret)
    routes = Endpoints(service, figures, lanes, access).routes

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.warm_up()
        yield
        service.close()

    app = Starlette(
        routes=[Route(path, endpoint) for path, endpoint in routes.items()],
        exception_handlers={BeastError: _refused, HTTPException: _http, Exception: _fault},
        lifespan=lifespan,
    )
    # Around all of it: Starlette's own middleware stands below its handler of faults.
    return Measured(Wall(app, access), figures, frozenset(routes))


def _refused(_: Request, error: Exception) -> Response:
    status = 400 if isinstance(error, UsageError) else 503
    headers = {"retry-after": "1"} if isinstance(error, BusyError) else None
    return json_response({"error": str(error)}, status, headers)


def _http(_: Request, error: Exception) -> Response:
    found = error if isinstance(error, HTTPException) else HTTPException(500)
    said = {"error": found.detail}
    return json_response(said, found.status_code, dict(found.headers or {}))


def _fault(_: Request, error: Exception) -> Response:
    said = f"a fault of the server ({type(error).__name__}): its log says more"
    return json_response({"error": said}, 500)
