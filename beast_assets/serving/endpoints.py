"""What each route answers."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from beast_assets.serving import metrics
from beast_assets.serving.lanes import Lanes
from beast_assets.serving.openapi import document
from beast_assets.serving.pages import page_file
from beast_assets.serving.questions import DOC, SEARCH, Values, read_parameters, search_options
from beast_assets.serving.security import Access
from beast_assets.serving.service import Service, as_json

Endpoint = Callable[[Request], Awaitable[Response]]


def json_response(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer in JSON; bytes are JSON already."""
    body = data if isinstance(data, bytes) else as_json(data)
    return Response(body, status, headers, media_type="application/json")


class Endpoints:
    """The routes' answers, by route."""

    def __init__(
        self, service: Service, figures: metrics.Figures, lanes: Lanes, access: Access
    ) -> None:
        self._service = service
        self._figures = figures
        self._lanes = lanes
        self._access = access
        self.routes: dict[str, Endpoint] = {
            "/api/search": self._search,
            "/api/doc": self._doc,
            "/api/status": self._status,
            "/api/config": self._config,
            "/healthz": self._health,
            "/metrics": self._metrics,
            "/openapi.json": self._openapi,
            "/": self._page,
            "/static/{file}": self._page,
        }

    async def _search(self, request: Request) -> Response:
        values = _values(request, SEARCH)
        return json_response(await self._service.search(values["q"], search_options(values)))

    async def _doc(self, request: Request) -> Response:
        values = _values(request, DOC)
        found = await self._service.passage(values["id"], values.get("context", 0))
        if found is None:
            raise HTTPException(404, "no such passage in the index: search again")
        return json_response(found.to_dict())

    async def _status(self, request: Request) -> Response:
        _values(request)
        return json_response(await self._service.status())

    async def _config(self, request: Request) -> Response:
        _values(request)
        return json_response(self._service.config())

    async def _health(self, request: Request) -> Response:
        report = await self._service.health()
        code = 503 if report["status"] == "unhealthy" else 200
        told = report if self._access.lets_in(request.headers) else {"status": report["status"]}
        return json_response(told, code)

    async def _metrics(self, _: Request) -> Response:
        text = await self._lanes.watch(self._figures.text)
        return Response(text, headers={"content-type": metrics.CONTENT_TYPE})

    async def _openapi(self, _: Request) -> Response:
        return json_response(json.dumps(document(), indent=1).encode())

    async def _page(self, request: Request) -> Response:
        return page_file(request.path_params.get("file", "index.html"))


def _values(request: Request, table: Any = ()) -> Values:
    return read_parameters(request.scope["query_string"], table)
