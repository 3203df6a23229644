"""Mail: one message (.eml), or a box of them (.mbox), a part a message."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message

from ..records import Part, Skip
from .decode import decode, strictly
from .formats import MESSAGE_BEGINS, is_box
from .html import html_text, known_codec
from .parts import Parts, Refused, guarded, one_line

#: Each multipart inside another makes every line inside both dearer to read.
MAX_MULTIPARTS = 100
_LONGEST_HEADER = 2_000  # the parser of encoded words is slow on longer ones
_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_BETWEEN = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\r\n\r\n))" + MESSAGE_BEGINS)
_QUOTED_FROM = re.compile(rb"^>(?=>*From )", re.MULTILINE)
_UTF8_MARK = b"\xef\xbb\xbf"


@guarded("mail")
def mail_parts(data: bytes) -> list[Part] | Skip:
    """Read a message (no place) or all of a box (place ``message 2: Subject``).

    A part is the main headers, the body (plain text where there is one, else the HTML as it is
    seen), and the names of what is attached.
    """
    parts = Parts()
    if not is_box(data):
        parts.add(_text(_parsed(data)))
        return parts.found
    unread = 0
    for number, source in enumerate(_messages(data), start=1):
        try:
            message = _parsed(source)
            text, subject = _text(message), _header(message, "Subject")
        except MemoryError:
            raise
        except Exception:  # one bad message does not hide the others
            unread += 1
        else:
            parts.add(text, f"message {number}: {subject}".removesuffix(": "))
    if unread and not parts.found:
        raise Refused("damaged (no message can be read)")
    return parts.found


def _messages(data: bytes) -> Iterator[bytes]:
    starts = list(_BETWEEN.finditer(data))
    ends = [match.start() for match in starts[1:]] + [len(data)]
    for match, end in zip(starts, ends, strict=True):
        yield _QUOTED_FROM.sub(b"", data[match.end() : end])


def _parsed(source: bytes) -> Message:
    if source.count(b"boundary=") > MAX_MULTIPARTS:
        raise Refused(f"more than {MAX_MULTIPARTS} multiparts in a message")
    return message_from_bytes(source.removeprefix(_UTF8_MARK))


def _text(message: Message) -> str:
    lines = [f"{name}: {value}" for name in _HEADERS if (value := _header(message, name))]
    plain, html, attached = _bodies(message)
    lines += ["", "\n\n".join(plain or map(_seen, html)).strip(), ""]
    lines += [f"Attachment: {name}" for name in attached]
    return "\n".join(lines).strip()


def _header(message: Message, name: str) -> str:
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            raw = str(value)[:_LONGEST_HEADER].encode("ascii", "surrogateescape")
            return one_line(_decoded(strictly(raw, "utf-8") or raw.decode("latin-1")), 500)
    return ""


def _decoded(value: str) -> str:
    """Decode words like ``=?utf-8?q?Gr=C3=BC=C3=9Fe?=``; what is broken stays as it is."""
    try:
        return str(make_header(decode_header(value)))
    except (MessageError, LookupError, ValueError):
        return value


def _bodies(message: Message) -> tuple[list[str], list[str], list[str]]:
    plain: list[str] = []
    html: list[str] = []
    attached: list[str] = []
    for part in message.walk():
        name = part.get_filename()
        if name or part.get_content_disposition() == "attachment":
            attached.append(one_line(_decoded(name or part.get_content_type())))
        elif part.get_content_type() == "text/plain":
            plain.append(_body(part))
        elif part.get_content_type() == "text/html":
            html.append(_body(part))
    return [text for text in plain if text.strip()], html, attached


def _body(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    codec = known_codec(charset.encode("ascii", "replace"))
    text = strictly(payload, codec) if codec is not None else None
    if text is None:
        found = decode(payload)
        text = payload.decode("latin-1") if isinstance(found, Skip) else found
    return text


def _seen(html: str) -> str:
    # The mark tells the reader of HTML that the encoding is settled.
    text = html_text(_UTF8_MARK + html.encode("utf-8", "replace"))
    if isinstance(text, Skip):
        raise Refused(text.reason)
    return text
