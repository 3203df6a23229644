"""The words of an env file as bash expands them: quotes, ``$NAME`` and ``~``.

What bash would run, calculate, split or match against files is refused.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from beast_assets.core.env_reader import Reader

# Linux refuses to pass a longer NAME=value to any program; it also stops A=$A$A from growing.
MAX_ENTRY_BYTES = 131_071
WORD_END = frozenset({b"", b" ", b"\t", b"\n"})
_TILDE_END = WORD_END | {b"/", b":"}
_RUN = re.compile(rb"[A-Za-z0-9_./%+,@=-]+")
_QUOTED_RUN = re.compile(rb'[^"\\$`]+')

# Read-only in bash, computed at each use, reset when it starts, or changing how it reads on.
_BASH_OWN = frozenset(
    (  # noqa: SIM905 - one name a line would fill the page
        "UID EUID PPID RANDOM SRANDOM SECONDS LINENO EPOCHSECONDS EPOCHREALTIME SHELLOPTS GROUPS "
        "DIRSTACK FUNCNAME PIPESTATUS HISTCMD COMP_WORDBREAKS IFS OPTIND OPTERR SHLVL OLDPWD "
        "PS1 PS2 PS4 POSIXLY_CORRECT _"
    ).split()
)
# Bash gives these a value of its own where the environment has none.
_BASH_DEFAULTS = frozenset(
    ("PATH", "TERM", "SHELL", "HOSTNAME", "HOSTTYPE", "MACHTYPE", "OSTYPE", "PWD")
)

_QUOTE_IT = "to have it in a value, put the value in single quotes"
OPERATORS = frozenset({b";", b"&", b"|", b"<", b">", b"(", b")"})
_AFTER_DOLLAR = {
    b"(": ("$(...) would run a command or calculate", "write the result itself"),
    b"[": ("$[...] would calculate", "write the result itself"),
    b"'": ("$'...' is not supported", "use plain single quotes"),
    b'"': ('$"..." is not supported', "use plain double quotes"),
} | {
    bytes([c]): (
        f"${chr(c)} is a special parameter",
        f"write the value itself, or \\${chr(c)} for a plain dollar",
    )
    for c in b"@*#?-$!0123456789"
}


def as_text(data: bytes) -> str:
    """A name or a value, bytes that are not UTF-8 as surrogates."""
    return data.decode("utf-8", "surrogateescape")


def is_bash_own(name: str) -> bool:
    """Whether bash, not the file, decides on the value of a variable."""
    return name in _BASH_OWN or name.startswith("BASH")


class Words:
    """Expands the word at the reader's place."""

    def __init__(
        self, reader: Reader, environ: Mapping[str, str], assigned: Mapping[bytes, bytes]
    ) -> None:
        """Begin.

        Args:
            reader: the file, shared with whoever reads what lies between the values.
            environ: the environment that ``$NAME`` and ``~`` see.
            assigned: what the lines above assign, which wins; it may grow from word to word.
        """
        self.reader = reader
        self.environ = environ
        self.assigned = assigned

    def value(self, limit: int, *, exported: bool) -> bytes:
        """Take a value of at most so many bytes; ``exported`` where it follows export."""
        reader, value, tilde_counts = self.reader, bytearray(), True
        while (sign := reader.peek()) not in WORD_END:
            if sign == b"~" and tilde_counts:
                value += self._tilde()
            elif sign == b"{" and exported:
                reader.refuse("bash may expand a { after export", _QUOTE_IT)
            else:
                value += self._piece(sign)
            tilde_counts = sign == b":"
            if len(value) > limit:
                reader.refuse("a value too long for an environment", "shorten it")
        return bytes(value)

    def _piece(self, sign: bytes) -> bytes:
        if sign == b"'":
            return self._single()
        if sign == b'"':
            return self._double()
        if sign == b"$":
            return self._dollar(quoted=False)
        if sign == b"\\":
            return self._escaped()
        if sign == b"`":
            self._refuse_backquote()
        if sign in OPERATORS:
            self.refuse_operator()
        return self.reader.take_run(_RUN)

    def _escaped(self) -> bytes:
        self.reader.take()
        return self.reader.take() or self.reader.refuse(
            "a lone backslash at the end of the file", "write it as \\\\"
        )

    def _refuse_backquote(self) -> NoReturn:
        self.reader.refuse("backquotes would run a command", "write the result itself, or \\`")

    def _single(self) -> bytes:
        start = self.reader.at
        end = self.reader.data.find(b"'", start + 1)
        if end < 0:
            self.reader.refuse("this single quote is never closed", "close it", start)
        return self.reader.take(end + 1 - start)[1:-1]

    def _double(self) -> bytes:
        reader, start, text = self.reader, self.reader.at, bytearray()
        reader.take()
        while (sign := reader.peek()) != b'"':
            if not sign:
                reader.refuse("this double quote is never closed", "close it", start)
            text += self._quoted_piece(sign)
            if len(text) > MAX_ENTRY_BYTES:
                reader.refuse("a value too long for an environment", "shorten it", start)
        reader.take()
        return bytes(text)

    def _quoted_piece(self, sign: bytes) -> bytes:
        if sign == b"$":
            return self._dollar(quoted=True)
        if sign == b"`":
            self._refuse_backquote()
        if sign == b"\\":
            pair = self.reader.take(2)
            return pair[1:] if pair[1:] in {b"$", b"`", b'"', b"\\"} else pair
        return self.reader.take_run(_QUOTED_RUN)

    def _dollar(self, *, quoted: bool) -> bytes:
        reader, start = self.reader, self.reader.at
        reader.take()
        if reader.peek() == b"{":
            return self._braced(start)
        name, following = reader.take_name(), reader.peek()
        if following >= b"\x80":
            reader.refuse("where the name after $ ends depends on the locale", "write ${NAME}")
        if name:
            return self.lookup(name, start)
        if following in _AFTER_DOLLAR and not (quoted and following in {b"'", b'"'}):
            reader.refuse(*_AFTER_DOLLAR[following], at=start)
        return b"$"

    def _braced(self, start: int) -> bytes:
        self.reader.take()
        name = self.reader.take_name()
        if not name or self.reader.peek() != b"}":
            self.reader.refuse(
                "of the ${...} forms only ${NAME} is supported", "write the value itself", start
            )
        self.reader.take()
        return self.lookup(name, start)

    def lookup(self, name: bytes, at: int) -> bytes:
        """The value of a variable, empty where it is unset; ``at`` is where errors point."""
        if name in self.assigned:
            return self.assigned[name]
        text = as_text(name)
        defaulted = text in _BASH_DEFAULTS and text not in self.environ
        if defaulted or is_bash_own(text):
            self.reader.refuse(f"{text} is set by bash itself", "write the value itself", at)
        if text == "PWD" and not _is_current_folder(self.environ["PWD"]):
            self.reader.refuse("PWD is not the current folder", "write the folder itself", at)
        return self.environ.get(text, "").encode("utf-8", "surrogateescape")

    def _tilde(self) -> bytes:
        reader, start = self.reader, self.reader.at
        reader.take()
        if reader.peek() not in _TILDE_END:
            reader.refuse("only ~ and ~/ are supported", "write the folder itself, or \\~", start)
        if b"HOME" not in self.assigned and "HOME" not in self.environ:
            reader.refuse("~ needs HOME, which is not set", "write the folder itself", start)
        home = self.lookup(b"HOME", start)
        if home.endswith(b"/") and reader.peek() == b"/":
            # Versions of bash differ in whether they keep both slashes.
            reader.refuse("HOME ends with a slash", "write ${HOME} without a slash after", start)
        return home

    def refuse_operator(self) -> NoReturn:
        """Raise the UsageError for the operator at the reader's place."""
        sign = as_text(self.reader.peek())
        self.reader.refuse(f"an unquoted {sign} is not supported", _QUOTE_IT)


def _is_current_folder(path: str) -> bool:
    """Whether bash would keep this ``PWD`` from its environment unchanged."""
    folder = Path(path)
    try:
        return folder.is_absolute() and str(folder.resolve()) == path == str(Path.cwd())
    except OSError:
        return False
