"""The embedder of the last run, kept where runs follow each other in one process."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

from . import load_embedder
from .protocol import Embedder

_Key: TypeAlias = tuple[str, int, str, str]

# A loaded model takes 200 MB: a command that ends after one run keeps none.
_kept: ContextVar[dict[_Key, Embedder] | None] = ContextVar("beast_kept_embedder", default=None)


@contextmanager
def keeping_embedder() -> Iterator[None]:
    """Have the runs meanwhile share a loaded model, as long as it is the same one."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def run_embedder(setting: str, *, threads: int, backend: str) -> Embedder:
    """The embedder of a run: ``load_embedder``, or the one kept from the run before.

    Raises:
        ModelError: as ``load_embedder``.
    """
    fresh = load_embedder(setting, threads=threads, backend=backend)
    kept = _kept.get()
    if kept is None:
        return fresh
    key = (setting, threads, backend, fresh.fingerprint)  # files of a model may be replaced
    if key not in kept:
        kept.clear()
        kept[key] = fresh
    return kept[key]
