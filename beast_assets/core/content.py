"""The default chunker: an edit changes the chunks around it and no others.

A text that is too long for one chunk is cut at its best break, and both sides likewise, until all
pieces fit. Breaks have ranks (a heading before a paragraph before a line); among breaks of one
rank a hash of what follows decides. So no break depends on where the text begins or how long it is,
and a break is always taken that none within twice ``max_chars`` on either side comes up to: what an
edit moves ends there.
"""

import re
from collections.abc import Callable, Iterator, Sequence, Set
from typing import NamedTuple
from zlib import crc32

from .breaks import LINE_END, first_start, glued, next_not_blank, outside_cluster
from .windows import fitting_end

Fits = Callable[[str], int]
Span = tuple[int, int]

#: How many characters behind a break its hash is taken of: an edit there may move the break.
REACH = 32
_HEADING = 0
_STRETCH = 2**20


class _Breaks(NamedTuple):
    """Places where pieces may begin, in order, and what they are worth: the lowest key is best."""

    starts: Sequence[int]
    keys: Sequence[int]


class _Kind(NamedTuple):
    """One kind of break.

    Attributes:
        pattern: its match ends where a piece may begin.
        share: the least size of a piece as a share of ``max_chars``: one in so many.
        indented: breaks before less indented lines come first.
    """

    pattern: re.Pattern[str]
    share: int
    indented: bool = False


# Best first. Only pieces that the kinds before it left too long are searched for a kind.
_KINDS = (
    _Kind(re.compile(rf"{LINE_END}[^\S\r\n]*+[\r\n]\s*+(?=\S)"), 4, indented=True),
    _Kind(re.compile(r"[\r\n]\s*+(?=\S)"), 8, indented=True),
    _Kind(re.compile(r"[.!?…][\"'”’)\]]*+\s++(?=\S)|[。！？](?=\S)"), 12),
    # Long words only: enough of them in any prose, and a few for each piece.
    _Kind(re.compile(r"\s(?=\S{7})"), 24),
)
_HEADING_SHARE = 8
_WORD = re.compile(r"\s++(?=\S)")


def content_spans(
    text: str, headings: Set[int], max_chars: int, overlap: int, fits: Fits
) -> Iterator[Span]:
    """Cut a text by its content; spans neither begin nor end with white space.

    Args:
        text: the whole text.
        headings: where its sections begin: no white space there.
        max_chars: as in ``chunk_text``.
        overlap: as in ``chunk_text``; taken off ``max_chars`` first, so that it moves no break.
        fits: as in ``chunk_text``.
    """
    spans = _Splitter(text, headings, max_chars - overlap, fits).spans()
    return _overlapped(text, spans, max_chars, overlap, fits) if overlap else spans


class _Splitter:
    """Cuts one text."""

    def __init__(self, text: str, headings: Set[int], max_chars: int, fits: Fits) -> None:
        self._text = text
        self._headings = headings
        self._max_chars = max_chars
        self._fits = fits

    def spans(self) -> Iterator[Span]:
        """Cut the text, so many characters at a time: memory does not grow with it."""
        start = next_not_blank(self._text, 0)
        while start is not None and start < len(self._text):
            end = self._stretch_end(start)
            yield from self._split(start, end, 0)
            start = end

    def _stretch_end(self, start: int) -> int:
        """End a stretch at the best of many breaks, which is one that is taken in any case."""
        end = start + _STRETCH
        if end >= len(self._text):
            return len(self._text)
        for kind in range(len(_KINDS)):
            breaks = self._breaks(end - _STRETCH // 16, end, kind)
            if breaks.starts:
                return min(zip(breaks.keys, breaks.starts, strict=True))[1]
        return (
            next_not_blank(self._text, _content_cut(self._text, end - 2 * self._max_chars, end))
            or end
        )

    def _split(self, start: int, end: int, kind: int) -> Iterator[Span]:
        """Cut a part of the text at breaks of this kind, and what stays too long at lesser ones."""
        if kind == len(_KINDS):
            yield from self._walk(start, end)
            return
        breaks = self._breaks(start, end, kind)
        left, right, root = _tree(breaks.keys)
        todo = [(start, end, root)]
        while todo:
            start, end, node = todo.pop()
            size = self._whole(start, end)
            if size:
                yield start, start + size
                continue
            node = self._admissible(start, end, node, kind, breaks, (left, right))
            if node < 0:
                yield from self._split(start, end, kind + 1)
                continue
            cut = breaks.starts[node]
            todo += (cut, end, right[node]), (start, cut, left[node])

    def _whole(self, start: int, end: int) -> int:
        """The size of the piece without white space at its end; 0 if it is too long."""
        if end - start > 2 * self._max_chars:  # lest long ones be copied again and again
            return 0
        piece = self._text[start:end].rstrip()
        return len(piece) if _is_whole(piece, self._max_chars, self._fits) else 0

    def _breaks(self, start: int, end: int, kind: int) -> _Breaks:
        places = [match.end() for match in _KINDS[kind].pattern.finditer(self._text, start, end)]
        if kind == 0 and self._headings:
            inside = (place for place in self._headings if start < place < end)
            places = sorted({*places, *inside})
        heads = (self._text[place : place + REACH] for place in places)
        hashes = (crc32(head.encode("utf-8", "surrogatepass")) for head in heads)
        if not _KINDS[kind].indented:
            return _Breaks(places, list(hashes))
        keys = [self._rank(place) << 32 | each for place, each in zip(places, hashes, strict=True)]
        return _Breaks(places, keys)

    def _rank(self, place: int) -> int:
        if place in self._headings:
            return _HEADING
        return 1 + _indent(self._text, place)

    def _admissible(
        self,
        start: int,
        end: int,
        node: int,
        kind: int,
        breaks: _Breaks,
        children: tuple[Sequence[int], Sequence[int]],
    ) -> int:
        """Find the best break that leaves no crumb on either side, -1 if there is none."""
        left, right = children
        starts, keys = breaks
        crumb = max(1, self._max_chars // _KINDS[kind].share)
        crumb_at_heading = max(1, self._max_chars // _HEADING_SHARE)
        while node >= 0:
            heading = kind == 0 and keys[node] >> 32 == _HEADING
            least = crumb_at_heading if heading else crumb
            if starts[node] - start < least:
                node = right[node]
            elif end - starts[node] < least:
                node = left[node]
            else:
                break
        return node

    def _walk(self, start: int, end: int) -> Iterator[Span]:
        """Cut what has no breaks to speak of: from its beginning, where the content says."""
        place: int | None = start
        while place is not None and place < end:
            size = self._whole(place, end)
            limit = min(end, place + self._max_chars)
            stop = fitting_end(self._text, place, limit, self._fits, _content_cut)
            stop = max(stop, place + size)
            yield place, stop
            place = next_not_blank(self._text, stop)


def _overlapped(
    text: str, spans: Iterator[Span], max_chars: int, overlap: int, fits: Fits
) -> Iterator[Span]:
    """Let spans start earlier, at a natural place, as far as they still fit."""
    middle = before = 0
    for start, end in spans:
        early, reach = start, overlap
        while reach and before:
            first = next_not_blank(text, first_start(text, max(middle, before - reach), before))
            if first is not None and _is_whole(text[first:end], max_chars, fits):
                early = min(start, first)
                break
            reach //= 2
        yield early, end
        middle, before = (start + end + 1) // 2, end


def _is_whole(piece: str, max_chars: int, fits: Fits) -> bool:
    return len(piece) <= max_chars and fits(piece) >= len(piece)


def _indent(text: str, place: int) -> int:
    if text[place - 1] in "\r\n":
        return 0
    line = max(text.rfind("\n", place - 64, place), text.rfind("\r", place - 64, place))
    return min(15, place - 1 - line) if line >= 0 else 15


def _tree(keys: Sequence[int]) -> tuple[list[int], list[int], int]:
    """Make the Cartesian tree of keys in linear time: each node's key is its subtree's lowest.

    Returns:
        The left and the right child of each node, -1 for none, and the root.
    """
    left, right, spine = [-1] * len(keys), [-1] * len(keys), list[int]()
    for node, key in enumerate(keys):
        below = -1
        while spine and keys[spine[-1]] > key:
            below = spine.pop()
        left[node] = below
        if spine:
            right[spine[-1]] = node
        spine.append(node)
    return left, right, spine[0] if spine else -1


def _content_cut(text: str, start: int, limit: int) -> int:
    """Choose a place in the second half of ``(start, limit]`` by what follows it."""
    if limit >= len(text):
        return len(text)
    middle = (start + limit + 1) // 2
    places: Sequence[int] = [match.end() for match in _WORD.finditer(text, middle, limit)]
    if not places:
        highest = re.compile(re.escape(max(text[middle : limit + 1])))
        places = [match.start() for match in highest.finditer(text, middle, limit + 1)]
    best = max(reversed(places), key=lambda place: text[place : place + 8])
    cut = outside_cluster(text, start, best)
    return outside_cluster(text, start, limit) if glued(text, cut) else cut
