"""Small files read plainly and with aiofiles, in one process, in turns; prints seconds as JSON.

aiofiles hands every operation to a thread. All files are asked for at once, at most 64 open.
"""

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import aiofiles

_AT_ONCE = 64


def plain(paths: Sequence[Path]) -> None:
    """Read and hash, one after the other."""
    for path in paths:
        with path.open("rb") as file:
            hashlib.sha256(file.read()).digest()


def asynchronous(paths: Sequence[Path]) -> None:
    """Read and hash, many at once."""
    asyncio.run(_all(paths))


async def _all(paths: Sequence[Path]) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(path: Path) -> None:
        async with gate, aiofiles.open(path, "rb") as file:
            hashlib.sha256(await file.read()).digest()

    await asyncio.gather(*map(one, paths))


def _seconds(work: Callable[[Sequence[Path]], None], paths: Sequence[Path]) -> float:
    began = time.perf_counter()
    work(paths)
    return time.perf_counter() - began


if __name__ == "__main__":
    found = sorted(Path(sys.argv[1]).iterdir())
    works = {"plain": plain, "aiofiles": asynchronous}
    for work in works.values():
        work(found)
    values: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(int(sys.argv[2])):
        for name, work in works.items():
            values[name].append(_seconds(work, found))
    print(json.dumps(values))
