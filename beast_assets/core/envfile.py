"""Env files such as ``paths.env`` and ``ports.env``, read as bash reads them, running nothing.

The measure is ``bash --norc --noprofile -c 'set -a; source FILE; env -0'`` without ``BASH_ENV``:
what is accepted has the very value it has there, and what is not certain to is refused.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from stat import S_ISREG
from typing import NoReturn

from beast_assets.core.env_reader import Reader
from beast_assets.core.env_words import (
    MAX_ENTRY_BYTES,
    OPERATORS,
    WORD_END,
    Words,
    as_text,
    is_bash_own,
)
from beast_assets.core.errors import UsageError

_MAX_FILE_BYTES = 262_144
_MAX_TOTAL_BYTES = 1_048_576

_COMMENT = re.compile(rb"#[^\n]*")
_UTF8_LOCALE = r"(?i)(C|POSIX|([^.@]+\.utf-?8(@.*)?))?"
_LOCALE_NAMES = ("LC_ALL", "LC_CTYPE", "LANG")

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
    statements = _Statements(Reader(data, filename), environ)
    statements.run()
    return {as_text(name): as_text(value) for name, value in statements.assigned.items()}


class _Statements:
    def __init__(self, reader: Reader, environ: Mapping[str, str]) -> None:
        self.reader = reader
        self.environ = environ
        self.assigned: dict[bytes, bytes] = {}
        self.words = Words(reader, environ, self.assigned)
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
        if reader.peek() == b"#":
            reader.take_run(_COMMENT)
        return reader.peek() not in {b"", b"\n"}

    def _line(self) -> None:
        name = self.reader.take_name()
        if name == b"export" and self.reader.peek() in WORD_END:
            self._export()
            return
        self._store(name, self._value(name, exported=False))
        while self._more_words():
            name = self.reader.take_name()
            self._store(name, self._value(name, exported=False))

    def _export(self) -> None:
        # Bash expands every word of the command before it assigns the first.
        values: list[tuple[bytes, bytes]] = []
        if "BASH_FUNC_export%%" in self.environ:
            self.reader.refuse("a shell function replaces export", "run: unset -f export")
        if not self._more_words():
            self.reader.refuse("export without a name prints variables", "remove it or name one")
        while self._more_words():
            name = self.reader.take_name()
            if name and self.reader.peek() in WORD_END:
                self.words.lookup(name, self.reader.at)
            else:
                values.append((name, self._value(name, exported=True)))
        for name, value in values:
            self._store(name, value)

    def _value(self, name: bytes, *, exported: bool) -> bytes:
        if not name or self.reader.peek() != b"=":
            self._refuse_word(name)
        if is_bash_own(as_text(name)):
            self.reader.refuse(f"{as_text(name)} belongs to bash itself", "use another name")
        self.reader.take()
        return self.words.value(MAX_ENTRY_BYTES - len(name) - 1, exported=exported)

    def _refuse_word(self, name: bytes) -> NoReturn:
        reader, following = self.reader, self.reader.peek()
        if following in OPERATORS:
            self.words.refuse_operator()
        if name and following == b"[":
            reader.refuse("arrays are not supported", "use one variable for each value")
        if name and reader.data.startswith(b"+=", reader.at):
            reader.refuse("NAME+=value is not supported", 'write NAME="${NAME}value"')
        reader.refuse(
            "a command or a stray word, and nothing is run here",
            "only NAME=value and export stand here; put a value with blanks in quotes",
        )

    def _store(self, name: bytes, value: bytes) -> None:
        if (text := as_text(name)) in _LOCALE_NAMES:
            self._check_locale(text, as_text(value))
        self.assigned[name] = value
        self.bytes_left -= len(name) + len(value)
        if self.bytes_left < 0:
            self.reader.refuse("too much for an environment", "assign less")
