"""Who may ask: the wall that every request meets before any route does.

A server on loopback is reached by every page that a browser on this machine shows. So the name that
was called must be ours (a stranger's name may lead here: DNS rebinding), no other origin is
answered, and nothing that is answered may be embedded, framed or sniffed.
"""

import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beast_assets.serving.questions import LONGEST_QUERY_STRING

METHODS = ("GET", "HEAD")
#: What holds nothing of the user's: a page has to be there before it can ask for a token.
OPEN_PATHS = ("/", "/static/", "/openapi.json", "/healthz")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
_RAW_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        names: under which the server may be called, each ``name`` or ``name:port``.
        token: that callers have to know; empty for none. Kept out of the repr.
    """

    names: frozenset[str]
    token: str = field(default="", repr=False)

    @classmethod
    def of(
        cls, host: str, port: int | None, others: Iterable[str] = (), token: str = ""
    ) -> "Access":
        """For a server that listens there.

        Args:
            host: the address.
            port: its port; None if any will do.
            others: further names, as in ``BEAST_SERVE_HOSTS``.
            token: see above.
        """
        own = {*_LOOPBACK, f"[{host}]" if ":" in host else host}
        named = own if port is None else {f"{name}:{port}" for name in own}
        if port in (80, 443):
            named |= own
        return cls(frozenset([*named, *others]), token)

    def answers_to(self, host: str) -> bool:
        """Whether a Host header calls us by one of our names."""
        host = host.lower()
        return host in self.names or _without_port(host) in self.names

    def lets_in(self, headers: Headers) -> bool:
        """Whether a request carries the token, or needs none; in constant time."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), self.token.encode())
        return not self.token or (same and scheme.lower() == "bearer")


def is_loopback(address: str) -> bool:
    """Whether nobody outside this machine reaches a server that is bound to this address."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


class Wall:
    """Refuses what must not be answered, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_RAW_HEADERS]
            await send(message)

        refusal = refuse(self._access, scope)
        await (refusal or self._app)(scope, receive, guarded)


def refuse(access: Access, scope: Scope) -> Response | None:
    """Why a request is not answered; None if it is."""
    headers = Headers(scope=scope)
    if foreign := _foreign(access, scope, headers):
        return foreign
    if scope["method"] not in METHODS:
        return _error(405, "only GET and HEAD: nothing can be changed here", allow="GET, HEAD")
    if len(scope["query_string"]) > LONGEST_QUERY_STRING:
        return _error(414, f"the query string is longer than {LONGEST_QUERY_STRING:,} bytes")
    path = scope["path"]
    is_open = path in OPEN_PATHS or path.startswith("/static/")
    if not is_open and not access.lets_in(headers):
        said = "a token is needed: send it as `Authorization: Bearer TOKEN`"
        return _error(401, said, **{"www-authenticate": "Bearer"})
    return None


def _foreign(access: Access, scope: Scope, headers: Headers) -> Response | None:
    host = headers.get("host", "")
    if not access.answers_to(host):
        return _error(
            421, f"this server does not answer to {host[:100]!r}: add that to BEAST_SERVE_HOSTS"
        )
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in _origins(host):
        return _error(403, "only pages of this server may ask it: the Origin is another")
    site = headers.get("sec-fetch-site", "none")
    if site not in ("none", "same-origin") and headers.get("sec-fetch-mode") != "navigate":
        return _error(403, "only pages of this server may ask it: the request is of another site")
    return None


def _origins(host: str) -> tuple[str, str]:
    # One port speaks one of the two; behind a proxy we do not know which.
    return f"http://{host.lower()}", f"https://{host.lower()}"


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _error(status: int, said: str, **headers: str) -> Response:
    return JSONResponse({"error": said}, status, headers)
