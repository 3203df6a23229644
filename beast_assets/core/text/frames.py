"""How ``isolated`` and ``child`` talk: frames of bytes, each behind its length.

A request is two frames, JSON (``format``, ``memory_bytes``, ``output_chars``, ``seconds``) and the
file's bytes. Its answer is ``BEGUN``, as soon as both have come, and JSON: a list of
``[text, place]`` or ``{"skip": reason, "quarantined": bool}``. A child that can work says ``READY``
first of all.
"""

import struct
from typing import BinaryIO

READY = b"ready"
BEGUN = b"begun"
LENGTH = struct.Struct("!Q")


def most_bytes(output_chars: int) -> int:
    """How long an answer of so many characters, each part counted as one more, may be at most.

    JSON makes six bytes of a control character, and eight of a part with nothing in it.
    """
    return 8 * output_chars + 1_024


def write_frame(file: BinaryIO, frame: bytes) -> None:
    """Send a frame at once."""
    file.write(LENGTH.pack(len(frame)))
    file.write(frame)
    file.flush()


def read_frame(file: BinaryIO) -> bytes | None:
    """Wait for a frame; None if the other side is gone, before it or in the middle of it."""
    head = file.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    frame = file.read(length)
    return frame if len(frame) == length else None
