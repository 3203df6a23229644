"""Ideas about reading files that sound fast: threads for small ones, and asynchronous reads."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from beast_assets.core.hashing import BUFFER_SIZE, hash_fd, hash_file
from benchmarks.harness import Line, Missing, Options, Paired, Result, output_of, paired
from benchmarks.hash import make_file, make_small_files
from benchmarks.homes import CHECKOUT, PEERS_PYTHON

_SCRIPT = CHECKOUT / "benchmarks" / "peers" / "async_files.py"
_MIB = 2**20


def run(options: Options) -> Result:
    """Small files by loop, by threads and asynchronously; a large one by several sizes of read."""
    count = options.size("files", 5_000, 100)
    names = make_small_files(options.folder / "small", count)
    paths = [str(options.folder / "small" / name) for name in names]
    lines = [_threads(paths, options), *_buffers(options)]
    found, missing = _asynchronous(options.folder / "small", options.rounds)
    setup = {"small_files": count, "small_file_bytes": 4096, "threads": os.cpu_count()}
    return Result("files", "Ways of reading files", [*lines, *found], missing, setup)


def _threads(paths: list[str], options: Options) -> Line:
    def loop() -> None:
        for path in paths:
            hash_file(path)

    def threads() -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(hash_file, paths))

    took = paired({"threads": threads, "loop": loop}, options.rounds)
    label = f"a pool of threads over {len(paths):,} files of 4 KiB, hashed"
    return Line(
        label, took.ratio("loop", "threads"), "×", "a plain loop's speed", parts=took.parts()
    )


def _buffers(options: Options) -> list[Line]:
    path = make_file(options.folder / "large", options.size("mib", 256, 4) * _MIB)
    sizes = {"8 KiB": 8 * 1024, "1 MiB": _MIB, "ours": BUFFER_SIZE}

    def read(size: int) -> None:
        fd = os.open(path, os.O_RDONLY)
        try:
            hash_fd(fd, buffer_size=size)
        finally:
            os.close(fd)

    works = {name: partial(read, size) for name, size in sizes.items()}
    took = paired(works, options.rounds)
    ours = f"hashing a file of {path.stat().st_size // _MIB} MiB, {BUFFER_SIZE // 1024} KiB a read"
    return [
        Line(ours, took.ratio(name, "ours"), "×", f"{name} a read", parts=took.parts())
        for name in ("8 KiB", "1 MiB")
    ]


def _asynchronous(folder: Path, rounds: int) -> tuple[list[Line], list[Missing]]:
    label = "asynchronous reads (aiofiles)"
    if not PEERS_PYTHON.exists():
        return [], [Missing(label, "no .venv-peers with aiofiles: run `make bench-peers` once")]
    try:
        said = output_of([PEERS_PYTHON, _SCRIPT, folder, str(rounds)])
    except RuntimeError as error:
        return [], [Missing(label, str(error))]
    took = Paired(json.loads(said.splitlines()[-1]))
    count = len(list(folder.iterdir()))
    return [
        Line(
            f"{label} over {count:,} files of 4 KiB",
            took.ratio("plain", "aiofiles"),
            "×",
            "a plain loop's speed",
            parts=took.parts(),
        )
    ], []
