"""The loop that everybody writes first: read whole, cut 1200/200, embed all of it, every time."""

from common import CHUNK_CHARS, CHUNK_OVERLAP, Task, files, load_model, main, open_table


def update(task: Task) -> None:
    """Embed every file and append its rows."""
    model = load_model()
    table = open_table(task.uri)
    for path, text in files(task.folder):
        step = CHUNK_CHARS - CHUNK_OVERLAP
        starts = range(0, max(1, len(text) - CHUNK_OVERLAP), step)
        chunks = [text[start : start + CHUNK_CHARS] for start in starts]
        vectors = model.encode(chunks, normalize_embeddings=True, show_progress_bar=False)
        table.add(
            [
                {"id": f"{path}:{number}", "path": path, "text": chunk, "vector": vector}
                for number, (chunk, vector) in enumerate(zip(chunks, vectors, strict=True))
            ]
        )


if __name__ == "__main__":
    main(update)
