"""From the bytes of a file to its text, or to the reason why it has none."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..records import Part, Skip
from .decode import decode
from .formats import VERSIONS, sniff
from .isolated import Sandbox
from .kinds import is_html, skip_by_content, skip_by_name

__all__ = ["BY_KIND", "EXTRACTORS", "Extracted", "Sandbox", "extract", "skip_by_name"]

#: What decides by name and first bytes that a file has no text.
BY_KIND = "kinds"

#: Name and version of each extractor, for the index recipe: raise the version when something else
#: comes out for the same bytes. The files that an extractor read or refused are then read again.
EXTRACTORS: Mapping[str, str] = MappingProxyType({BY_KIND: "2", "text": "1", **VERSIONS})


@dataclass(frozen=True, slots=True)
class Extracted:
    """What came of reading a file.

    Attributes:
        extractor: the key of ``EXTRACTORS`` that decided.
        parts: the text, none of it blank; empty if there is none.
        skip: why there is none.
    """

    extractor: str
    parts: tuple[Part, ...] = ()
    skip: Skip | None = None


def extract(data: bytes, *, path: bytes, sandbox: Sandbox) -> Extracted:
    """Read the text out of a file's bytes.

    Args:
        data: the whole content.
        path: relative to its root; the name tells the kind where the content does not.
        sandbox: reads all but plain text.

    Returns:
        Parts or a reason (quarantined where the file is damaged). Never raises for what is in the
        file.

    Raises:
        ParserProcessError: see ``Sandbox.read``.
    """
    if skip := skip_by_name(path):
        return Extracted(BY_KIND, skip=skip)
    promised = sniff(path, data)
    if isinstance(promised, Skip):
        return Extracted(BY_KIND, skip=promised)
    if promised is None and (skip := skip_by_content(data)):
        return Extracted(BY_KIND, skip=skip)
    if promised is None and is_html(path, data):
        promised = "html"
    if promised is None:
        return _extracted("text", _plain(data))
    return _extracted(promised, sandbox.read(promised, data, path))


def _extracted(extractor: str, found: list[Part] | Skip) -> Extracted:
    if isinstance(found, Skip):
        return Extracted(extractor, skip=found)
    parts = tuple(part for part in found if part.text and not part.text.isspace())
    return Extracted(extractor, parts, None if parts else Skip("empty"))


def _plain(data: bytes) -> list[Part] | Skip:
    try:
        text = decode(data)
    except Exception as error:
        # The type alone: the message of a decoding error quotes the file.
        return Skip(f"extractor text failed: {type(error).__name__}", quarantined=True)
    return text if isinstance(text, Skip) else [Part(text)]
