"""A manifest of files and their digests that ``sha256sum -c`` checks."""

from collections.abc import Iterable
from typing import BinaryIO, Final

_ESCAPES: Final = ((b"\\", b"\\\\"), (b"\n", b"\\n"), (b"\r", b"\\r"))


def format_line(sha256: str, path: bytes) -> bytes:
    r"""One line in the text format of coreutils.

    Args:
        sha256: 64 hexadecimal digits.
        path: relative to where the check will run; any bytes. Backslash, newline and carriage
            return are escaped, which a backslash at the start of the line announces.

    Returns:
        ``<digest>  <path>`` and a newline.
    """
    if path == b"-":
        path = b"./-"  # the bare dash is standard input to sha256sum
    escaped = path
    for raw, written in _ESCAPES:
        escaped = escaped.replace(raw, written)
    mark = b"\\" if escaped != path else b""
    return b"%b%b  %b\n" % (mark, sha256.encode(), escaped)


def write_manifest(rows: Iterable[tuple[bytes, str]], out: BinaryIO) -> int:
    """Write the lines of these files, sorted by the bytes of their paths.

    Args:
        rows: path and digest of each file.
        out: a binary stream.

    Returns:
        How many lines were written.
    """
    ordered = sorted(rows)
    out.writelines(format_line(sha256, path) for path, sha256 in ordered)
    return len(ordered)
