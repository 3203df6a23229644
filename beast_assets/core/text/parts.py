"""What all readers of documents share: parts in the making, and how a reader gives up."""

import re
from collections.abc import Callable
from functools import wraps

from ..records import Part, Skip

#: A file is at most 64 MiB, and text is smaller than what it was packed in; more than this comes of
#: one page or cell that is referred to over and over.
MAX_CHARS = 64 * 2**20
_LONGEST_PLACE = 80
# Lone surrogates break SQLite and Arrow, NUL breaks PostgreSQL, the others break a terminal.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

Reader = Callable[[bytes], "list[Part] | Skip"]


class Refused(Exception):
    """Something is wrong with the file: becomes a quarantined ``Skip``.

    Args:
        why: short and the same for all files of the kind; never a word of the file.
    """


class Parts:
    """The parts of a document, in order."""

    def __init__(self) -> None:
        self.found: list[Part] = []
        self._room = MAX_CHARS

    def add(self, text: str, place: str = "") -> None:
        """Append a part, without what is no text; a blank one is left out."""
        self._room -= len(text)
        if self._room < 0:
            raise Refused(f"more than {MAX_CHARS} characters")
        if text and not text.isspace():
            self.found.append(Part(clean(text), one_line(place)))


def clean(text: str) -> str:
    """Take out what is no text, and end every line with a line feed."""
    return _NOT_TEXT.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def one_line(text: str, longest: int = _LONGEST_PLACE) -> str:
    """Shorten to a line that can be shown."""
    line = " ".join(clean(text[: 4 * longest]).split())
    shown = "".join(character for character in line if character.isprintable())
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def guarded(name: str) -> Callable[[Reader], Reader]:
    """Make a reader of the format ``name`` that answers with a ``Skip`` whatever the file does.

    Returns:
        A decorator. Lack of memory is no answer and goes on to the caller.
    """

    def decorate(read: Reader) -> Reader:
        @wraps(read)
        def guard(data: bytes) -> "list[Part] | Skip":
            try:
                return read(data) or Skip("empty")
            except Refused as why:
                return Skip(f"{name}: {why}", quarantined=True)
            except (MemoryError, KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # a panic of Rust is no Exception
                # The type alone: messages of parsers quote the file.
                return Skip(f"{name}: damaged ({type(error).__name__})", quarantined=True)

        return guard

    return decorate
