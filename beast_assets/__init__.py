"""Keeps folders of files searchable by meaning, and never does the same work twice.

``core`` is the plain-Python engine (scan, hash, chunk, embed, index, search), ``defs`` presents
it as Dagster assets, ``serving`` answers over HTTP and to agents, ``integrations`` answers to
LangChain and LlamaIndex, and ``cli`` is the ``beast`` command. A program of your own begins with
``open``::

    with beast_assets.open() as index:
        for hit in index.search("how is a file known to be unchanged?", k=5):
            print(hit.path, hit.line_start, hit.text)
"""

from os import PathLike
from typing import TYPE_CHECKING, Any

from beast_assets.core.errors import BeastError

if TYPE_CHECKING:
    from beast_assets.core.search import IndexHandle

__all__ = ["BeastError", "__version__", "open"]
__version__ = "0.1.0"


def open(home: "str | PathLike[str] | None" = None, **settings: Any) -> "IndexHandle":
    """Open a home's index for questions; every call of it sees the version published by then.

    Args:
        home: its folder; by default what ``BEAST_HOME`` and the configuration say.
        **settings: others of ``beast config``, by name, such as ``model``.

    Raises:
        NoIndexError: there is no index in the home; as all our errors, a ``BeastError``.
        UsageError: a setting is wrong.
    """
    from beast_assets.core.search import IndexHandle
    from beast_assets.core.settings import load_settings

    return IndexHandle(load_settings({"home": home, **settings}))
