"""How far a run has come, told to whoever listens in this context.

A context variable, because Dagster stands between the command that draws the bar and the code
that does the work, and only plain data passes through it.
"""

from collections.abc import Callable
from contextvars import ContextVar

Listener = Callable[[str, int, int], None]

listener: ContextVar[Listener | None] = ContextVar("beast_progress", default=None)


def tell(stage: str, done: int, total: int) -> None:
    """Say that ``done`` of ``total`` files are through ``stage``."""
    listen = listener.get()
    if listen is not None:
        listen(stage, done, total)
