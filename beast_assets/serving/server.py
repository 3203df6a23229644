"""``beast serve``: the application behind uvicorn, until it is told to stop."""

from pathlib import Path

import uvicorn

from beast_assets.core.settings import Settings
from beast_assets.serving.http import build_app


def serve(settings: Settings, host: str, port: int, token_file: Path | None) -> None:
    """Serve until SIGINT or SIGTERM."""
    uvicorn.run(build_app(settings), host=host, port=port, access_log=False)
