r"""Exclusion rules in gitignore syntax: what a scan leaves out, and which rule said so.

Three layers. What is never read (secrets, ``.git``) no file can re-include. What is left out by
default a ``!pattern`` can. Then come ``.gitignore`` and ``.beastignore`` of every directory from
the root down: deeper over shallower, later line over earlier, ``.beastignore`` over its
neighbour, and an excluded directory is not entered.

Names are matched as the bytes they are, because git matches bytes and names need not be text.
A pattern is followed segment by segment while the scan descends (``a/**/b`` waits in the root,
inside ``a`` it waits for ``b``), so a name alone decides, at any depth. Nearly every name is
cleared by one look-up and two comparisons in C; the regular expressions run for the others.

One difference from git is deliberate: ``foo**/bar`` means ``foo*/bar``, as git's manual has it.
"""

import codecs
import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

ALWAYS = """
.git
.env
.env.*
.envrc
*.pem
*.key
*.ppk
*.p12
*.pfx
*.jks
*.keystore
*.kdbx
id_rsa*
id_dsa*
id_ecdsa*
id_ed25519*
!*.pub
.netrc
_netrc
.pgpass
.my.cnf
.npmrc
.pypirc
.htpasswd
.git-credentials
.dockercfg
.s3cfg
.boto
.vault-token
.aws/
.azure/
.ssh/
.gnupg/
.kube/
.password-store/
**/.config/gcloud/
**/.docker/config.json
credentials
!credentials/
credentials.json
client_secret*
secrets.json
secrets.yaml
secrets.yml
secrets.toml
"""

DEFAULT = """
.hg
.svn
venv
.venv
node_modules
__pycache__
*.pyc
.cache
.mypy_cache
.pytest_cache
.ruff_cache
.hypothesis
.tox
.nox
.ipynb_checkpoints
logs/
*.log
backups/
*.bak
*.backup
*~
*.swp
.DS_Store
Thumbs.db
.Trash*
lost+found
"""


class _BrokenPatternError(Exception):
    """A pattern that matches nothing, in git too: an open bracket, a dangling backslash."""


_SLASH = b"/"
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
class _Segment:
    """What stands between two slashes of a pattern.

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


@dataclass(frozen=True, eq=False)
class _Rule:
    """One line of an ignore file. ``rank`` is its place there: the later line wins."""

    segments: tuple[_Segment, ...]
    negated: bool
    directories_only: bool
    label: str
    rank: int


# A rule that is being followed, and the segment of it that the next name has to match.
_Live = tuple[_Rule, int]


def _character(glob: bytes, at: int) -> tuple[int, int]:
    """The possibly escaped character at a position, and the position after it."""
    at += glob[at : at + 1] == b"\\"
    if at >= len(glob):
        raise _BrokenPatternError
    return glob[at], at + 1


def _bracket_member(glob: bytes, at: int, before: int) -> tuple[int, Iterable[int], int]:
    """One member of ``[…]``: what a range may start from next, its bytes, the position after."""
    if posix := _POSIX_CLASS.match(glob, at):
        if posix[1] not in _CLASSES:
            raise _BrokenPatternError
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
    before, members, at = _bracket_member(glob, at, 0)
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
            yield ("slash" if code == _SLASH[0] else "text"), bytes((code,))


def _segment(tokens: Sequence[tuple[str, bytes]]) -> _Segment:
    if not tokens:
        raise _BrokenPatternError  # no path has an empty part
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
    return _Segment(tuple(fixed), tuple(text) if plain else None, any_depth)


_ANY_DEPTH = _segment([("stars", b"**")])


def _segments(glob: bytes) -> tuple[_Segment, ...]:
    """Cut a pattern, without its ``!`` and its last slash, into segments."""
    parts: list[list[tuple[str, bytes]]] = [[]]
    for token in _tokens(glob.removeprefix(_SLASH)):
        if token[0] == "slash":
            parts.append([])
        else:
            parts[-1].append(token)
    segments = [] if _SLASH in glob else [_ANY_DEPTH]
    for segment in map(_segment, parts):
        if not (segments and segments[-1].any_depth and segment.any_depth):
            segments.append(segment)
    return tuple(segments)


def _without_trailing_spaces(line: bytes) -> bytes:
    """Trim as git does: spaces only, and not an escaped one."""
    trimmed = line.rstrip(b" ")
    backslashes = len(trimmed) - len(trimmed.rstrip(b"\\"))
    return trimmed + b" " if backslashes % 2 and trimmed != line else trimmed


def _lines(content: bytes) -> Iterator[bytes]:
    for line in content.removeprefix(codecs.BOM_UTF8).split(b"\n"):
        yield _without_trailing_spaces(line.removesuffix(b"\r").partition(b"\0")[0])


def _rule(line: bytes, source: str, rank: int) -> _Rule | None:
    """Read one line; None for a comment, a blank line, and what can match nothing."""
    if not line or line.startswith(b"#"):
        return None
    glob = line.removeprefix(b"!")
    try:
        segments = _segments(glob.removesuffix(_SLASH))
    except _BrokenPatternError:
        return None
    label = f"{line.decode('utf-8', 'backslashreplace')} ({source})"
    return _Rule(segments, line.startswith(b"!"), glob.endswith(_SLASH), label, rank)


def _rules(content: bytes, source: str, *, numbered: bool = True) -> list[_Rule]:
    found = (
        _rule(line, f"{source}:{number}" if numbered else source, number)
        for number, line in enumerate(_lines(content), start=1)
    )
    return [rule for rule in found if rule]


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


def _deciding_segment(live: _Live) -> _Segment | None:
    """The segment whose match here completes the rule; None where more has to come first."""
    rule, at = live
    left = rule.segments[at:]
    if left[0].any_depth and len(left) > 1:
        left = left[1:]
    return left[0] if len(left) == 1 else None


class _Layer:
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
        self._below: dict[tuple[_Live, ...], _Layer] = {}
        live = sorted((*floating, *moving), key=lambda one: one[0].rank, reverse=True)
        self._deciding = [(one[0], found) for one in live if (found := _deciding_segment(one))]
        self.segments = [segment for _, segment in self._deciding]

    @classmethod
    def of(cls, rules: Sequence[_Rule], *, absolute: bool = False) -> "_Layer":
        """The layer of a file, in the directory where the file lies."""
        live = [(rule, 0) for rule in rules]
        moving = tuple(one for one in live if not _floats(one))
        return cls([one for one in live if _floats(one)], moving, absolute=absolute)

    def inside(self, directory: bytes) -> "_Layer":
        """The same rules inside a subdirectory."""
        if not self._moving:
            return self
        moved = [after for one in self._moving for after in _inside(one, directory)]
        moving = tuple(dict.fromkeys(moved))
        if moving == self._moving:
            return self
        if moving not in self._below:
            self._below[moving] = _Layer(self._floating, moving, absolute=self.absolute)
        return self._below[moving]

    def speaks(self, name: bytes, is_dir: bool) -> _Rule | None:
        """The rule that decides on a name, be it an exclusion or a re-inclusion."""
        rules, fullmatch = self._for_directories if is_dir else self._for_files
        found = fullmatch(name.lower() if self.absolute else name)
        return rules[found.lastindex - 1] if found and found.lastindex else None

    @cached_property
    def _for_directories(self) -> "_Decision":
        return _decision(self._deciding)

    @cached_property
    def _for_files(self) -> "_Decision":
        return _decision([one for one in self._deciding if not one[0].directories_only])


_Decision = tuple[list[_Rule], Callable[[bytes], re.Match[bytes] | None]]


def _decision(deciding: Sequence[tuple[_Rule, _Segment]]) -> _Decision:
    """One expression for all rules, the winning one first, with a group for each."""
    expression = b"|".join(b"(%b)" % segment.regex for _, segment in deciding)
    fullmatch = re.compile(expression or b"(?!)", re.DOTALL).fullmatch
    return [rule for rule, _ in deciding], fullmatch


class _Level:
    """All layers as they stand inside one directory, the strongest first.

    Directories in which the same rules stand share one level.
    """

    def __init__(self, layers: tuple[_Layer, ...]) -> None:
        self._layers = layers
        self._below: dict[tuple[_Layer, ...], _Level] = {}
        self.gate = _gate([segment for layer in layers for segment in layer.segments])

    def inside(self, directory: bytes) -> "_Level":
        layers = tuple([layer.inside(directory) for layer in self._layers])
        if layers == self._layers:
            return self
        if layers not in self._below:
            self._below[layers] = _Level(layers)
        return self._below[layers]

    def plus(self, layers: Sequence[_Layer]) -> "_Level":
        """Add layers that are stronger than all but the absolute one."""
        absolute = [layer for layer in self._layers if layer.absolute]
        return _Level((*absolute, *layers, *self._layers[len(absolute) :]))

    def excludes(self, name: bytes, is_dir: bool) -> str | None:
        for layer in self._layers:
            rule = layer.speaks(name, is_dir)
            if rule and not rule.negated:
                return rule.label
            if rule and not layer.absolute:
                return None
        return None


# Names, beginnings of names, ends of names, and the expression for all else.
_FullMatch = Callable[[bytes], re.Match[bytes] | None]
_Gate = tuple[set[bytes], tuple[bytes, ...], tuple[bytes, ...], _FullMatch | None]


def _gate(segments: Iterable[_Segment]) -> _Gate:
    """What clears the names that no rule speaks about, without asking the rules.

    Lowered names are compared with lowered patterns: too many may pass to the rules, never
    too few.
    """
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
    return names, tuple(prefixes), tuple(suffixes), other


class Rules:
    """The exclusion rules that hold inside one directory of a root; immutable.

    Start with `root_rules` and go down with `child`.
    """

    __slots__ = ("_level", "_names", "_other", "_prefixes", "_suffixes", "_where")

    def __init__(self, level: _Level, where: bytes) -> None:
        self._level = level
        self._where = where
        self._names, self._prefixes, self._suffixes, self._other = level.gate

    def child(
        self, dirname: bytes, gitignore: bytes | None = None, beastignore: bytes | None = None
    ) -> "Rules":
        """Enter a subdirectory.

        Args:
            dirname: its name, one path segment.
            gitignore: content of the ``.gitignore`` in it; None if there is none.
            beastignore: likewise of its ``.beastignore``.
        """
        where = self._where + dirname + _SLASH
        return Rules(_with_files(self._level.inside(dirname), where, gitignore, beastignore), where)

    def excludes(self, name: bytes, is_dir: bool) -> str | None:
        """Tell which rule leaves out this name in this directory.

        Returns:
            The pattern and where it stands, such as ``*.log (default)`` or
            ``build/ (sub/.gitignore:3)``; None if the name is not left out.
        """
        lowered = name.lower()
        if (
            lowered in self._names
            or lowered.endswith(self._suffixes)
            or lowered.startswith(self._prefixes)
            or (self._other and self._other(lowered))
        ):
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
    level = _builtin_level() if builtin else _Level(())
    return Rules(_with_files(level, b"", gitignore, beastignore), b"")


@cache
def _builtin_level() -> _Level:
    always = _rules(ALWAYS.encode(), "never read", numbered=False)
    default = _rules(DEFAULT.encode(), "default", numbered=False)
    return _Level((_Layer.of(always, absolute=True), _Layer.of(default)))


def _with_files(
    level: _Level, where: bytes, gitignore: bytes | None, beastignore: bytes | None
) -> _Level:
    shown = where.decode("utf-8", "backslashreplace")
    files = ((".beastignore", beastignore), (".gitignore", gitignore))
    layers = [_Layer.of(_rules(content, shown + name)) for name, content in files if content]
    return level.plus(layers) if layers else level
