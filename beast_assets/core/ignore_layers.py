"""Exclusion rules followed from directory to directory, layer over layer.

A pattern is followed segment by segment while the scan descends (``a/**/b`` waits in the root,
inside ``a`` it waits for ``b``), so a name alone decides, at any depth. Nearly every name is
cleared by one look-up and two comparisons in C; the regular expressions run for the others.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from beast_assets.core.globs import Segment


@dataclass(frozen=True, eq=False)
class Rule:
    """One line of an ignore file. ``rank`` is its place there: the later line wins."""

    segments: tuple[Segment, ...]
    negated: bool
    directories_only: bool
    label: str
    rank: int


# A rule that is being followed, and the segment of it that the next name has to match.
_Live = tuple[Rule, int]
_FullMatch = Callable[[bytes], re.Match[bytes] | None]
# Rules, and the expression whose groups stand for them.
_Decision = tuple[list[Rule], _FullMatch]


def _floats(live: _Live) -> bool:
    """Whether a rule waits for one name at any depth, hence for the same one everywhere below."""
    segments = live[0].segments
    return len(segments) == 2 and segments[0].any_depth and live[1] == 0


def _inside(live: _Live, directory: bytes) -> Iterator[_Live]:
    """What a rule waits for inside a directory of this name."""
    rule, at = live
    if rule.segments[at].any_depth:
        yield live
        at += 1
    if at + 1 < len(rule.segments) and rule.segments[at].matches(directory):
        yield rule, at + 1


def _way_in(moving: Sequence[_Live]) -> "Gate | None":
    """What clears the directories in which these rules stand as they do above; None if no gate can.

    ``**/a/b`` waits for an ``a`` at any depth; ``/a/b`` is over in any directory but ``a``.
    """
    if not all(rule.segments[at].any_depth for rule, at in moving):
        return None
    ahead = [rule.segments[at + 1 :] for rule, at in moving]
    return Gate.of(left[0] for left in ahead if len(left) > 1)


def _deciding_segment(live: _Live) -> Segment | None:
    """The segment whose match here completes the rule; None where more has to come first."""
    rule, at = live
    left = rule.segments[at:]
    if left[0].any_depth and len(left) > 1:
        left = left[1:]
    return left[0] if len(left) == 1 else None


class Layer:
    """The rules of one file as they stand inside one directory.

    Attributes:
        absolute: nothing re-includes what it excludes, and it ignores case (``SERVER.PEM``).
        segments: those of which a name must match one for any rule here to speak.
    """

    def __init__(
        self, floating: Sequence[_Live], moving: tuple[_Live, ...], *, absolute: bool
    ) -> None:
        self.absolute = absolute
        self._floating = floating
        self._moving = moving
        self._below: dict[tuple[_Live, ...], Layer] = {}
        self._way_in = _way_in(moving)
        live = sorted((*floating, *moving), key=lambda one: one[0].rank, reverse=True)
        self._deciding = [(one[0], found) for one in live if (found := _deciding_segment(one))]
        self.segments = [segment for _, segment in self._deciding]

    @classmethod
    def of(cls, rules: Sequence[Rule], *, absolute: bool = False) -> "Layer":
        """The layer of a file, in the directory where the file lies."""
        live = [(rule, 0) for rule in rules]
        moving = tuple(one for one in live if not _floats(one))
        return cls([one for one in live if _floats(one)], moving, absolute=absolute)

    def inside(self, directory: bytes) -> "Layer":
        """The same rules inside a subdirectory."""
        name = directory.lower()
        if not self._moving or (self._way_in and not self._way_in.lets_through(name)):
            return self
        directory = name if self.absolute else directory
        moved = [after for one in self._moving for after in _inside(one, directory)]
        moving = tuple(dict.fromkeys(moved))
        if moving == self._moving:
            return self
        if moving not in self._below:
            self._below[moving] = Layer(self._floating, moving, absolute=self.absolute)
        return self._below[moving]

    def speaks(self, name: bytes, is_dir: bool) -> Rule | None:
        """The rule that decides on a name, be it an exclusion or a re-inclusion."""
        rules, fullmatch = self._for_directories if is_dir else self._for_files
        found = fullmatch(name.lower() if self.absolute else name)
        return rules[found.lastindex - 1] if found and found.lastindex else None

    @cached_property
    def _for_directories(self) -> _Decision:
        return _decision(self._deciding)

    @cached_property
    def _for_files(self) -> _Decision:
        return _decision([one for one in self._deciding if not one[0].directories_only])


def _decision(deciding: Sequence[tuple[Rule, Segment]]) -> _Decision:
    """One expression for all rules, the winning one first, with a group for each."""
    expression = b"|".join(b"(%b)" % segment.regex for _, segment in deciding)
    fullmatch = re.compile(expression or b"(?!)", re.DOTALL).fullmatch
    return [rule for rule, _ in deciding], fullmatch


class Level:
    """All layers as they stand inside one directory, the strongest first.

    Directories in which the same rules stand share one level.

    Attributes:
        gate: what clears the names that no rule speaks about, without asking the rules.
    """

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self._layers = layers
        self._below: dict[tuple[Layer, ...], Level] = {}
        self.gate = Gate.of(segment for layer in layers for segment in layer.segments)

    def inside(self, directory: bytes) -> "Level":
        """The same layers inside a subdirectory."""
        layers = tuple([layer.inside(directory) for layer in self._layers])
        if layers == self._layers:
            return self
        if layers not in self._below:
            self._below[layers] = Level(layers)
        return self._below[layers]

    def plus(self, layers: Sequence[Layer]) -> "Level":
        """Add layers that are stronger than all but the absolute one."""
        absolute = [layer for layer in self._layers if layer.absolute]
        return Level((*absolute, *layers, *self._layers[len(absolute) :]))

    def excludes(self, name: bytes, is_dir: bool) -> str | None:
        """The label of the rule that leaves out a name, None if the name is not left out."""
        for layer in self._layers:
            rule = layer.speaks(name, is_dir)
            if rule and not rule.negated:
                return rule.label
            if rule and not layer.absolute:
                return None
        return None


@dataclass(frozen=True)
class Gate:
    """What clears names that no rule speaks about; lowered patterns for lowered names.

    Too many names may pass to the rules, never too few.

    Attributes:
        names: whole names.
        prefixes: beginnings of names.
        suffixes: ends of names.
        other: matches a name by all else; None if there is nothing else.
    """

    names: frozenset[bytes]
    prefixes: tuple[bytes, ...]
    suffixes: tuple[bytes, ...]
    other: _FullMatch | None

    @classmethod
    def of(cls, segments: Iterable[Segment]) -> "Gate":
        """The gate before these segments."""
        names, prefixes, suffixes, others = set(), set(), set(), set()
        for segment in segments:
            match segment.text:
                case (name,):
                    names.add(name.lower())
                case (prefix, b""):
                    prefixes.add(prefix.lower())
                case (b"", suffix):
                    suffixes.add(suffix.lower())
                case _:
                    others.add(segment.regex)
        expression = b"|".join(sorted(others))
        other = re.compile(expression, re.DOTALL | re.IGNORECASE).fullmatch if others else None
        return cls(frozenset(names), tuple(prefixes), tuple(suffixes), other)

    def lets_through(self, lowered: bytes) -> bool:
        """Whether a rule may speak about a name."""
        return bool(
            lowered in self.names
            or lowered.endswith(self.suffixes)
            or lowered.startswith(self.prefixes)
            or (self.other and self.other(lowered))
        )

    def lets_any_through(self, joined: bytes) -> bool:
        """The same for all names of a directory at once, joined by ``/``."""
        if self.other or not self.names.isdisjoint(joined.split(b"/")):
            return True
        framed = b"/" + joined + b"/"
        return any([search(framed) for search in self._searches])

    @cached_property
    def _searches(self) -> list[_FullMatch]:
        """Expressions that find a beginning or an end of a name among joined names.

        One for each first byte: an expression that begins with a literal is ten times as fast.
        """
        by_first: dict[bytes, list[bytes]] = {}
        for text in [b"/" + prefix for prefix in self.prefixes]:
            by_first.setdefault(text[:1], []).append(re.escape(text[1:]))
        for text in [suffix + b"/" for suffix in self.suffixes]:
            by_first.setdefault(text[:1], []).append(re.escape(text[1:]))
        return [
            re.compile(re.escape(first) + b"(?:" + b"|".join(rests) + b")").search
            for first, rests in by_first.items()
        ]
