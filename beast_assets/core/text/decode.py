"""From bytes to text without guessing more than must be guessed.

A byte-order mark decides, then strict UTF-8, then a plain pattern of NUL bytes (UTF-16), and only
then statistics over the lines that are not ASCII. Whatever is chosen must decode the whole file
strictly: no replacement characters, no lone surrogates.
"""

import codecs
import re

from ..records import Skip

BINARY = Skip("binary")

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 64 * 1024
# Backspace and escape are left out: terminal logs are text.
_CONTROLS = bytes(set(range(0x20)) - set(b"\b\t\n\v\f\r\x1b")) + b"\x7f"
_MOST_CONTROLS = 0.05
# What text files are written in where it is not Unicode. Offering every codec makes rare DOS and
# mainframe pages win by chance on short texts.
_LEGACY = (
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp866 cp874 iso8859_2 iso8859_5"
    " iso8859_7 iso8859_8 iso8859_15 koi8_r koi8_u mac_roman mac_cyrillic gb18030 big5 big5hkscs"
    " euc_jp cp932 cp949"
)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_NO_LEAD_BYTES = bytes(range(0xC0))
_SURE_OF_UTF8 = 4


def decode(data: bytes) -> str | Skip:
    """Decode a text file; offsets of the result are those of the decoded text, mark left out.

    Returns:
        The text, or ``Skip("binary")``, or a quarantined ``Skip("undecodable: …")``.
    """
    marked = [encoding for mark, encoding in _MARKS if data.startswith(mark)]
    if marked:
        return _as_marked(data, marked)
    if b"\0" in data:
        return _utf16_without_mark(data) or BINARY
    if _mostly_controls(data[:_SAMPLE]):
        return BINARY
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _legacy(data, error.start)


def strictly(data: bytes, encoding: str) -> str | None:
    """Decode all of ``data`` or give None."""
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):  # base64 and its like are codecs, but not of text
        return None


def _as_marked(data: bytes, encodings: list[str]) -> str | Skip:
    for encoding in encodings:
        text = strictly(data, encoding)
        if text is not None:
            return BINARY if "\0" in text else text
    return _undecodable(f"begins with the mark of {encodings[0]} and is something else")


def _mostly_controls(sample: bytes) -> bool:
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return controls > _MOST_CONTROLS * len(sample)


def _utf16_without_mark(data: bytes) -> str | None:
    """Take it for UTF-16 only if every NUL is on one side and most of that side is NUL."""
    if len(data) % 2:
        return None
    sample = data[:_SAMPLE]
    left, right = sample[::2].count(0), sample[1::2].count(0)
    if min(left, right) > 0 or max(left, right) < 0.7 * (len(sample) // 2):
        return None
    text = strictly(data, "utf-16-le" if right else "utf-16-be")
    if text is None or "\0" in text:
        return None
    return None if _mostly_controls(text[:_SAMPLE].encode("utf-8")) else text


def _legacy(data: bytes, first_bad: int) -> str | Skip:
    # A legacy reading would turn all the good characters of a damaged file into mojibake.
    if len(data[:first_bad].translate(None, _NO_LEAD_BYTES)) >= _SURE_OF_UTF8:
        return _undecodable(f"UTF-8 that breaks at byte {first_bad}")
    encoding = _likely_encoding(_lines_beyond_ascii(data))
    if encoding is None:
        return _undecodable("neither UTF-8 nor a known encoding")
    text = strictly(data, encoding)
    return _undecodable(f"not UTF-8, and not {encoding} throughout") if text is None else text


def _undecodable(why: str) -> Skip:
    return Skip(f"undecodable: {why}", quarantined=True)


def _lines_beyond_ascii(data: bytes) -> bytes:
    """Gather the lines that tell something, from the first one on, at most 64 KiB of them."""
    first = _BEYOND_ASCII.search(data)
    position = first.start() if first else 0
    start = max(data.rfind(b"\n", 0, position) + 1, position - _SAMPLE // 2)
    sample = bytearray()
    for line in data[start : start + 16 * _SAMPLE].splitlines(keepends=True):
        if not line.isascii():
            sample += line[: _SAMPLE - len(sample)]
    return bytes(sample)


def _likely_encoding(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes

    cut_inside_a_character = 4 if len(sample) == _SAMPLE else 1
    for shorter in range(cut_inside_a_character):
        matches = from_bytes(sample[: len(sample) - shorter], cp_isolation=_LEGACY.split())
        best = matches.best()
        if best is None:
            continue
        # Among equals the commonest: the statistics of a short text are a draw.
        western = (m for m in matches if "cp1252" in m.could_be_from_charset)
        return "cp1252" if any(m.chaos <= best.chaos for m in western) else best.encoding
    return None
