"""From the bytes of a file to its text, or to the reason why it has none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..records import Skip
from .decode import decode
from .html import html_text
from .kinds import is_html, skip_by_content, skip_by_name

__all__ = ["EXTRACTORS", "Document", "extract", "skip_by_name"]

#: Name and version of each extractor, for the index recipe: raise the version when the text that
#: comes out for the same bytes changes.
EXTRACTORS: Mapping[str, int] = MappingProxyType({"text": 1, "html": 1})

_FUNCTIONS: Mapping[str, Callable[[bytes], str | Skip]] = {"text": decode, "html": html_text}


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one file, line ends as they were, without lone surrogates.

    Attributes:
        text: never blank; offsets of chunks refer to it.
        extractor: a key of ``EXTRACTORS``.
    """

    text: str
    extractor: str


def extract(data: bytes, *, path: bytes) -> Document | Skip:
    """Read the text out of a file's bytes.

    Args:
        data: the whole content.
        path: relative to its root; the name tells the kind where the content does not.

    Returns:
        The document, or a ``Skip`` (quarantined where the file is damaged). Never raises for what
        is in the file.
    """
    skip = skip_by_name(path) or skip_by_content(data)
    if skip is not None:
        return skip
    extractor = "html" if is_html(path, data) else "text"
    text = _run(extractor, data)
    if isinstance(text, Skip):
        return text
    if not text or text.isspace():
        return Skip("empty")
    return Document(text, extractor)


def _run(extractor: str, data: bytes) -> str | Skip:
    try:
        return _FUNCTIONS[extractor](data)
    except Exception as error:
        # The type alone: the message of a decoding error quotes the file.
        return Skip(f"extractor {extractor} failed: {type(error).__name__}", quarantined=True)
