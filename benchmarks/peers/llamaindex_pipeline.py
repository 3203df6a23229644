"""LlamaIndex: the ingestion pipeline with a document store and upserts, as its guide shows."""

from collections.abc import Sequence
from typing import Any

from common import (
    CHUNK_CHARS,
    CHUNK_OVERLAP,
    SUFFIXES,
    Task,
    load_model,
    main,
    open_table,
    quoted,
)
from llama_index.core import SimpleDirectoryReader
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import LangchainNodeParser
from llama_index.core.schema import BaseNode
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    VectorStoreQuery,
    VectorStoreQueryResult,
)


class Model(BaseEmbedding):
    """sentence-transformers as LlamaIndex asks for it, loaded when it is needed."""

    _model: Any = PrivateAttr(default=None)

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        self._model = self._model or load_model()
        vectors = self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        found: list[list[float]] = vectors.tolist()
        return found

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


class LanceStore(BasePydanticVectorStore):
    """The least that the pipeline asks of a store."""

    stores_text: bool = True
    _table: Any = PrivateAttr(default=None)
    _folder: str = PrivateAttr(default="")

    @classmethod
    def over(cls, task: Task) -> "LanceStore":
        """Open the table."""
        store = cls(stores_text=True)
        store._table = open_table(task.uri)
        store._folder = str(task.folder)
        return store

    @property
    def client(self) -> Any:
        """The table."""
        return self._table

    def add(self, nodes: Sequence[BaseNode], **options: Any) -> list[str]:
        """Append rows."""
        rows = [
            {
                "id": node.ref_doc_id,
                "path": node.metadata["file_path"].removeprefix(self._folder).lstrip("/"),
                "text": node.get_content(),
                "vector": node.get_embedding(),
            }
            for node in nodes
        ]
        if rows:
            self._table.add(rows)
        return [node.node_id for node in nodes]

    def delete(self, ref_doc_id: str, **options: Any) -> None:
        """Delete a document's rows."""
        self._table.delete(f"id IN ({quoted([ref_doc_id])})")

    def query(self, query: VectorStoreQuery, **options: Any) -> VectorStoreQueryResult:
        """Not asked for here."""
        raise NotImplementedError


def update(task: Task) -> None:
    """Load everything; the pipeline finds out by hashing the documents which are new."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    reader = SimpleDirectoryReader(
        str(task.folder), recursive=True, required_exts=list(SUFFIXES), filename_as_id=True
    )
    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK_CHARS, chunk_overlap=CHUNK_OVERLAP)
    pipeline = IngestionPipeline(
        transformations=[LangchainNodeParser(splitter), Model(embed_batch_size=32)],
        docstore=SimpleDocumentStore(),
        vector_store=LanceStore.over(task),
        docstore_strategy=DocstoreStrategy.UPSERTS_AND_DELETE,
    )
    kept = task.state / "pipeline"
    if kept.is_dir():
        pipeline.load(str(kept))
    pipeline.run(documents=reader.load_data())
    pipeline.persist(str(kept))


if __name__ == "__main__":
    main(update)
