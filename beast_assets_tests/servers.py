"""A real server in a thread of the test's process, on a free port."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from beast_assets.core.settings import Settings
from beast_assets.serving.http import build_app
from beast_assets.serving.server import Server, bound_socket


@contextmanager
def serving(settings: Settings, **options: Any) -> Iterator[httpx.Client]:
    """Serve, and give a client of it; ``options`` are those of ``build_app``."""
    ready = threading.Event()
    with bound_socket("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        server = Server(build_app(settings, port=port, **options), ready.set)
        thread = threading.Thread(target=lambda: server.run(sockets=[listening]))
        thread.start()
        try:
            assert ready.wait(10)
            yield from _client(f"http://127.0.0.1:{port}")
        finally:
            server.should_exit = True
            thread.join()


def _client(url: str) -> Iterator[httpx.Client]:
    limits = httpx.Limits(max_connections=300, max_keepalive_connections=300)
    with httpx.Client(base_url=url, trust_env=False, limits=limits, timeout=30) as client:
        yield client
