"""The page's files: a fixed list of names, so that no path is ever made of what somebody asks."""

from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.responses import Response

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
#: Every file that may be asked for.
NAMES = (
    *("index.html", "page.css", "page.js", "api.js", "copying.js", "filters.js", "hits.js"),
    *(
        "instead.js",
        "keys.js",
        "list.js",
        "panel.js",
        "places.js",
        "query.js",
        "status.js",
        "text.js",
    ),
)


def page_file(name: str) -> Response:
    """A file of the page.

    Raises:
        HTTPException: 404, there is none of that name.
    """
    found = files("beast_assets.serving") / "page" / name if name in NAMES else None
    if found is None or not found.is_file():
        raise HTTPException(404, f"no such file: one of {', '.join(NAMES)}")
    kind = _TYPES[name.rpartition(".")[2]]
    return Response(found.read_bytes(), media_type=f"{kind}; charset=utf-8")
