"""PDF, a part a page."""

from typing import TYPE_CHECKING

from ..records import Part, Skip
from .parts import Parts, Refused, guarded

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

NO_TEXT = Skip("no_text_layer")
_WRONG_PASSWORD, _UNKNOWN_ENCRYPTION = 4, 5


@guarded("pdf")
def pdf_parts(data: bytes) -> list[Part] | Skip:
    """Read the text layer of each page (place ``page 3``); scanned pages have none."""
    from pypdfium2 import PdfiumError

    document = _open(data)
    parts, unread = Parts(), 0
    try:
        for number in range(len(document)):
            try:
                parts.add(_page_text(document, number), f"page {number + 1}")
            except PdfiumError:  # one bad page does not hide the others
                unread += 1
    finally:
        document.close()
    if unread and not parts.found:
        raise Refused("damaged (no page can be read)")
    return parts.found or NO_TEXT


def _open(data: bytes) -> "PdfDocument":
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        return PdfDocument(data)
    except PdfiumError as error:
        # The code may be that of a file opened earlier: PDFium does not take it back.
        if error.err_code in (_WRONG_PASSWORD, _UNKNOWN_ENCRYPTION) and b"/Encrypt" in data:
            raise Refused("encrypted") from None
        raise


def _page_text(document: "PdfDocument", number: int) -> str:
    page = document[number]
    try:
        text_page = page.get_textpage()
        try:
            text = str(text_page.get_text_bounded())
        finally:
            text_page.close()
    finally:
        page.close()
    return text.strip()
