"""What a search gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Passage:
    r"""A passage of a file as it stands in the index.

    Attributes:
        chunk_id: its name in the index.
        path: absolute; bytes that are not UTF-8 are shown as ``\\xNN``.
        text: the passage, ``char_start:char_end`` of the file's text, with the neighbours that
            were asked for.
        line_start: first line, from 1, in its place; ``line_end`` is the last one.
        place: the page, slide, sheet or cell, such as ``page 3``; empty for plain text.
        content_sha256: of the file that was indexed.
        stale: whether the file on disk is no longer that one.
    """

    chunk_id: str
    path: str
    text: str
    char_start: int
    char_end: int
    line_start: int
    line_end: int
    place: str
    content_sha256: str
    stale: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return dict(vars(self))


@dataclass(frozen=True, kw_only=True)
class Hit(Passage):
    """A passage that answers.

    Attributes:
        score: what the hits are ordered by; higher is better.
        scores: its parts: ``vector`` (cosine), ``text`` (BM25, of words and phrases) and their
            ``vector_rank`` and ``text_rank`` from 1, where the passage was among the candidates;
            ``rerank``.
        copies: how many passages that say nearly the same were left out.
    """

    score: float
    scores: dict[str, float]
    copies: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; ``dataclasses.asdict`` would take ten times as long."""
        return {**vars(self), "scores": dict(self.scores)}


@dataclass(frozen=True, repr=False)
class Hits(Sequence[Hit]):
    """An answer: hits, best first.

    Attributes:
        hits: themselves.
        version: of the index that was asked, one word; all hits are of it.
    """

    hits: tuple[Hit, ...]
    version: str = field(default="")

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Hit]: ...
    def __getitem__(self, index: int | slice) -> Hit | Sequence[Hit]:
        return self.hits[index]

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __repr__(self) -> str:
        from beast_assets.core.search.words import hits_text

        return hits_text(self)

    def _repr_html_(self) -> str:
        from beast_assets.core.search.words import hits_html

        return hits_html(self)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Plain data for JSON, a dict a hit."""
        return [hit.to_dict() for hit in self.hits]

    def to_pandas(self) -> "pd.DataFrame":
        """A row a hit, a column an attribute; the parts of the score are columns ``score_…``."""
        import pandas as pd

        rows = []
        for hit in self.hits:
            row = hit.to_dict()
            parts: dict[str, float] = row.pop("scores")
            rows.append(row | {f"score_{name}": value for name, value in parts.items()})
        names = [name for name in Hit.__dataclass_fields__ if name != "scores"]
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=names)
