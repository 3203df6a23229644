"""How much of what exact search finds an approximate one finds: measured, not assumed."""

from typing import TYPE_CHECKING, Any, NamedTuple

from beast_assets.core.index import ChunkIndex

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Recall is that of so many best rows.
HITS = 10
#: How many rows each search asks for; a hybrid one fuses that many, at least.
DEPTH = 50
_ROWS_AT_ONCE = 8_192
# Nearer than float16 can tell: a copy of the tenth row is as good as itself.
_SAME = 1e-4


class Probing(NamedTuple):
    """How hard an index is searched.

    Attributes:
        probes: how many of its partitions are looked through.
        refine: so many times the rows asked for are compared by their whole vectors.
    """

    probes: int
    refine: int


class Exam(NamedTuple):
    """Questions whose exact answers are known.

    Attributes:
        queries: float32, (n, dimension), unit length, float16 in precision.
        tenth: float32, (n,), the cosine of the tenth best row.
    """

    queries: "NDArray[np.float32]"
    tenth: "NDArray[np.float32]"

    def halves(self) -> tuple["Exam", "Exam"]:
        """Every second question, and the others."""
        return (
            Exam(self.queries[::2], self.tenth[::2]),
            Exam(self.queries[1::2], self.tenth[1::2]),
        )


def exam_of(
    index: ChunkIndex, count: int, more: "NDArray[np.float32] | None" = None, seed: int = 0
) -> Exam:
    """Make questions of rows, and answer them and others exactly.

    Args:
        index: with ten rows at least.
        count: so many questions are made; memory does not hang on the number of rows.
        more: questions of people, float32, (m, dimension), unit length.
        seed: the same rows and the same blur again.
    """
    import numpy as np

    queries = _blurred_rows(index, count, seed)
    if more is not None:
        queries = np.vstack([queries, more.astype(np.float16).astype(np.float32)])
        queries = np.random.default_rng(seed).permutation(queries)
    return Exam(queries, _tenth_best(index, queries))


def _blurred_rows(index: ChunkIndex, count: int, seed: int) -> "NDArray[np.float32]":
    import numpy as np

    random, rows = np.random.default_rng(seed), index.count()
    chosen = np.sort(random.choice(rows, min(count, rows), replace=False)).tolist()
    taken = index.table.take_offsets(chosen).select(["vector"]).to_arrow()["vector"]
    vectors = random.permutation(_matrix(taken.combine_chunks(), index.dimension))
    # A question lies beside what it asks for, not on it: at cosines from 1 down to 0.7.
    blur = random.random((len(vectors), 1)) * index.dimension**-0.5
    vectors = vectors + blur * random.standard_normal(vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rounded: NDArray[np.float32] = vectors.astype(np.float16).astype(np.float32)
    return rounded


def _tenth_best(index: ChunkIndex, queries: "NDArray[np.float32]") -> "NDArray[np.float32]":
    import numpy as np

    best = np.full((len(queries), HITS), -2, np.float32)
    for batch in index.table.search().select(["vector"]).to_batches(_ROWS_AT_ONCE):
        cosines = queries @ _matrix(batch["vector"], index.dimension).T
        best = np.partition(np.hstack([best, cosines]), -HITS, axis=1)[:, -HITS:]
    tenth: NDArray[np.float32] = best.min(axis=1)
    return tenth


def _matrix(column: Any, dimension: int) -> "NDArray[np.float32]":
    import numpy as np

    flat = column.flatten().to_numpy(zero_copy_only=False)
    matrix: NDArray[np.float32] = flat.reshape(-1, dimension).astype(np.float32)
    return matrix


def recall_of(index: ChunkIndex, exam: Exam, probing: Probing, enough: float = 0.0) -> float:
    """The share of the ten best rows that an index finds, over all questions.

    Args:
        index: with an index over its vectors.
        exam: what is asked.
        probing: how it is searched.
        enough: below this, how much below does not matter: it is given up early.
    """
    asked = len(exam.queries) * HITS
    missed = 0
    for query, tenth in zip(exam.queries, exam.tenth, strict=True):
        search = approximate(nearest(index.table, query), probing)
        found = search.select(["_distance"]).limit(DEPTH).to_arrow()["_distance"].to_numpy()
        missed += HITS - int((1 - found[:HITS] >= tenth - _SAME).sum())
        if 1 - missed / asked < enough:
            break
    return 1 - missed / asked


def nearest(table: Any, vector: Any) -> Any:
    """A search of a table by vector; what it finds carries ``_distance``, 1 - cosine."""
    return table.search(vector, vector_column_name="vector").distance_type("dot")


def approximate(search: Any, probing: Probing) -> Any:
    """The same search, through the index."""
    return search.nprobes(probing.probes).refine_factor(probing.refine)
