"""Gitignore patterns cut at their slashes, each segment a regular expression over bytes.

One difference from git is deliberate: ``foo**/bar`` means ``foo*/bar``, as git's manual has it.
"""

import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property


class BrokenPatternError(Exception):
    """A pattern that matches nothing, in git too: an open bracket, a dangling backslash."""


_STARS = re.compile(rb"\*+")
_POSIX_CLASS = re.compile(rb"\[:([^\]]*):\]")
_GRAPH = string.digits + string.ascii_letters + string.punctuation
_CLASSES = {
    name.encode(): characters.encode()
    for name, characters in {
        "alnum": string.ascii_letters + string.digits,
        "alpha": string.ascii_letters,
        "blank": " \t",
        "cntrl": "".join(map(chr, [*range(1, 32), 127])),
        "digit": string.digits,
        "graph": _GRAPH,
        "lower": string.ascii_lowercase,
        "print": _GRAPH + " ",
        "punct": string.punctuation,
        "space": " \t\n\r",
        "upper": string.ascii_uppercase,
        "xdigit": string.hexdigits,
    }.items()
}


@dataclass(frozen=True)
class Segment:
    """What stands between two slashes of a pattern; it matches names as the bytes they are.

    Attributes:
        fixed: regular expressions of a fixed length, with a ``*`` between each two of them.
        text: the same as plain bytes, where there is no ``?`` and no bracket; else None.
        any_depth: it is ``**``, which stands for any number of directories.
    """

    fixed: tuple[bytes, ...]
    text: tuple[bytes, ...] | None
    any_depth: bool = False

    @cached_property
    def regex(self) -> bytes:
        """The expression for a whole name; inner stars are atomic, which keeps it linear."""
        head, *rest = self.fixed
        if not rest:
            return head
        return head + b"".join(b"(?>.*?%b)" % part for part in rest[:-1]) + b".*" + rest[-1]

    @cached_property
    def matches(self) -> Callable[[bytes], object]:
        """Tell whether a name matches."""
        if self.text is not None and len(self.text) == 1:
            return self.text[0].__eq__
        return re.compile(self.regex, re.DOTALL).fullmatch


def _character(glob: bytes, at: int) -> tuple[int, int]:
    """The possibly escaped character at a position, and the position after it."""
    at += glob[at : at + 1] == b"\\"
    if at >= len(glob):
        raise BrokenPatternError
    return glob[at], at + 1


def _bracket_member(glob: bytes, at: int, before: int) -> tuple[int, Iterable[int], int]:
    """One member of ``[…]``: what a range may start from next, its bytes, the position after."""
    if posix := _POSIX_CLASS.match(glob, at):
        if posix[1] not in _CLASSES:
            raise BrokenPatternError
        return 0, _CLASSES[posix[1]], posix.end()
    if glob[at : at + 1] == b"-" and before and glob[at + 1 : at + 2] not in (b"", b"]"):
        high, after = _character(glob, at + 1)
        return 0, range(before, high + 1), after
    character, after = _character(glob, at)
    return character, (character,), after


def _bracket(glob: bytes, at: int) -> tuple[bytes, int]:
    """The expression for the ``[…]`` at a position, and the position after it.

    The bytes are listed one by one: git's and Python's rules inside brackets differ.
    """
    at += 1
    negated = glob[at : at + 1] in (b"!", b"^")
    at += negated
    listed: set[int] = set()
    before, members, at = _bracket_member(glob, at, 0)  # a ] that comes first is a member
    listed.update(members)
    while glob[at : at + 1] != b"]":
        before, members, at = _bracket_member(glob, at, before)
        listed.update(members)
    chosen = set(range(256)) - listed if negated else listed
    codes = b"".join(b"\\x%02x" % code for code in sorted(chosen))
    return (b"[%b]" % codes if codes else b"(?!)"), at + 1


def _tokens(glob: bytes) -> Iterator[tuple[str, bytes]]:
    """Cut a pattern into ``slash``, ``stars``, ``text`` and ``one`` (an expression) tokens."""
    at = 0
    while at < len(glob):
        if stars := _STARS.match(glob, at):
            at = stars.end()
            yield "stars", stars[0]
        elif glob[at : at + 1] == b"[":
            expression, at = _bracket(glob, at)
            yield "one", expression
        elif glob[at : at + 1] == b"?":
            at += 1
            yield "one", b"."
        else:
            code, at = _character(glob, at)
            yield ("slash" if code == ord("/") else "text"), bytes((code,))


def _segment(tokens: Sequence[tuple[str, bytes]]) -> Segment:
    if not tokens:
        raise BrokenPatternError  # no path has an empty part
    fixed, text = [b""], [b""]
    for kind, value in tokens:
        if kind == "stars":
            fixed.append(b"")
            text.append(b"")
        else:
            fixed[-1] += re.escape(value) if kind == "text" else value
            text[-1] += value
    plain = all(kind != "one" for kind, _ in tokens)
    any_depth = len(tokens) == 1 and tokens[0][0] == "stars" and len(tokens[0][1]) > 1
    return Segment(tuple(fixed), tuple(text) if plain else None, any_depth)


_ANY_DEPTH = _segment([("stars", b"**")])


def segments(glob: bytes) -> tuple[Segment, ...]:
    """Cut a pattern, without its ``!`` and its last slash, into segments.

    Raises:
        BrokenPatternError: it matches nothing.
    """
    parts: list[list[tuple[str, bytes]]] = [[]]
    for token in _tokens(glob.removeprefix(b"/")):
        if token[0] == "slash":
            parts.append([])
        else:
            parts[-1].append(token)
    found = [] if b"/" in glob else [_ANY_DEPTH]
    for segment in map(_segment, parts):
        if not (found and found[-1].any_depth and segment.any_depth):
            found.append(segment)
    return tuple(found)
