"""How much of a folder's text lies in vectors: the same count for everybody's table.

A model reads the first tokens of a chunk and drops the rest without a word. A character counts as
covered if some chunk has it among the tokens that are read. Blank characters do not count.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_assets.core.embedding.built_in import BUILT_IN
from beast_assets.core.embedding.model_files import resolve

_SPECIAL_TOKENS = 2


@dataclass(frozen=True)
class Coverage:
    """What the vectors of a table hold.

    Attributes:
        characters: not blank, in all texts.
        covered: of these, so many are in a vector.
        tokens: that the model read, special ones left out.
        chunks: rows.
    """

    characters: int
    covered: int
    tokens: int
    chunks: int

    @property
    def percent(self) -> float:
        """Share of the characters that are covered."""
        return 100 * self.covered / max(1, self.characters)


def coverage(folder: Path, chunks: Sequence[tuple[str, str]]) -> Coverage:
    """Measure a table.

    Args:
        folder: the texts.
        chunks: relative path and text of each row.
    """
    tokenizer, limit = _tokenizer()
    by_path: dict[str, list[str]] = defaultdict(list)
    for path, text in chunks:
        by_path[path].append(text)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    characters = covered = tokens = 0
    for file in files:
        text = file.read_bytes().decode()
        marks = bytearray(len(text))
        for chunk in by_path[file.relative_to(folder).as_posix()]:
            read, count = _read(tokenizer, chunk, limit)
            tokens += count
            _mark(marks, text, chunk, read)
        solid = [not character.isspace() for character in text]
        characters += sum(solid)
        covered += sum(1 for mark, counts in zip(marks, solid, strict=True) if mark and counts)
    return Coverage(characters, covered, tokens, len(chunks))


def _read(tokenizer: Any, chunk: str, limit: int) -> tuple[int, int]:
    """How many characters of a chunk the model reads, and how many tokens these are."""
    offsets: list[tuple[int, int]] = tokenizer.encode(chunk, add_special_tokens=False).offsets
    if len(offsets) <= limit:
        return len(chunk), len(offsets)
    return offsets[limit - 1][1], limit


def _mark(marks: bytearray, text: str, chunk: str, read: int) -> None:
    # Rows come in no order, and a chunk may stand in a text more than once: any place will do
    # for the first, and the same text again is covered just as well.
    start = text.find(chunk)
    while start >= 0:
        marks[start : start + read] = b"\x01" * read
        start = text.find(chunk, start + max(1, len(chunk)))


def _tokenizer() -> tuple[Any, int]:
    from tokenizers import Tokenizer

    model = resolve(BUILT_IN)
    tokenizer = Tokenizer.from_file(str(model.tokenizer_file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, model.max_seq_length - _SPECIAL_TOKENS


def table_chunks(uri: str, table: str, version: int | None = None) -> list[tuple[str, str]]:
    """Path and text of every row of a LanceDB table."""
    import lancedb

    opened = lancedb.connect(uri).open_table(table)
    if version is not None:
        opened.checkout(version)
    columns: Mapping[str, Any] = opened.search().select(["path", "text"]).to_arrow().to_pydict()
    paths = [path.decode() if isinstance(path, bytes) else path for path in columns["path"]]
    return list(zip(paths, columns["text"], strict=True))
