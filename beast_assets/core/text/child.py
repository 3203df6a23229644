"""The child's side of ``isolated``: reads files that may hang, bloat or crash whoever reads them.

Started as ``python -m beast_assets.core.text.child DESCRIPTOR MODULE``; ``MODULE.READERS`` are the
readers by format. It ends when its parent's end of the descriptor closes. Whatever a reader prints
goes nowhere.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ..records import Part, Skip
from . import confine
from .frames import BEGUN, READY, read_frame, write_frame

Reader = Callable[[bytes], list[Part] | Skip]


def main(line: int, module: str) -> None:
    """Read files until there are no more of them, or this process is worn out."""
    readers: Mapping[str, Reader] = importlib.import_module(module).READERS
    confine.confine()
    with open(line, "rb") as requests, open(line, "wb", closefd=False) as answers:  # noqa: PTH123
        write_frame(answers, READY)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # until here it is the parent's
        fresh_bytes = confine.address_space()
        fit = True
        while fit and (head := read_frame(requests)) is not None:
            data = read_frame(requests)
            if data is None:
                return
            write_frame(answers, BEGUN)
            request = json.loads(head)
            frame, fit = _answer(readers, request, data)
            write_frame(answers, frame)
            del data, frame
            # What a parser does not give back would be the next file's, or nobody's.
            kept = confine.address_space() - fresh_bytes
            fit = fit and kept <= request["memory_bytes"] // 4


def _answer(
    readers: Mapping[str, Reader], request: Mapping[str, Any], data: bytes
) -> tuple[bytes, bool]:
    """Give the answer, and whether this process is fit for another file."""
    name, most = request["format"], request["output_chars"]
    try:
        with confine.limited(request["memory_bytes"], request["seconds"]):
            found = readers[name](data)
        return _encoded(name, found, most), True
    except MemoryError:
        mebibytes = request["memory_bytes"] / 2**20
        return _skip(Skip(f"{name}: needs more than {mebibytes:g} MiB of memory", True)), False
    except BaseException as error:  # SystemExit as well: a reader has no say over this process
        # The type alone: the message may quote the file.
        return _skip(Skip(f"{name}: the parser failed ({type(error).__name__})", True)), True


def _encoded(name: str, found: list[Part] | Skip, most: int) -> bytes:
    if isinstance(found, Skip):
        return _skip(found)
    if sum(len(text) + len(place) + 1 for text, place in found) > most:
        return _skip(Skip(f"{name}: gives more than {most} characters", True))
    return _json([[_whole(text), _whole(place)] for text, place in found])


def _skip(skip: Skip) -> bytes:
    return _json({"skip": _whole(skip.reason), "quarantined": skip.quarantined})


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _whole(text: str) -> str:
    """The same text with its surrogate pairs joined and U+FFFD for what has no other half."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
