"""Vectors by the text they were made of, so that no text is given to a model twice.

A batch is committed as soon as the model returns it: after a kill only the batch in flight is
embedded again. Vectors are kept as float16, the precision of the index itself.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from beast_assets.core.database import engine_for, put_aside, slices, upsert
from beast_assets.core.errors import DatabaseDamagedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_log = logging.getLogger(__name__)
_metadata = sa.MetaData()

_models = sa.Table(
    "embedding_models",
    _metadata,
    sa.Column("model_id", sa.Integer, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False, unique=True),
)

_vectors = sa.Table(
    "embeddings",
    _metadata,
    sa.Column("model_id", sa.Integer, primary_key=True),
    sa.Column("text_sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


class EmbeddingCache:
    """The vectors of one model, in a database."""

    def __init__(self, url: str, fingerprint: str) -> None:
        self._engine = engine_for(url)
        self._fingerprint = fingerprint
        try:
            self._model_id = self._begin()
        except DatabaseDamagedError:
            self._start_anew()

    def _begin(self) -> int:
        _metadata.create_all(self._engine)
        return self._number(self._fingerprint)

    def _start_anew(self) -> None:
        """Put a damaged file aside: what it held can be computed again."""
        aside = put_aside(self._engine)
        _log.warning(
            "the cache of vectors was damaged: it lies in %s now, and texts are embedded again",
            aside,
        )
        self._model_id = self._begin()

    def _number(self, fingerprint: str) -> int:
        query = sa.select(_models.c.model_id).where(_models.c.fingerprint == fingerprint)
        with self._engine.begin() as connection:
            found = connection.scalar(query)
            if found is None:
                connection.execute(sa.insert(_models).values(fingerprint=fingerprint))
                found = connection.scalar(query)
        return int(found or 0)

    def get(self, keys: Sequence[str]) -> "dict[str, NDArray[np.float16]]":
        """The vectors that are there.

        Args:
            keys: SHA-256 of texts, hex.

        Returns:
            Key → float16 vector of the model's dimension; keys without one are left out.
        """
        try:
            return self._get(keys)
        except DatabaseDamagedError:
            self._start_anew()
            return {}

    def _get(self, keys: Sequence[str]) -> "dict[str, NDArray[np.float16]]":
        import numpy as np

        found: dict[str, NDArray[np.float16]] = {}
        with self._engine.connect() as connection:
            for part in slices(keys):
                query = sa.select(_vectors.c.text_sha256, _vectors.c.vector).where(
                    _vectors.c.model_id == self._model_id,
                    _vectors.c.text_sha256.in_([bytes.fromhex(key) for key in part]),
                )
                for key, vector in connection.execute(query):
                    found[key.hex()] = np.frombuffer(vector, dtype=np.float16)
        return found

    def put(self, vectors: "Mapping[str, NDArray[np.float16]]") -> None:
        """Keep vectors, by the SHA-256 (hex) of their texts."""
        rows: list[dict[str, Any]] = [
            {
                "model_id": self._model_id,
                "text_sha256": bytes.fromhex(key),
                "vector": vector.tobytes(),
            }
            for key, vector in vectors.items()
        ]
        try:
            self._put(rows)
        except DatabaseDamagedError:
            self._start_anew()
            self._put([row | {"model_id": self._model_id} for row in rows])

    def _put(self, rows: Sequence[Mapping[str, Any]]) -> None:
        with self._engine.begin() as connection:
            upsert(connection, _vectors, rows, update=("vector",))

    def count(self) -> int:
        """How many texts have a vector."""
        query = sa.select(sa.func.count()).where(_vectors.c.model_id == self._model_id)
        with self._engine.connect() as connection:
            return int(connection.scalar(query) or 0)
