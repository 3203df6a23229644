"""CocoIndex: its own example of text embedding into LanceDB, with our sizes and our model."""

import os
import pathlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

os.environ["COCOINDEX_DISABLE_USAGE_TRACKING"] = "1"  # nothing leaves the machine

import cocoindex as coco  # noqa: E402
from cocoindex.connectors import lancedb, localfs  # noqa: E402
from cocoindex.ops.sentence_transformers import SentenceTransformerEmbedder  # noqa: E402
from cocoindex.ops.text import RecursiveSplitter  # noqa: E402
from cocoindex.resources.chunk import Chunk  # noqa: E402
from cocoindex.resources.file import FileLike, PatternFilePathMatcher  # noqa: E402
from cocoindex.resources.id import IdGenerator  # noqa: E402
from common import (  # noqa: E402
    CHUNK_CHARS,
    CHUNK_OVERLAP,
    SUFFIXES,
    TABLE,
    Task,
    main,
    model_folder,
)
from numpy.typing import NDArray  # noqa: E402

DATABASE = coco.ContextKey[Any]("database")
EMBEDDER = coco.ContextKey[SentenceTransformerEmbedder]("embedder")
LANGUAGES = {".py": "python", ".rst": "markdown"}

_splitter = RecursiveSplitter()


@dataclass
class Row:
    """A row of the table."""

    id: int
    path: str
    text: str
    vector: Annotated[NDArray[Any], EMBEDDER]


@coco.lifespan
async def lifespan(builder: coco.EnvironmentBuilder) -> AsyncIterator[None]:
    """Give the app its state, its table and its model."""
    state = pathlib.Path(os.environ["BENCH_STATE"])
    builder.settings.db_path = state / "cocoindex.db"
    builder.provide(DATABASE, await lancedb.connect_async(str(state / "lance")))
    builder.provide(EMBEDDER, SentenceTransformerEmbedder(model_folder()))
    yield


@coco.fn
async def process_chunk(chunk: Chunk, path: str, ids: IdGenerator, table: Any) -> None:
    """Declare the row of a chunk."""
    vector = await coco.use_context(EMBEDDER).embed(chunk.text)
    name = await ids.next_id(chunk.text)
    table.declare_row(row=Row(id=name, path=path, text=chunk.text, vector=vector))


@coco.fn(memo=True)
async def process_file(file: FileLike[pathlib.Path], folder: pathlib.Path, table: Any) -> None:
    """Cut a file and declare its rows."""
    path = file.file_path.path.relative_to(folder)
    chunks = _splitter.split(
        await file.read_text(),
        chunk_size=CHUNK_CHARS,
        chunk_overlap=CHUNK_OVERLAP,
        language=LANGUAGES[path.suffix],
    )
    await coco.map(process_chunk, chunks, path.as_posix(), IdGenerator(), table)


@coco.fn
async def app_main(folder: pathlib.Path) -> None:
    """Mount every file."""
    table = await lancedb.mount_table_target(
        DATABASE,
        table_name=TABLE,
        table_schema=await lancedb.TableSchema.from_class(Row, primary_key=["id"]),
    )
    patterns = [f"**/*{suffix}" for suffix in SUFFIXES]
    matcher = PatternFilePathMatcher(included_patterns=patterns)
    files = localfs.walk_dir(folder, recursive=True, path_matcher=matcher)
    await coco.mount_each(process_file, files.items(), folder, table)


def update(task: Task) -> None:
    """Bring the table up to date."""
    os.environ["BENCH_STATE"] = str(task.state)
    app = coco.App(coco.AppConfig(name="bench"), app_main, folder=task.folder)
    app.update_blocking()


if __name__ == "__main__":
    main(update)
