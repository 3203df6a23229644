"""A home's index as a retriever of LlamaIndex (``pip install 'beast-assets[llamaindex]'``).

::

    engine = RetrieverQueryEngine.from_args(BeastRetriever(k=5, extensions=["md"]), llm=llm)
    answer = engine.query("how is a file known to be unchanged?")
"""

import asyncio
from os import PathLike
from typing import Any

try:
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
except ImportError as error:
    raise ImportError(
        "LlamaIndex is not installed: pip install 'beast-assets[llamaindex]'"
    ) from error

import beast_assets
from beast_assets.core.search import Hit, SearchOptions

# A model that answers is shown where a passage stands, and not what only programs can use.
_SHOWN = {"path", "line_start", "line_end", "place", "stale"}


class BeastRetriever(BaseRetriever):
    """Passages of the index as nodes; every call sees the version published by then.

    A node's ``node_id`` is the passage's name; its metadata are the attributes of ``Hit``.
    """

    def __init__(
        self, home: "str | PathLike[str] | None" = None, *, k: int = 10, **options: Any
    ) -> None:
        """Open a home.

        Args:
            home: the index's folder; by default what ``beast`` itself uses.
            k: at most so many nodes.
            **options: others of ``SearchOptions``, by name.

        Raises:
            NoIndexError: there is no index in it.
            UsageError: an option is not among those allowed.
        """
        super().__init__()
        SearchOptions(k=k, **options)
        self._asked = {"k": k} | options
        self._index = beast_assets.open(home)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._index.search(query_bundle.query_str, **self._asked)
        return [NodeWithScore(node=_node(hit), score=hit.score) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def _node(hit: Hit) -> TextNode:
    metadata = hit.to_dict()
    return TextNode(
        id_=hit.chunk_id,
        text=metadata.pop("text"),
        start_char_idx=hit.char_start,
        end_char_idx=hit.char_end,
        metadata=metadata,
        excluded_llm_metadata_keys=sorted(metadata.keys() - _SHOWN),
        excluded_embed_metadata_keys=sorted(metadata),
    )
