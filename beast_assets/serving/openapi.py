"""The OpenAPI document, from the same tables that the server validates by."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from beast_assets import __version__
from beast_assets.core.search.hits import Hit, Passage
from beast_assets.serving.pages import NAMES
from beast_assets.serving.questions import DOC, MOST_VALUES, SEARCH, Parameter

Json = dict[str, Any]
_ERRORS = {
    400: "A parameter is unknown, missing or not allowed; the error says which.",
    401: "The server wants a token: `Authorization: Bearer TOKEN`.",
    403: "The request comes from another origin.",
    404: "There is no such thing.",
    405: "Only GET and HEAD.",
    414: "The URL is too long.",
    421: "The server was called by a name that is not its own.",
    500: "A fault of the server.",
    503: "There is no index yet, it is damaged, or too many questions wait already.",
}
_EVERYWHERE = (400, 401, 403, 405, 414, 421, 500)


def document() -> Json:
    """The whole document, OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "beast_assets",
            "version": __version__,
            "summary": "Search in folders of files, by meaning and by words.",
        },
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        # A server on loopback may do without.
        "security": [{}, {"token": []}],
    }


def _paths() -> Json:
    answer = {"$ref": "#/components/schemas/Answer"}
    passage = {"$ref": "#/components/schemas/Passage"}
    anything = {"type": "object"}
    return {
        "/api/search": _get("search", "Find passages.", answer, SEARCH, errors=(503,)),
        "/api/doc": _get("doc", "A passage by name.", passage, DOC, errors=(404, 503)),
        "/api/status": _get("status", "What the index holds.", anything, errors=(503,)),
        "/api/config": _get("config", "The settings, secrets masked.", anything),
        "/healthz": _health(),
        "/metrics": _get("metrics", "Figures for Prometheus.", None, media="text/plain"),
        "/openapi.json": _get("openapi", "This document.", anything),
        "/": _get("page", "The page to search from.", None, media="text/html"),
        "/static/{file}": _static(),
    }


def _get(
    name: str,
    summary: str,
    schema: Json | None,
    parameters: Iterable[Parameter] = (),
    *,
    errors: Iterable[int] = (),
    media: str = "application/json",
) -> Json:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    responses: Json = {
        "200": {"description": summary, "content": {media: {"schema": schema or {}}}}
    }
    for status in sorted({*errors, *_EVERYWHERE}):
        responses[str(status)] = {"description": _ERRORS[status], "content": dict(error)}
    # Of a URL so long that it is not even read.
    responses["400"]["content"]["text/plain"] = {"schema": {"type": "string"}}
    operation = {"operationId": name, "summary": summary, "responses": responses}
    return {"get": operation | {"parameters": [_parameter(each) for each in parameters]}}


def _parameter(parameter: Parameter) -> Json:
    schema: Json = dict(parameter.schema)
    if parameter.default is not None:
        schema["default"] = parameter.default
    if parameter.several:
        schema = {"type": "array", "items": schema, "maxItems": MOST_VALUES}
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.help,
        "schema": schema,
    }


def _health() -> Json:
    health = {"$ref": "#/components/schemas/Health"}
    found = _get("health", "Whether all is well; without the token, one word.", health)
    unwell = {"description": "It is not.", "content": {"application/json": {"schema": health}}}
    found["get"]["responses"]["503"] = unwell
    return found


def _static() -> Json:
    found = _get("static", "A file of the page.", None, media="*/*", errors=(404,))
    schema = {"type": "string", "enum": list(NAMES)}
    found["get"]["parameters"] = [
        {"name": "file", "in": "path", "required": True, "schema": schema}
    ]
    return found


# -- schemas -----------------------------------------------------------------------------------


def _schemas() -> Json:
    status = {"type": "string", "enum": ["healthy", "degraded", "unhealthy"]}
    hits = {"type": "array", "items": {"$ref": "#/components/schemas/Hit"}}
    answer: dict[str, Json] = {
        "query": {"type": "string"},
        "version": {"type": "string"},
        "took_ms": {"type": "number", "minimum": 0},
        "hits": hits,
    }
    return {
        "Answer": _object(answer),
        "Hit": _of_class(Hit),
        "Passage": _of_class(Passage),
        "Health": {"type": "object", "properties": {"status": status}, "required": ["status"]},
        "Error": _object({"error": {"type": "string"}}),
    }


def _of_class(kind: type) -> Json:
    return _object({name: _of_type(hint) for name, hint in get_type_hints(kind).items()})


def _object(properties: Mapping[str, Json]) -> Json:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _of_type(hint: Any) -> Json:
    if get_origin(hint) is dict:
        return {"type": "object", "additionalProperties": _of_type(get_args(hint)[1])}
    return {"type": _NAMES[hint]}
