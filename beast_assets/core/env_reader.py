"""The bytes of an env file, taken one after the other."""

import re
from typing import NoReturn

from beast_assets.core.errors import UsageError


class Reader:
    """A file's bytes and a place in them.

    As in bash, a backslash before a line end vanishes wherever ``peek`` looks: everywhere but in
    single quotes and comments.
    """

    def __init__(self, data: bytes, filename: str) -> None:
        self.data = data
        self.filename = filename
        self.at = 0

    def peek(self) -> bytes:
        """The next byte, nothing at the end."""
        while self.data.startswith(b"\\\n", self.at):
            self.at += 2
        return self.data[self.at : self.at + 1]

    def take(self, size: int = 1) -> bytes:
        """Take so many bytes, fewer at the end."""
        self.at += size
        return self.data[self.at - size : self.at]

    def take_run(self, pattern: re.Pattern[bytes]) -> bytes:
        """Take what matches, and one byte where nothing does."""
        run = pattern.match(self.data, self.at)
        return self.take(run.end() - self.at if run else 1)

    def take_name(self) -> bytes:
        """Take a variable's name, nothing where none stands."""
        name = bytearray()
        while (sign := self.peek()) == b"_" or (sign.isalnum() if name else sign.isalpha()):
            name += self.take()
        return bytes(name)

    def refuse(self, what: str, instead: str, at: int | None = None) -> NoReturn:
        """Raise the UsageError for the line at a place, by default the current one."""
        line = self.data.count(b"\n", 0, self.at if at is None else at) + 1
        raise UsageError(f"{self.filename}:{line}: {what}; {instead}")
