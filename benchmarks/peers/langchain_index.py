"""LangChain: ``index()`` with the SQL record manager, as its how-to on indexing shows.

The store is a thin one over LanceDB, with nothing in it that could slow the indexing down.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from common import (
    CHUNK_CHARS,
    CHUNK_OVERLAP,
    Task,
    files,
    load_model,
    main,
    open_table,
    quoted,
)
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore


class Model(Embeddings):
    """sentence-transformers as LangChain asks for it, loaded when it is needed."""

    def __init__(self) -> None:
        self._model: Any = None

    def embed_documents(self, texts: list[str]) -> list[Any]:
        """Vectors of texts."""
        self._model = self._model or load_model()
        vectors = self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        return list(vectors)

    def embed_query(self, text: str) -> Any:
        """The vector of one text."""
        return self.embed_documents([text])[0]


class LanceStore(VectorStore):
    """The least that ``index()`` asks of a store."""

    def __init__(self, uri: str) -> None:
        self._table = open_table(uri)
        self._model = Model()

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str] | None = None,
        **options: Any,
    ) -> list[str]:
        """Embed and append; rows of the same names make way."""
        words, names = list(texts), list(ids or [])
        paths = [metadata["source"] for metadata in metadatas or []]
        self.delete(names)
        vectors = self._model.embed_documents(words)
        columns = zip(names, paths, words, vectors, strict=True)
        keys = ("id", "path", "text", "vector")
        self._table.add([dict(zip(keys, row, strict=True)) for row in columns])
        return names

    def delete(self, ids: Sequence[str] | None = None, **options: Any) -> bool:
        """Delete by name."""
        if ids:
            self._table.delete(f"id IN ({quoted(ids)})")
        return True

    def similarity_search(self, query: str, k: int = 4, **options: Any) -> list[Document]:
        """Not asked for here."""
        raise NotImplementedError

    @classmethod
    def from_texts(cls, *words: Any, **options: Any) -> "LanceStore":
        """Not asked for here."""
        raise NotImplementedError


def update(task: Task) -> None:
    """Load and cut everything; LangChain finds out what is new by hashing the chunks."""
    from langchain_classic.indexes import SQLRecordManager
    from langchain_core.indexing import index
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    records = SQLRecordManager("bench", db_url=f"sqlite:///{Path(task.state) / 'records.sqlite'}")
    records.create_schema()
    documents = [
        Document(page_content=text, metadata={"source": path}) for path, text in files(task.folder)
    ]
    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK_CHARS, chunk_overlap=CHUNK_OVERLAP)
    index(
        splitter.split_documents(documents),
        records,
        LanceStore(task.uri),
        cleanup="full",
        source_id_key="source",
        key_encoder="sha256",
    )


if __name__ == "__main__":
    main(update)
