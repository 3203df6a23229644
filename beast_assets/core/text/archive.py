"""Zip files of strangers: looked at before they are unpacked, and unpacked by counting.

Members are read into memory by name, only those that a reader asks for; a document inside the
document is never opened, so nesting does no harm, and no name becomes a path.
"""

import io
import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .parts import Refused
from .xml import tree

#: A book of a thousand chapters with pictures has fewer; 65,535 make a second of reading names.
MAX_ENTRIES = 10_000
#: Twice the largest file that is read at all; a tree of it takes ten times as much.
MAX_UNPACKED = 128 * 2**20
#: Deflate reaches 1,032, the XML of real sheets 60; Apache POI draws the line here too.
MAX_RATIO = 100
_SMALL = 16 * 2**20  # what unpacks to less does no harm at any ratio
_HEADER_OF_AN_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others may take gigabytes to unpack


class Archive:
    """A zip file whose table of contents is sane.

    Args:
        data: the file.

    Attributes:
        names: of its members, in the order of the file.

    Raises:
        Refused: it is not sane, or a member turns out not to be.
    """

    def __init__(self, data: bytes) -> None:
        if data.count(_HEADER_OF_AN_ENTRY) > MAX_ENTRIES:
            raise Refused(f"more than {MAX_ENTRIES} entries")
        self._file = zipfile.ZipFile(io.BytesIO(data))
        _check(self._file.infolist())
        self.names = self._file.namelist()
        self._room = MAX_UNPACKED

    def __contains__(self, name: str) -> bool:
        return name in self._file.NameToInfo

    def read(self, name: str) -> bytes:
        """Unpack a member.

        Raises:
            Refused: there is none, or all that was unpacked becomes too much.
        """
        if name not in self:
            raise Refused("a member is missing")
        with self._file.open(name) as member:
            data = member.read(self._room + 1)
        self._room -= len(data)
        if self._room < 0:
            raise Refused(f"unpacks to more than {MAX_UNPACKED} bytes")
        return data

    def tree(self, name: str) -> Any:
        """Unpack a member and parse it as XML: see ``xml.tree``."""
        return tree(self.read(name))

    def matching(self, pattern: str) -> list[str]:
        """Give the names that match a regular expression, numbers in them in their order."""
        found = [name for name in self.names if re.fullmatch(pattern, name)]
        return sorted(found, key=lambda name: (len(name), name))

    def repacked(self, checks: Mapping[str, Callable[[bytes], None]]) -> bytes:
        """Write a zip file of the members that pass the check for the end of their names.

        For parsers that unpack by themselves: they see what was checked, and nothing else.

        Args:
            checks: by extension; members of other extensions are left out.
        """
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as packed:
            for name in self.names:
                check = checks.get(posixpath.splitext(name)[1].lower())
                if check is not None:
                    data = self.read(name)
                    check(data)
                    packed.writestr(zipfile.ZipInfo(name), data)
        return buffer.getvalue()


def _check(entries: Sequence[zipfile.ZipInfo]) -> None:
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise Refused("encrypted")
    if any(entry.compress_type not in _METHODS for entry in entries):
        raise Refused("packed by an unusual method")
    if max(Counter(entry.filename for entry in entries).values(), default=0) > 1:
        raise Refused("a name occurs twice")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Refused(f"unpacks to more than {MAX_UNPACKED} bytes")
    for entry in entries:
        if entry.file_size > max(_SMALL, MAX_RATIO * entry.compress_size):
            raise Refused(f"unpacks to more than {MAX_RATIO} times its size")
