"""``beast serve``: the application behind uvicorn, until it is told to stop."""

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from beast_assets.core.errors import UsageError
from beast_assets.core.settings import Settings
from beast_assets.serving.http import Health, build_app
from beast_assets.serving.questions import LONGEST_QUERY_STRING
from beast_assets.serving.security import is_loopback

_GRACE_S = 10
_SHORTEST_TOKEN = 16
_MOST_CONNECTIONS = 1_000
# Longer than proxies and clients keep theirs, which would otherwise meet one that was just closed.
_KEEP_ALIVE_S = 75
_MORE_THAN_A_URL = 64 * 2**10

Started = Callable[[str], None]


def serve(
    settings: Settings,
    host: str,
    port: int,
    token_file: Path | None = None,
    *,
    started: Started,
    health: Health | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; what was asked by then is still answered.

    Args:
        settings: whose home.
        host: address to listen on.
        port: its port; 0 for a free one.
        token_file: holds the token that callers have to know.
        started: is given the URL when questions can be asked.
        health: see ``build_app``.

    Raises:
        UsageError: the address cannot be had, others could reach it and there is no token, or the
            token is none.
    """
    token = read_token(settings, token_file)
    with bound_socket(host, port) as listening:
        address, bound = listening.getsockname()[:2]
        if not token and not is_loopback(address):
            raise UsageError(
                f"others could reach {host}: set BEAST_SERVE_TOKEN or give --token-file, "
                "or stay on 127.0.0.1"
            )
        app = build_app(settings, token=token, health=health, host=host, port=bound)
        name = f"[{host}]" if ":" in host else host
        _run(Server(app, lambda: started(f"http://{name}:{bound}")), listening)


class Server(uvicorn.Server):
    """Uvicorn, within limits, that says when it can be asked."""

    def __init__(self, app: ASGIApp, ready: Callable[[], None]) -> None:
        """Wrap an application; ``ready`` is called when connections are accepted."""
        super().__init__(_config(app))
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def read_token(settings: Settings, file: Path | None) -> str:
    """The token that callers have to know; empty for none.

    Raises:
        UsageError: the file cannot be read, or what is in it cannot be sent or is easily guessed.
    """
    try:
        token = settings.serve_token if file is None else file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the token's file {file} cannot be read: {error}") from error
    wanted = f"at least {_SHORTEST_TOKEN} letters and digits, as `openssl rand -hex 32` gives"
    if file is None and not token:
        return ""
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise UsageError(f"the token is too short or has other characters: take {wanted}")
    if " " in token:
        raise UsageError(f"the token has a space in it: take {wanted}")
    return token


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket that has the address and does not listen yet.

    Raises:
        UsageError: the address cannot be had.
    """
    found = None
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Without the protocol, asyncio does not set TCP_NODELAY: each answer would take 40 ms.
        found = socket.socket(family, kind, proto)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except (OSError, UnicodeError) as error:
        if found is not None:
            found.close()
        raise UsageError(
            f"{host} port {port} cannot be had ({error}): is `beast serve` running already? "
            "Choose another with --port"
        ) from error
    return found


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",  # the one that bounds what it reads of a request
        ws="none",
        h11_max_incomplete_event_size=LONGEST_QUERY_STRING + _MORE_THAN_A_URL,
        log_config=None,
        access_log=False,  # it would hold every question
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )


def _run(server: uvicorn.Server, listening: socket.socket) -> None:
    def told(_number: int, _frame: FrameType | None) -> None:
        """Uvicorn stops by itself and raises the signal again: that is no reason to die of it."""

    previous = {name: signal.signal(name, told) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[listening])
    finally:
        for name, handler in previous.items():
            signal.signal(name, handler)
