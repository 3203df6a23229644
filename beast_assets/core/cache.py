"""Vectors by the text they were made of, so that no text is given to a model twice.

A batch is committed as soon as the model returns it: after a kill only the batch in flight is
embedded again. Vectors are kept as float16, the precision of the index itself.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from beast_assets.core.database import engine_for, parse_url, put_aside, scrub, slices, upsert
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

# Texts that no published row had at the last look, and since which look.
_unused = sa.Table(
    "unused_texts",
    _metadata,
    sa.Column("text_sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("since_ns", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Of one connection, and gone with it.
_live = sa.Table(
    "live_texts",
    sa.MetaData(),
    sa.Column("text_sha256", sa.LargeBinary(32), primary_key=True),
    prefixes=["TEMPORARY"],
    sqlite_with_rowid=False,
)


def _open(url: str) -> sa.Engine:
    engine = engine_for(url)
    try:
        _metadata.create_all(engine)
    except DatabaseDamagedError:
        start_anew(engine)
    return engine


def scrub_cache(url: str) -> None:
    """Write the cache anew, as ``scrub`` does; a damaged one is put aside.

    Raises:
        BeastError: another process reads it and does not end.
    """
    try:
        scrub(url)
    except DatabaseDamagedError:
        start_anew(engine_for(url))


def start_anew(engine: sa.Engine) -> None:
    """Put a damaged file aside: what it held can be computed again."""
    aside = put_aside(engine)
    _log.warning(
        "the cache of vectors was damaged: it lies in %s now, and texts are embedded again", aside
    )
    _metadata.create_all(engine)


def drop_unused(url: str, live: Iterable[Sequence[str]], grace: timedelta) -> int:
    """Remove the vectors, of whatever model, of texts that have been unused for a while.

    Args:
        url: of the cache; the writer lock is held.
        live: SHA-256 (hex) of the texts of all published rows, a batch at a time; may repeat.
        grace: vectors are kept for this long after the first look that found their text unused.

    Returns:
        How many vectors were removed.
    """
    engine = _open(url)
    try:
        return _drop_unused(engine, live, grace)
    except DatabaseDamagedError:
        start_anew(engine)
        return 0


def _drop_unused(engine: sa.Engine, live: Iterable[Sequence[str]], grace: timedelta) -> int:
    now = time.time_ns()
    due = _unused.c.since_ns <= now - int(grace.total_seconds() * 1e9)
    with engine.begin() as connection:
        _live.create(connection)
        for batch in live:
            rows = [{"text_sha256": bytes.fromhex(key)} for key in set(batch)]
            upsert(connection, _live, rows, update=())
        used, known = sa.select(_live.c.text_sha256), sa.select(_unused.c.text_sha256)
        connection.execute(sa.delete(_unused).where(_unused.c.text_sha256.in_(used)))
        text = _vectors.c.text_sha256
        found = sa.select(text, sa.literal(now)).distinct()
        found = found.where(text.not_in(used), text.not_in(known))
        connection.execute(sa.insert(_unused).from_select(["text_sha256", "since_ns"], found))
        gone = sa.select(_unused.c.text_sha256).where(due)
        removed = connection.execute(sa.delete(_vectors).where(text.in_(gone))).rowcount
        connection.execute(sa.delete(_unused).where(due))
        _live.drop(connection)
    return removed


class EmbeddingCache:
    """The vectors of one model, in a database."""

    def __init__(self, url: str, fingerprint: str) -> None:
        self._engine = _open(url)
        self._fingerprint = fingerprint
        try:
            self._model_id = self._number(fingerprint)
        except DatabaseDamagedError:
            start_anew(self._engine)
            self._model_id = self._number(fingerprint)

    @classmethod
    def open_existing(cls, url: str, fingerprint: str) -> "EmbeddingCache | None":
        """Open it for reading; None where no vector of this model was ever kept."""
        parsed = parse_url(url)
        if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
            return None
        cache = cls.__new__(cls)
        cache._engine = engine_for(url)
        cache._fingerprint = fingerprint
        if not sa.inspect(cache._engine).has_table(_models.name):
            return None
        query = sa.select(_models.c.model_id).where(_models.c.fingerprint == fingerprint)
        with cache._engine.connect() as connection:
            found = connection.scalar(query)
        cache._model_id = int(found or 0)
        return cache if found is not None else None

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
            start_anew(self._engine)
            self._model_id = self._number(self._fingerprint)
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

    def missing(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that have no vector."""
        found: set[str] = set()
        with self._engine.connect() as connection:
            for part in slices(keys):
                query = sa.select(_vectors.c.text_sha256).where(
                    _vectors.c.model_id == self._model_id,
                    _vectors.c.text_sha256.in_([bytes.fromhex(key) for key in part]),
                )
                found.update(key.hex() for key in connection.scalars(query))
        return set(keys) - found

    def drop(self, keys: Sequence[str]) -> None:
        """Forget the vectors of these texts."""
        with self._engine.begin() as connection:
            for part in slices(keys):
                connection.execute(
                    sa.delete(_vectors).where(
                        _vectors.c.model_id == self._model_id,
                        _vectors.c.text_sha256.in_([bytes.fromhex(key) for key in part]),
                    )
                )

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
            start_anew(self._engine)
            self._model_id = self._number(self._fingerprint)
            self._put([row | {"model_id": self._model_id} for row in rows])

    def _put(self, rows: Sequence[Mapping[str, Any]]) -> None:
        with self._engine.begin() as connection:
            upsert(connection, _vectors, rows, update=("vector",))

    def count(self) -> int:
        """How many texts have a vector."""
        query = sa.select(sa.func.count()).where(_vectors.c.model_id == self._model_id)
        with self._engine.connect() as connection:
            return int(connection.scalar(query) or 0)
