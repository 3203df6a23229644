"""A home's index as a retriever of LangChain (``pip install 'beast-assets[langchain]'``).

::

    retriever = BeastRetriever(k=5, search_kwargs={"extensions": ["md"]})
    documents = retriever.invoke("how is a file known to be unchanged?")
"""

import asyncio
from typing import Any

try:
    from langchain_core.callbacks import (
        AsyncCallbackManagerForRetrieverRun,
        CallbackManagerForRetrieverRun,
    )
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
    from pydantic import Field, PrivateAttr
except ImportError as error:
    raise ImportError(
        "LangChain is not installed: pip install 'beast-assets[langchain]'"
    ) from error

import beast_assets
from beast_assets.core.search import Hit, IndexHandle, SearchOptions


class BeastRetriever(BaseRetriever):
    """Passages of the index as documents; every call sees the version published by then.

    A document's ``id`` is the passage's name; its metadata are the other attributes of ``Hit``
    (``path``, ``line_start``, ``line_end``, ``place``, ``score``, ``stale`` …), and ``source``, as
    LangChain calls the path.

    Attributes:
        home: the index's folder; by default what ``beast`` itself uses.
        k: at most so many documents.
        search_kwargs: others of ``SearchOptions``, by name; ``invoke`` takes them, too.
    """

    home: str | None = None
    k: int = 10
    search_kwargs: dict[str, Any] = Field(default_factory=dict)
    _index: IndexHandle = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Open the home.

        Raises:
            NoIndexError: there is no index in it.
            UsageError: an option is not among those allowed.
        """
        SearchOptions(k=self.k, **self.search_kwargs)
        self._index = beast_assets.open(self.home)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        return self._find(query, options)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        return await asyncio.to_thread(self._find, query, options)

    def _find(self, query: str, options: dict[str, Any]) -> list[Document]:
        asked = {"k": self.k} | self.search_kwargs | options
        return [_document(hit) for hit in self._index.search(query, **asked)]


def _document(hit: Hit) -> Document:
    metadata = hit.to_dict()
    text = metadata.pop("text")
    return Document(id=hit.chunk_id, page_content=text, metadata={"source": hit.path, **metadata})
