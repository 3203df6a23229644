"""Documents of every format, made from code alone: the same bytes on every run and machine."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any

_THEN = (2020, 1, 2, 3, 4, 6)
XML = "<?xml version='1.0' encoding='UTF-8'?>"
PACKAGE_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
EXCEL = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"


def zip_of(members: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file whose dates do not depend on the clock."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, _THEN)
            entry.compress_type = method
            archive.writestr(entry, content)
    return buffer.getvalue()


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_member(data: bytes, name: str, content: str | bytes) -> bytes:
    """The same zip file with one member replaced or added."""
    return zip_of(members_of(data) | {name: content})


# --- PDF


def pdf_of(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of numbered objects, of which the first is the catalogue."""
    data = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
    data += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    data += b"trailer\n<< /Size %d /Root 1 0 R %b >>\n" % (len(offsets) + 1, trailer)
    return bytes(data + b"startxref\n%d\n%%%%EOF\n" % start)


def pdf_stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), entries, content)


def pdf(pages: Sequence[str], trailer: bytes = b"", *, compressed: bool = False) -> bytes:
    """A PDF with the lines of each page in Helvetica."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(pages)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * number)
        )
        content = _pdf_text(page)
        if compressed:
            objects.append(pdf_stream(zlib.compress(content), b"/Filter /FlateDecode"))
        else:
            objects.append(pdf_stream(content))
    return pdf_of(objects, trailer)


def _pdf_text(page: str) -> bytes:
    lines = [line.encode("cp1252") for line in page.split("\n")]
    shown = b" T* ".join(b"(%b) Tj" % line for line in lines)
    return b"BT /F1 12 Tf 14 TL 72 720 Td %b ET" % shown if page else b"0 0 m 9 9 l S"


# --- Office


def docx(needle: str, rows: Sequence[Sequence[str]] = (("Item", "Cost"), ("Tea", "3"))) -> bytes:
    """A heading, the needle in a paragraph, a table, a closing paragraph and a header."""
    import docx as library

    document = library.Document()
    document.add_heading("A report", level=1)
    document.add_paragraph(f"Here is {needle}.")
    document.add_heading("Numbers", level=2)
    table = document.add_table(rows=0, cols=len(rows[0]))
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.add_paragraph("The end.")
    document.sections[0].header.paragraphs[0].text = "Confidential header"
    buffer = io.BytesIO()
    document.save(buffer)
    return zip_of(members_of(buffer.getvalue()))


def pptx(slides: Sequence[tuple[str, str, str]]) -> bytes:
    """Slides of title, text and speaker notes."""
    import pptx as library

    show = library.Presentation()
    for title, text, notes in slides:
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    buffer = io.BytesIO()
    show.save(buffer)
    return zip_of(members_of(buffer.getvalue()))


Cells = Mapping[tuple[int, int], str | float]


def xlsx(sheets: Mapping[str, Cells]) -> bytes:
    """Sheets of cells by row and column, both from 0."""
    listed = "".join(
        f"<sheet name='{name}' sheetId='{number}' r:id='rId{number}'/>"
        for number, name in enumerate(sheets, start=1)
    )
    relations = [
        ("worksheet", f"worksheets/sheet{number + 1}.xml") for number in range(len(sheets))
    ]
    members = {
        "[Content_Types].xml": f"{XML}<Types/>",
        "_rels/.rels": relation_list([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f"{XML}<workbook xmlns='{EXCEL}' xmlns:r='{OFFICE_RELATIONS}'>"
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relation_list(relations),
    }
    for number, cells in enumerate(sheets.values(), start=1):
        rows = "".join(_xlsx_cell(*at, value) for at, value in sorted(cells.items()))
        members[f"xl/worksheets/sheet{number}.xml"] = (
            f"{XML}<worksheet xmlns='{EXCEL}'><sheetData>{rows}</sheetData></worksheet>"
        )
    return zip_of(members)


def _xlsx_cell(row: int, column: int, value: str | float) -> str:
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    at = f"{letters}{row + 1}"
    cell = f"<c r='{at}'><v>{value}</v></c>"
    if isinstance(value, str):
        cell = f"<c r='{at}' t='inlineStr'><is><t>{value}</t></is></c>"
    return f"<row r='{row + 1}'>{cell}</row>"


def ods(tables: str, manifest: str = "") -> bytes:
    """An OpenDocument spreadsheet around ``<table:table>`` elements."""
    namespace = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f"{XML}<office:document-content xmlns:office='{namespace}:office:1.0'"
        f" xmlns:table='{namespace}:table:1.0' xmlns:text='{namespace}:text:1.0'>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    entries = (
        f"{XML}<manifest:manifest xmlns:manifest='{namespace}:manifest:1.0'>"
        f"<manifest:file-entry manifest:full-path='/' manifest:media-type='{ODS_TYPE}'/>"
        f"{manifest}</manifest:manifest>"
    )
    members = {"mimetype": ODS_TYPE, "content.xml": content, "META-INF/manifest.xml": entries}
    return zip_of(members)


def ods_row(*texts: str, repeated: int = 1) -> str:
    cells = "".join(
        f"<table:table-cell office:value-type='string'><text:p>{text}</text:p></table:table-cell>"
        if text
        else "<table:table-cell/>"
        for text in texts
    )
    return f"<table:table-row table:number-rows-repeated='{repeated}'>{cells}</table:table-row>"


def xlsb(sheet: str, cells: Cells) -> bytes:
    """A binary workbook of one sheet of texts."""
    records = [_record(0x81), _record(0x94, struct.pack("<4I", 0, 0, 0, 0)), _record(0x91)]
    for (row, column), value in sorted(cells.items()):
        records.append(_record(0, struct.pack("<IIHH", row, 0, 0, 0) + bytes(5)))
        records.append(_record(6, struct.pack("<II", column, 0) + _wide(str(value))))
    records += [_record(0x92), _record(0x82)]
    bundle = struct.pack("<II", 0, 1) + _wide("rId1") + _wide(sheet)
    book = [_record(0x83), _record(0x8F), _record(0x9C, bundle), _record(0x90), _record(0x84)]
    relations = relation_list([("worksheet", "worksheets/sheet1.bin")])
    return zip_of(
        {
            "[Content_Types].xml": "<Types/>",
            "xl/workbook.bin": b"".join(book),
            "xl/_rels/workbook.bin.rels": relations,
            "xl/worksheets/sheet1.bin": b"".join(records),
        }
    )


def _record(kind: int, content: bytes = b"") -> bytes:
    size = len(content)
    sizes = []
    while size > 0x7F:
        sizes.append(size & 0x7F | 0x80)
        size >>= 7
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return head + bytes([*sizes, size]) + content


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def relation_list(targets: Sequence[tuple[str, str]]) -> str:
    """Relations ``rId1``, ``rId2``… of a kind to a target each."""
    entries = "".join(
        f"<Relationship Id='rId{number}' Type='{OFFICE_RELATIONS}/{kind}' Target='{target}'/>"
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f"{XML}<Relationships xmlns='{PACKAGE_RELATIONS}'>{entries}</Relationships>"


def xls(sheet: str, cells: Cells, *, locked: bool = False) -> bytes:
    """A workbook of Excel 97 with one sheet of texts, or one that says it has a password."""
    name = bytes([len(sheet), 0]) + sheet.encode("latin-1")
    begin = _biff(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6))
    end = _biff(0x0A)
    begin += _biff(0x2F, struct.pack("<HHH", 1, 1, 1) + bytes(48)) if locked else b""
    size = len(begin) + 4 + 6 + len(name) + len(end)
    head = begin + _biff(0x85, struct.pack("<IH", size, 0) + name) + end
    body = _biff(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 6))
    for (row, column), value in sorted(cells.items()):
        text = str(value).encode("latin-1")
        body += _biff(0x204, struct.pack("<HHHHB", row, column, 0, len(text), 0) + text)
    return compound_file("Workbook", head + body + end)


def _biff(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def compound_file(name: str, content: bytes) -> bytes:
    """An OLE file of one stream: header, table of sectors, directory, stream."""
    content = content.ljust(4096, b"\0")  # shorter ones are kept in another way
    count = -(-len(content) // 512)
    free, end, table = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    header = struct.pack(
        "<8s16s5H6x9I109I",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, 1, 0, 4096, end, 0, end, 0, 0, *([free] * 108)),
    )
    chain = [table, end, *range(3, 2 + count), end]
    sectors = struct.pack("<128I", *chain, *([free] * (128 - len(chain))))
    entries = _entry("Root Entry", 5, 1, end, 0) + _entry(name, 2, free, 2, len(content))
    directory = entries + _entry("", 0, free, 0, 0) * 2
    return header + sectors + directory + content.ljust(512 * count, b"\0")


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    free = 0xFFFFFFFF
    wide = name.encode("utf-16-le")
    length = len(wide) + 2 if name else 0
    return struct.pack(
        "<64sHBBIII16sIQQIQ", wide, length, kind, 1, free, free, child, b"", 0, 0, 0, start, size
    )


# --- EPUB, mail, notebooks


def epub(chapters: Sequence[str], more: Mapping[str, str | bytes] | None = None) -> bytes:
    """A book of XHTML bodies, some of which have a heading."""
    items = "".join(
        f"<item id='c{number}' href='text/c%20{number}.xhtml' media-type='application/xhtml+xml'/>"
        for number in range(len(chapters))
    )
    spine = "".join(f"<itemref idref='c{number}'/>" for number in range(len(chapters)))
    members: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": f"{XML}<container"
        " xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles>"
        "<rootfile full-path='OEBPS/content.opf'/></rootfiles></container>",
        "OEBPS/content.opf": f"{XML}<package xmlns='http://www.idpf.org/2007/opf'>"
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    for number, body in enumerate(chapters):
        members[f"OEBPS/text/c {number}.xhtml"] = (
            f"{XML}<!DOCTYPE html><html xmlns='http://www.w3.org/1999/xhtml'>"
            f"<head><title/></head><body>{body}</body></html>"
        )
    return zip_of(members | dict(more or {}))


def eml(subject: str, text: str, html: str = "", attachment: str = "") -> bytes:
    message = EmailMessage()
    message["From"] = "Zoë <zoe@example.org>"
    message["To"] = "someone@example.org"
    message["Date"] = "Thu, 02 Jan 2020 03:04:06 +0000"
    message["Subject"] = subject
    if text:
        message.set_content(text)
    if html and text:
        message.add_alternative(html, subtype="html")
    elif html:
        message.set_content(html, subtype="html")
    if attachment:
        message.add_attachment(b"\0\1", "application", "octet-stream", filename=attachment)
    if message.is_multipart():
        for number, part in enumerate(message.walk()):
            if part.is_multipart():
                part.set_boundary(f"=={number}==")  # the library draws lots
    return message.as_bytes()


def mbox(messages: Sequence[bytes]) -> bytes:
    return b"".join(
        b"From zoe@example.org Thu Jan  2 03:04:06 2020\n"
        + message.rstrip(b"\n").replace(b"\nFrom ", b"\n>From ")
        + b"\n\n"
        for message in messages
    )


def ipynb(cells: Sequence[tuple[str, str, str]]) -> bytes:
    """Cells of type, source and printed output."""
    made = []
    for kind, source, printed in cells:
        cell: dict[str, Any] = {
            "cell_type": kind,
            "source": source.splitlines(keepends=True),
            "metadata": {},
        }
        if kind == "code":
            outputs = [{"output_type": "stream", "name": "stdout", "text": [printed]}]
            cell |= {"outputs": outputs, "execution_count": 1}
        made.append(cell)
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4}, indent=1).encode()
