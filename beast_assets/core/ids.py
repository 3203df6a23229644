"""Names that are derived, never assigned: roots, files, buckets and chunks.

Every name is a prefix of a SHA-256, so that two homes that index the same folders hold the same
names, and rows can be compared across them.
"""

import hashlib

ROOT_ID_LENGTH = 16
FILE_ID_LENGTH = 32
BUCKET_COUNTS = (16, 256, 4096)


def root_id(path: bytes) -> str:
    """The name of a root: 16 hex digits from its absolute path."""
    return hashlib.sha256(path).hexdigest()[:ROOT_ID_LENGTH]


def file_id(root: str, path: bytes) -> str:
    """The name of a file: 32 hex digits from its root's name and its path below that root."""
    return hashlib.sha256(root.encode("ascii") + path).hexdigest()[:FILE_ID_LENGTH]


def chunk_id(file: str, content: str, char_start: int, char_end: int, text_sha256: str) -> str:
    """The name of a row of the index: 32 hex digits from where it stands and what it holds."""
    key = f"{file}:{content}:{char_start}:{char_end}:{text_sha256}"
    return hashlib.sha256(key.encode("ascii")).hexdigest()[:FILE_ID_LENGTH]


def text_sha256(text: str) -> str:
    """The key under which the vector of a text is cached."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def bucket_width(count: int) -> int:
    """Hex digits that tell ``count`` buckets apart (16 → 1, 256 → 2, 4096 → 3)."""
    if count not in BUCKET_COUNTS:
        raise ValueError(f"{count} buckets: choose one of {BUCKET_COUNTS}")
    return {16: 1, 256: 2, 4096: 3}[count]


def bucket_keys(count: int) -> list[str]:
    """All bucket names in order: ``0`` … ``f`` for 16."""
    width = bucket_width(count)
    return [f"{number:0{width}x}" for number in range(count)]


def bucket_of(file: str, count: int) -> str:
    """The bucket of a file: the first digits of its name."""
    return file[: bucket_width(count)]
