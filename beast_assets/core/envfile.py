"""Env files such as ``paths.env`` and ``ports.env``, read as bash reads them, running nothing.

The measure is ``bash --norc --noprofile -c 'set -a; source FILE; env -0'`` without ``BASH_ENV``:
what is accepted has the very value it has there, and what is not certain to is refused.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from stat import S_ISREG
from typing import NoReturn

from beast_assets.core.errors import UsageError

_MAX_FILE_BYTES = 262_144
# Linux refuses to pass a longer NAME=value to any program; it also stops A=$A$A from growing.
_MAX_ENTRY_BYTES = 131_071
_MAX_TOTAL_BYTES = 1_048_576

_WORD_END = frozenset({b"", b" ", b"\t", b"\n"})
_LINE_END = frozenset({b"", b"\n"})
_TILDE_END = _WORD_END | {b"/", b":"}
_NAME_START = frozenset(bytes([c]) for c in range(128) if chr(c).isalpha() or c == 0x5F)
_NAME_PART = _NAME_START | frozenset(b"%d" % digit for digit in range(10))
_RUN = re.compile(rb"[A-Za-z0-9_./%+,@=-]+")
_QUOTED_RUN = re.compile(rb'[^"\\$`]+')
_UTF8_LOCALE = r"(?i)(C|POSIX|([^.@]+\.utf-?8(@.*)?))?"
_LOCALE_NAMES = ("LC_ALL", "LC_CTYPE", "LANG")

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
_OPERATORS = frozenset({b";", b"&", b"|", b"<", b">", b"(", b")"})
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
_BAD_BYTE = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_BAD_BYTES = {
    0x00: ("a NUL byte", "save the file as plain text (UTF-8)"),
    0x0D: ("a carriage return", "save the file with Unix line ends"),
}


def read_env_file(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Read one env file.

    Args:
        path: the file; one that does not exist assigns nothing.
        environ: the environment that ``$NAME`` and ``~`` see.

    Returns:
        The value of every variable the file assigns, bytes that are not UTF-8 as surrogates.

    Raises:
        UsageError: it cannot be read, or holds what ``parse_env`` refuses.
    """
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise UsageError(f"{path}: not a plain file; put a plain file there or remove it")
        if status.st_size > _MAX_FILE_BYTES:
            raise UsageError(f"{path}: over {_MAX_FILE_BYTES} bytes, which no env file needs")
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); make it readable") from error
    return parse_env(data, environ=environ, filename=str(path))


def parse_env(data: bytes, *, environ: Mapping[str, str], filename: str) -> dict[str, str]:
    """Find what an env file assigns, without running any of it.

    Args:
        data: the file's bytes.
        environ: the environment that ``$NAME`` and ``~`` see; lines above win over it.
        filename: how errors name the file.

    Returns:
        The value of every variable the file assigns, bytes that are not UTF-8 as surrogates.

    Raises:
        UsageError: anything whose value in bash is not certain, with file, line and remedy.
    """
    parser = _Parser(_Reader(data, filename), environ)
    parser.run()
    return {_text(name): _text(value) for name, value in parser.assigned.items()}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


class _Reader:
    """A file's bytes and a place in them.

    As in bash, a backslash before a line end vanishes wherever ``peek`` looks: everywhere but in
    single quotes and comments.
    """

    def __init__(self, data: bytes, filename: str) -> None:
        self.data = data
        self.filename = filename
        self.at = 0

    def peek(self) -> bytes:
        while self.data.startswith(b"\\\n", self.at):
            self.at += 2
        return self.data[self.at : self.at + 1]

    def take(self, size: int = 1) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def take_run(self, pattern: re.Pattern[bytes]) -> bytes:
        run = pattern.match(self.data, self.at)
        return self.take(run.end() - self.at if run else 1)

    def take_until(self, stop: bytes) -> bytes | None:
        """Take up to ``stop`` and leave it, or take nothing where there is none."""
        end = self.data.find(stop, self.at)
        return None if end < 0 else self.take(end - self.at)

    def take_name(self) -> bytes:
        name = bytearray()
        while self.peek() in (_NAME_PART if name else _NAME_START):
            name += self.take()
        return bytes(name)

    def refuse(self, what: str, instead: str, at: int | None = None) -> NoReturn:
        line = self.data.count(b"\n", 0, self.at if at is None else at) + 1
        raise UsageError(f"{self.filename}:{line}: {what}; {instead}")


class _Parser:
    def __init__(self, reader: _Reader, environ: Mapping[str, str]) -> None:
        self.reader = reader
        self.environ = environ
        self.assigned: dict[bytes, bytes] = {}
        self.bytes_left = _MAX_TOTAL_BYTES

    def run(self) -> None:
        self._check_bytes()
        if "SHELLOPTS" in self.environ:
            self.reader.refuse("SHELLOPTS is set, which changes what bash does", "unset it")
        while True:
            if self._more_words():
                self._line()
            if not self.reader.take():
                return

    def _check_bytes(self) -> None:
        reader = self.reader
        if reader.data.startswith(b"\xef\xbb\xbf"):
            reader.refuse("a byte order mark", "save the file as UTF-8 without one")
        if bad := _BAD_BYTE.search(reader.data):
            usual = (f"a control character (0x{bad[0].hex()})", "remove it")
            reader.refuse(*_BAD_BYTES.get(bad[0][0], usual), at=bad.start())
        for name in _LOCALE_NAMES:
            if value := self.environ.get(name):
                self._check_locale(name, value)
                return

    def _check_locale(self, name: str, value: str) -> None:
        """In some old encodings a byte that reads as a backslash is half of a letter."""
        if not self.reader.data.isascii() and not re.fullmatch(_UTF8_LOCALE, value):
            self.reader.refuse(
                f"{name} names no UTF-8 locale, and the file is not plain ASCII",
                f"use a UTF-8 locale such as {name}=C.UTF-8",
            )

    def _more_words(self) -> bool:
        """Skip blanks and a comment; say whether a word follows before the line ends."""
        reader = self.reader
        while reader.peek() in {b" ", b"\t"}:
            reader.take()
        if reader.peek() == b"#" and reader.take_until(b"\n") is None:
            reader.at = len(reader.data)
        return reader.peek() not in _LINE_END

    def _line(self) -> None:
        name = self.reader.take_name()
        if name == b"export" and self.reader.peek() in _WORD_END:
            self._export()
            return
        self._store(name, self._assignment(name, exported=False))
        while self._more_words():
            name = self.reader.take_name()
            self._store(name, self._assignment(name, exported=False))

    def _export(self) -> None:
        # Bash expands every word of the command before it assigns the first.
        values: list[tuple[bytes, bytes]] = []
        if "BASH_FUNC_export%%" in self.environ:
            self.reader.refuse("a shell function replaces export", "run: unset -f export")
        if not self._more_words():
            self.reader.refuse("export without a name prints variables", "remove it or name one")
        while self._more_words():
            name = self.reader.take_name()
            if name and self.reader.peek() in _WORD_END:
                self._lookup(name, self.reader.at)
            else:
                values.append((name, self._assignment(name, exported=True)))
        for name, value in values:
            self._store(name, value)

    def _assignment(self, name: bytes, *, exported: bool) -> bytes:
        if not name or self.reader.peek() != b"=":
            self._refuse_word(name)
        if _is_bash_own(_text(name)):
            self.reader.refuse(f"{_text(name)} belongs to bash itself", "use another name")
        self.reader.take()
        return self._value(_MAX_ENTRY_BYTES - len(name) - 1, exported=exported)

    def _refuse_word(self, name: bytes) -> NoReturn:
        reader, following = self.reader, self.reader.peek()
        if following in _OPERATORS:
            self._refuse_operator()
        if name and following == b"[":
            reader.refuse("arrays are not supported", "use one variable for each value")
        if name and reader.data.startswith(b"+=", reader.at):
            reader.refuse("NAME+=value is not supported", 'write NAME="${NAME}value"')
        reader.refuse(
            "a command or a stray word, and nothing is run here",
            "only NAME=value and export stand here; put a value with blanks in quotes",
        )

    def _refuse_operator(self) -> NoReturn:
        sign = _text(self.reader.peek())
        self.reader.refuse(f"an unquoted {sign} is not supported", _QUOTE_IT)

    def _store(self, name: bytes, value: bytes) -> None:
        if (text := _text(name)) in _LOCALE_NAMES:
            self._check_locale(text, _text(value))
        self.assigned[name] = value
        self.bytes_left -= len(name) + len(value)
        if self.bytes_left < 0:
            self.reader.refuse("too much for an environment", "assign less")

    def _value(self, limit: int, *, exported: bool) -> bytes:
        reader, value, tilde_counts = self.reader, bytearray(), True
        while (sign := reader.peek()) not in _WORD_END:
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
        if sign in _OPERATORS:
            self._refuse_operator()
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
        self.reader.take()
        text = self.reader.take_until(b"'")
        if text is None:
            self.reader.refuse("this single quote is never closed", "close it", start)
        self.reader.take()
        return text

    def _double(self) -> bytes:
        reader, start, text = self.reader, self.reader.at, bytearray()
        reader.take()
        while (sign := reader.peek()) != b'"':
            if not sign:
                reader.refuse("this double quote is never closed", "close it", start)
            text += self._quoted_piece(sign)
            if len(text) > _MAX_ENTRY_BYTES:
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
            return self._lookup(name, start)
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
        return self._lookup(name, start)

    def _lookup(self, name: bytes, at: int) -> bytes:
        if name in self.assigned:
            return self.assigned[name]
        text = _text(name)
        defaulted = text in _BASH_DEFAULTS and text not in self.environ
        if defaulted or _is_bash_own(text):
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
        home = self._lookup(b"HOME", start)
        if home.endswith(b"/") and reader.peek() == b"/":
            # Versions of bash differ in whether they keep both slashes.
            reader.refuse("HOME ends with a slash", "write ${HOME} without a slash after", start)
        return home


def _is_bash_own(name: str) -> bool:
    return name in _BASH_OWN or name.startswith("BASH")


def _is_current_folder(path: str) -> bool:
    """Whether bash would keep this ``PWD`` from its environment unchanged."""
    folder = Path(path)
    try:
        return folder.is_absolute() and str(folder.resolve()) == path == str(Path.cwd())
    except OSError:
        return False
