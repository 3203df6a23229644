"""The server's application: which route gives what."""

import time
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from beast_assets.core.errors import BeastError, UsageError
from beast_assets.core.search import IndexHandle
from beast_assets.core.settings import Settings
from beast_assets.serving.pages import page_file
from beast_assets.serving.questions import DOC, SEARCH, read_parameters, search_options

Health = Callable[[], dict[str, Any]]


def build_app(
    settings: Settings, *, token: str | None = None, health: Health | None = None
) -> Starlette:
    """The application over one home."""
    opened: list[IndexHandle] = []

    def handle() -> IndexHandle:
        if not opened:
            opened.append(IndexHandle(settings))
        return opened[0]

    async def search(request: Request) -> Response:
        began = time.perf_counter()
        values = read_parameters(request.url.query.encode(), SEARCH)
        options = search_options(values)
        hits = await run_in_threadpool(lambda: handle().answer(values["q"], options))
        took = round((time.perf_counter() - began) * 1e3, 3)
        found = hits.to_dicts()
        return JSONResponse(
            {"query": values["q"], "version": hits.version, "took_ms": took, "hits": found}
        )

    async def doc(request: Request) -> Response:
        values = read_parameters(request.url.query.encode(), DOC)
        context = values.get("context", 0)
        found = await run_in_threadpool(lambda: handle().passage(values["id"], context))
        if found is None:
            raise HTTPException(404, "no such passage in the index: search again")
        return JSONResponse(found.to_dict())

    async def status(request: Request) -> Response:
        from beast_assets.core.status import index_status

        return JSONResponse(await run_in_threadpool(index_status, settings))

    async def page(request: Request) -> Response:
        return page_file(request.path_params.get("file", "index.html"))

    routes = [
        Route("/api/search", search),
        Route("/api/doc", doc),
        Route("/api/status", status),
        Route("/", page),
        Route("/static/{file}", page),
    ]
    return Starlette(
        routes=routes, exception_handlers={BeastError: _refused, HTTPException: _http}
    )


def _refused(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400 if isinstance(error, UsageError) else 503)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)
