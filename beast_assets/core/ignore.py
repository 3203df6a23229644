"""Exclusion rules in gitignore syntax: what a scan leaves out, and which rule said so.

Three layers. What is never read (secrets, ``.git``) no file can re-include. What is left out by
default a ``!pattern`` can. Then come ``.gitignore`` and ``.beastignore`` of every directory from
the root down: deeper over shallower, later line over earlier, ``.beastignore`` over its
neighbour, and an excluded directory is not entered.

Names are matched as the bytes they are, because git matches bytes and names need not be text.
"""

import codecs
from collections.abc import Iterator
from functools import cache

from beast_assets.core.exclusions import ALWAYS, DEFAULT
from beast_assets.core.globs import BrokenPatternError, segments
from beast_assets.core.ignore_layers import Layer, Level, Rule


def _without_trailing_spaces(line: bytes) -> bytes:
    """Trim as git does: spaces only, and not an escaped one."""
    trimmed = line.rstrip(b" ")
    backslashes = len(trimmed) - len(trimmed.rstrip(b"\\"))
    return trimmed + b" " if backslashes % 2 and trimmed != line else trimmed


def _lines(content: bytes) -> Iterator[bytes]:
    for line in content.removeprefix(codecs.BOM_UTF8).split(b"\n"):
        yield _without_trailing_spaces(line.removesuffix(b"\r").partition(b"\0")[0])


def _rule(line: bytes, source: str, rank: int) -> Rule | None:
    """Read one line; None for a comment, a blank line, and what can match nothing."""
    if not line or line.startswith(b"#"):
        return None
    glob = line.removeprefix(b"!")
    try:
        parts = segments(glob.removesuffix(b"/"))
    except BrokenPatternError:
        return None
    label = f"{line.decode('utf-8', 'backslashreplace')} ({source})"
    return Rule(parts, line.startswith(b"!"), glob.endswith(b"/"), label, rank)


def _rules(content: bytes, source: str, *, numbered: bool = True) -> list[Rule]:
    found = (
        _rule(line, f"{source}:{number}" if numbered else source, number)
        for number, line in enumerate(_lines(content), start=1)
    )
    return [rule for rule in found if rule]


class Rules:
    """The exclusion rules that hold inside one directory of a root; immutable.

    Start with `root_rules` and go down with `child`.
    """

    __slots__ = ("_level", "_where")

    def __init__(self, level: Level, where: bytes) -> None:
        self._level = level
        self._where = where

    def child(
        self, dirname: bytes, gitignore: bytes | None = None, beastignore: bytes | None = None
    ) -> "Rules":
        """Enter a subdirectory.

        Args:
            dirname: its name, one path segment.
            gitignore: content of the ``.gitignore`` in it; None if there is none.
            beastignore: likewise of its ``.beastignore``.
        """
        where = self._where + dirname + b"/"
        return Rules(_with_files(self._level.inside(dirname), where, gitignore, beastignore), where)

    def may_exclude(self, joined: bytes) -> bool:
        """Whether ``excludes`` has to be asked about names of this directory, joined by ``/``.

        One look at all of them: a scan of unchanged files has no time for one call a name.
        """
        return self._level.gate.lets_any_through(joined.lower())

    def excludes(self, name: bytes, is_dir: bool) -> str | None:
        """Tell which rule leaves out this name in this directory.

        Returns:
            The pattern and where it stands, such as ``*.log (default)`` or
            ``build/ (sub/.gitignore:3)``; None if the name is not left out.
        """
        if self._level.gate.lets_through(name.lower()):
            return self._level.excludes(name, is_dir)
        return None


def root_rules(
    gitignore: bytes | None = None, beastignore: bytes | None = None, *, builtin: bool = True
) -> Rules:
    """The rules that hold in the root itself.

    Args:
        gitignore: content of the root's ``.gitignore``; None if there is none.
        beastignore: likewise of its ``.beastignore``.
        builtin: with the secrets and the defaults. Without them git's verdicts come out.
    """
    level = _builtin_level() if builtin else Level(())
    return Rules(_with_files(level, b"", gitignore, beastignore), b"")


@cache
def _builtin_level() -> Level:
    always = _rules(ALWAYS.encode(), "never read", numbered=False)
    default = _rules(DEFAULT.encode(), "default", numbered=False)
    return Level((Layer.of(always, absolute=True), Layer.of(default)))


def _with_files(
    level: Level, where: bytes, gitignore: bytes | None, beastignore: bytes | None
) -> Level:
    shown = where.decode("utf-8", "backslashreplace")
    files = ((".beastignore", beastignore), (".gitignore", gitignore))
    layers = [Layer.of(_rules(content, shown + name)) for name, content in files if content]
    return level.plus(layers) if layers else level
