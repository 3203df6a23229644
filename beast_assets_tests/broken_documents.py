"""Documents that are damaged, hostile, or not what their name says."""

import random
import struct
import zipfile
import zlib

from beast_assets_tests import document_builders as make
from beast_assets_tests.documents import DOCUMENTS, good_documents


def broken() -> dict[str, bytes]:
    """All of them, by file name."""
    return _damaged() | _mistaken() | _encrypted() | _bombs() | _entities() | _odd()


def _damaged() -> dict[str, bytes]:
    found = {}
    dice = random.Random(7)
    for name in DOCUMENTS:
        data = good_documents()[name].data
        for percent in (10, 50, 90, 99):
            found[f"cut-at-{percent}-{name}"] = data[: len(data) * percent // 100]
        found[f"empty-{name}"] = b""
        found[f"random-{name}"] = dice.randbytes(4096)
        found[f"random-after-the-first-bytes-{name}"] = data[:512] + dice.randbytes(4096)
        found[f"nothing-but-zeros-{name}"] = bytes(4096)
    return found


def _mistaken() -> dict[str, bytes]:
    xlsx, ole = good_documents()["budget.xlsx"].data, make.compound_file("WordDocument", b"text")
    picture = b"\x89PNG\r\n\x1a\n" + bytes(64)
    return {
        "a-text.pdf": b"I am a text.",
        "a-page.xls": b"<html><table><tr><td>1</table>",
        "a-table.xlsx": b"a,b\n1,2\n",
        "a-workbook.docx": xlsx,
        "a-workbook.pptx": xlsx,
        "a-workbook.epub": xlsx,
        "an-old-one.docx": ole,
        "a-word-file.xls": ole,
        "a-picture.pptx": picture,
        "a-picture.eml": picture,
        "a-list.ipynb": b"[1, 2]",
        "an-object.ipynb": b'{"a": 1}',
        "a-text.ipynb": b"print(1)",
        "no-document.docx": make.zip_of({"_rels/.rels": "<R/>", "word/document.txt": "x"}),
    }


def _encrypted() -> dict[str, bytes]:
    book = make.with_member(
        good_documents()["book.epub"].data,
        "META-INF/encryption.xml",
        "<encryption><CipherReference URI='OEBPS/text/c%200.xhtml'/></encryption>",
    )
    locked = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%b> /U <%b> >> /ID [<00> <00>]"
    package = make.compound_file("EncryptedPackage", b"secret")
    entry = "<manifest:file-entry manifest:full-path='content.xml'><manifest:encryption-data/>"
    return {
        "encrypted.pdf": make.pdf(["secret"], locked % (b"ab" * 32, b"cd" * 32)),
        "encrypted.docx": package,
        "encrypted.pptx": package,
        "encrypted.xlsx": package,
        "encrypted.xls": make.xls("Budget", {(0, 0): "secret"}, locked=True),
        "encrypted.ods": make.ods("", entry + "</manifest:file-entry>"),
        "encrypted.epub": book,
        "encrypted-members.docx": _flagged(good_documents()["report.docx"].data),
    }


def _flagged(data: bytes) -> bytes:
    """Set the flag that says encrypted on all members."""
    mutable = bytearray(data)
    for mark, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = mutable.find(mark)
        while at >= 0:
            mutable[at + offset] |= 1
            at = mutable.find(mark, at + 1)
    return bytes(mutable)


def _bombs() -> dict[str, bytes]:
    report, book = good_documents()["report.docx"].data, good_documents()["book.epub"].data
    workbook, blank = good_documents()["budget.xlsx"].data, b" " * 20_000_000
    sheet = "xl/worksheets/sheet1.xml"
    loop = bytearray(good_documents()["budget.xls"].data)
    loop[516:520] = struct.pack("<I", 1)  # the sector that follows the directory's first
    corners = {(0, 0): "a", (1_048_575, 16_383): "z"}
    many = {f"word/{number}": b"" for number in range(20_000)}
    return {
        "bomb.docx": make.with_member(report, "word/document.xml", b"<a>" + blank + b"</a>"),
        "bomb.xlsx": make.with_member(workbook, sheet, b"<a>" + blank + b"</a>"),
        "bomb.epub": make.with_member(book, "OEBPS/text/c 0.xhtml", blank),
        "bomb-that-lies.docx": _lying(
            make.with_member(report, "word/document.xml", b"<a>" + blank + b"</a>")
        ),
        "many-entries.docx": make.zip_of(make.members_of(report) | many),
        "many-entries-unused.epub": make.zip_of(make.members_of(book) | many),
        "far-corners.xlsx": make.xlsx({"Wide": corners}),
        "far-corners.xlsb": make.xlsb("Wide", corners),
        "far-corners-implied.xlsx": make.with_member(
            workbook, sheet, _sheet("<row r='1048576'/>" + "<row><c><v>1</v></c></row>" * 2, 9_999)
        ),
        "repeated-cells.ods": make.ods(_repeated("rows", "1048576", "columns", "16384")),
        "repeated-rows.ods": make.ods(_repeated("rows", "99999999999", "columns", "1")),
        "looping-sectors.xls": bytes(loop),
        "bomb.pdf": make.pdf_of(
            [
                b"<< /Type /Catalog /Pages 2 0 R >>",
                b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>",
                make.pdf_stream(zlib.compress(blank), b"/Filter /FlateDecode"),
            ]
        ),
        "bomb.eml": b"Subject: x\nContent-Type: multipart/mixed; boundary=a\n\n"
        + b"--a\n\n" * 50_000,
    }


def _sheet(rows: str, columns: int) -> str:
    wide = f"<row r='1'>{'<c><v>1</v></c>' * columns}</row>"
    return f"<worksheet><sheetData>{wide}{rows}</sheetData></worksheet>"


def _repeated(*counts: str) -> str:
    (rows, height, columns, width) = counts
    return (
        f"<table:table table:name='T'><table:table-row table:number-{rows}-repeated='{height}'>"
        f"<table:table-cell office:value-type='string' table:number-{columns}-repeated='{width}'>"
        "<text:p>x</text:p></table:table-cell></table:table-row></table:table>"
    )


def _lying(data: bytes) -> bytes:
    """Make the table of contents say that the largest member is small."""
    size = struct.pack("<I", max(len(content) for content in make.members_of(data).values()))
    return data.replace(size, struct.pack("<I", 100))


_BOMB = (
    "<!DOCTYPE a [<!ENTITY a '"
    + "x" * 1000
    + "'>"
    + "".join(
        f"<!ENTITY {after} '{f'&{before};' * 10}'>"
        for before, after in zip("abcdefg", "bcdefgh", strict=True)
    )
    + "]>"
)
_OUTSIDE = "<!DOCTYPE a [<!ENTITY h SYSTEM 'file:///etc/passwd'>]>"
_FROM_NETWORK = "<!DOCTYPE a SYSTEM 'http://localhost:1/a.dtd'>"
_XML_MEMBERS = {
    "report.docx": "word/document.xml",
    "slides.pptx": "ppt/slides/slide1.xml",
    "budget.xlsx": "xl/worksheets/sheet1.xml",
    "budget.ods": "content.xml",
    "book.epub": "OEBPS/content.opf",
}


def _entities() -> dict[str, bytes]:
    found = {}
    for name, member in _XML_MEMBERS.items():
        data = good_documents()[name].data
        hostile = {
            "entity-bomb": (_BOMB + "<a>&h;</a>").encode(),
            "entity-bomb-utf16": (_BOMB + "<a>&h;</a>").encode("utf-16"),
            "entity-from-outside": (_OUTSIDE + "<a>&h;</a>").encode(),
            "type-from-network": (_FROM_NETWORK + "<a/>").encode(),
            "deep": b"<a>" * 100_000 + b"</a>" * 100_000,
            "no-xml": b"no xml",
            "utf7": b"<?xml version='1.0' encoding='utf-7'?>+ADwAIQ-DOCTYPE a+AD4APA-a/+AD4-",
            "utf32": (_BOMB + "<a>&h;</a>").encode("utf-32"),
        }
        for kind, content in hostile.items():
            found[f"{kind}-{name}"] = make.with_member(data, member, content)
    return found


def _odd() -> dict[str, bytes]:
    return _odd_zips() | _odd_pdfs() | _odd_mail() | _odd_notebooks()


def _odd_zips() -> dict[str, bytes]:
    report = good_documents()["report.docx"].data
    members = make.members_of(report)
    styles = (
        "<a xmlns:w='w'><w:style w:styleId='Heading1'><w:basedOn w:val='Heading1'/></w:style></a>"
    )
    twice = make.zip_of({"word/document.xml": "x", "word/document.xmX": "y"}, zipfile.ZIP_STORED)
    show = good_documents()["slides.pptx"].data
    return {
        "name-twice.docx": twice.replace(b"document.xmX", b"document.xml"),
        "lzma.docx": make.zip_of(members, zipfile.ZIP_LZMA),
        "bad-sum.docx": make.zip_of(members, zipfile.ZIP_STORED).replace(b"needle", b"noodle"),
        "own-base.docx": make.with_member(report, "word/styles.xml", styles),
        "own-header.docx": make.with_member(
            report,
            "word/_rels/document.xml.rels",
            make.relation_list([("header", "document.xml"), ("footer", "../../../etc/passwd")]),
        ),
        "no-relations.docx": make.zip_of({k: v for k, v in members.items() if "rels" not in k}),
        "strict.docx": make.with_member(report, "_rels/.rels", "<a>purl.oclc.org/ooxml</a>"),
        "no-slides.pptx": make.with_member(show, "ppt/presentation.xml", "<a/>"),
        "missing-slide.pptx": make.zip_of(
            {k: v for k, v in make.members_of(show).items() if "slide1" not in k}
        ),
        "deep-page.epub": make.epub(["<div>" * 5_000]),
        "no-spine.epub": make.epub([]),
        "outside.epub": make.epub(["x"], {"OEBPS/content.opf": _book_outside()}),
        "no-package.epub": make.epub(["x"], {"META-INF/container.xml": "<container/>"}),
    }


def _book_outside() -> str:
    item = "<item id='a' href='../../../etc/passwd' media-type='text/html'/>"
    return f"<package><manifest>{item}</manifest><spine><itemref idref='a'/></spine></package>"


def _odd_pdfs() -> dict[str, bytes]:
    catalogue = b"<< /Type /Catalog /Pages 2 0 R >>"
    deep = b"[" * 50_000 + b"]" * 50_000
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 4 0 R >> >>"
    page = (
        b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R /Resources << /XObject << /X 4 0 R >> >> >>"
    )
    one = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    return {
        "scanned.pdf": make.pdf(["", ""]),
        "no-pages.pdf": make.pdf_of([catalogue, b"<< /Type /Pages /Kids [] /Count 0 >>"]),
        "own-parent.pdf": make.pdf_of([catalogue, b"<< /Type /Pages /Kids [2 0 R] /Count 9 >>"]),
        "too-many-pages.pdf": make.pdf_of(
            [catalogue, b"<< /Type /Pages /Kids [3 0 R] /Count 99999999 >>", b"<< /Type /Page >>"]
        ),
        "own-form.pdf": make.pdf_of(
            [catalogue, one, page, make.pdf_stream(b"/X Do", form), make.pdf_stream(b"/X Do")]
        ),
        "deep.pdf": make.pdf_of([catalogue, one, page, deep, make.pdf_stream(deep)]),
        "only-a-head.pdf": b"%PDF-1.7\n",
    }


def _odd_mail() -> dict[str, bytes]:
    head = b"Subject: x\nContent-Type: "
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number)
        for number in range(2_000)
    )
    return {
        "nested.eml": b"Subject: x\n" + nested,
        "nested-messages.eml": b"Subject: x\n" + b"Content-Type: message/rfc822\n\n" * 5_000,
        "no-such-charset.eml": head + b"text/plain; charset=no-such\n\nGr\xc3\xbc\xc3\x9fe",
        "odd-charset.eml": head + b"text/plain; charset=\0punycode\n\nx" + b"\xff" * 100,
        "broken-base64.eml": head + b"text/plain\nContent-Transfer-Encoding: base64\n\n!!!a",
        "broken-words.eml": b"Subject: =?utf-8?b?a?= =?x?q?=\n\nbody",
        "long-header.eml": b"Subject: " + b"=?utf-8?q?a?= " * 300_000 + b"\n\nbody",
        "odd-name.eml": head + b"text/plain; name*0*=utf-8''%FF; name*2=x\n\nbody",
        "deep-page.eml": head + b"text/html\n\n" + b"<div>" * 5_000,
        "one-bad-message.mbox": make.mbox([head + b"text/html\n\n" + b"<div>" * 5_000] * 2),
        "many.mbox": make.mbox([b"a:b\n"] * 20_000),
    }


def _odd_notebooks() -> dict[str, bytes]:
    return {
        "deep.ipynb": b'{"cells":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "long-number.ipynb": b'{"cells": [], "n": ' + b"9" * 100_000 + b"}",
        "odd-cells.ipynb": b'{"cells": [1, null, {"source": 5, "outputs": {"a": 1}}]}',
        "odd-outputs.ipynb": b'{"cells": [{"outputs": [3, {"data": [1]}, {"ename": 4}]}]}',
        "surrogate.ipynb": b'{"cells": [{"source": "x\\ud800\\u0000y"}]}',
        "no-cells.ipynb": b'{"cells": []}',
    }
