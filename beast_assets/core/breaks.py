"""Where a text may be cut so that little is torn apart."""

import re
import unicodedata

LINE_END = r"(?:\r\n|\n|\r(?!\n))"
_CLOSING = r"""["'”’)\]]*+"""

# Best first. Each pattern matches up to the last such place between two positions (the greedy dot
# backtracks from the far end); what must follow the place comes with it, so that the place itself
# lies at least that many characters before the end of the searched part.
_LAST = tuple(
    (re.compile(r"(?s:.*)" + kind), follows)
    for kind, follows in (
        (rf"(?={LINE_END}[ \t]*+[\r\n])", 2),
        (r"(?=[\r\n])", 1),
        (rf"(?:[.!?…]{_CLOSING}(?=\s)|[。！？](?=(?s:.)))", 1),
        (r"(?=\s)", 1),
    )
)
# Where a reader may start: the first such place between two positions.
_FIRST = tuple(
    re.compile(kind)
    for kind in (r"[\r\n]\s*+(?=\S)", rf"[.!?…]{_CLOSING}\s++(?=\S)|[。！？](?=\S)", r"\s++(?=\S)")
)

_NOT_BLANK = re.compile(r"\S")
_JOINER = "\u200d"
_LONGEST_CLUSTER = 32


def last_break(text: str, start: int, limit: int) -> int:
    """Find where a piece that starts at ``start`` and may reach to ``limit`` is best cut.

    Blank line before line end before sentence end before space before anywhere, the last of its
    kind in the second half of the window.

    Args:
        text: the whole text.
        start: where the piece begins; no white space there.
        limit: ``start < limit <= len(text)``.

    Returns:
        A position in ``(start, limit]``.
    """
    if limit >= len(text):
        return len(text)
    middle = start + max(1, (limit - start + 1) // 2)
    for pattern, follows in _LAST:
        match = pattern.match(text, middle - 1, limit + follows)
        if match is not None and match.end() <= limit:
            return match.end()
    return outside_cluster(text, start, limit)


def first_start(text: str, low: int, high: int) -> int:
    """Find where a piece may start early: a line, a sentence or a word in ``[low, high)``.

    Lines and sentences only count in the first half, lest the piece gain next to nothing.

    Returns:
        A position in ``[low, high]``; ``high`` where everything in between is one cluster.
    """
    middle = (low + high) // 2
    for pattern, end in zip(_FIRST, (middle, middle, high), strict=True):
        match = pattern.search(text, max(0, low - 1), end)
        if match is not None and match.end() >= low:
            return match.end()
    while low < high and glued(text, low):
        low += 1
    return low


def next_not_blank(text: str, position: int) -> int | None:
    """Find the first character from ``position`` on that is no white space."""
    match = _NOT_BLANK.search(text, position)
    return None if match is None else match.start()


def outside_cluster(text: str, start: int, cut: int) -> int:
    """Move a cut back, but not to ``start``, so that it tears nothing that is drawn as one."""
    for position in range(cut, max(start, cut - _LONGEST_CLUSTER), -1):
        if not glued(text, position):
            return position
    return cut


def glued(text: str, position: int) -> bool:
    """Tell whether the characters on both sides of ``position`` are drawn as one (best effort)."""
    before, after = text[position - 1 : position], text[position]
    if before == _JOINER or after == _JOINER:
        return True
    if after < "\u0300":
        return before == "\r" and after == "\n"
    if _is_flag_half(after):
        return _flag_halves_before(text, position) % 2 == 1
    return _is_modifier(after)


def _is_modifier(character: str) -> bool:
    """Accents, variation selectors, skin tones, tags, and the later parts of a Hangul syllable."""
    return (
        unicodedata.category(character) in ("Mn", "Mc", "Me")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
        or "\u1160" <= character <= "\u11ff"
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves_before(text: str, position: int) -> int:
    near = text[max(0, position - 2 * _LONGEST_CLUSTER) : position]
    return len(near) - len(near.rstrip("".join(map(chr, range(0x1F1E6, 0x1F200)))))
