"""Documents of every format: what comes out of good ones, and why nothing comes out of others."""

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_assets.core.records import Part, Skip
from beast_assets.core.text import Sandbox, extract
from beast_assets.core.text import archive as archive_module
from beast_assets.core.text import parts as parts_module
from beast_assets.core.text.archive import Archive
from beast_assets.core.text.formats import VERSIONS, sniff
from beast_assets.core.text.parts import Refused
from beast_assets.core.text.readers import READERS
from beast_assets.core.text.sheet_extent import MAX_CELLS, check_xml
from beast_assets_tests import document_builders as make
from beast_assets_tests.documents import (
    DOCUMENTS,
    NEEDLE,
    ONLY_WITH_LIMITS,
    broken_documents,
    good_documents,
    mutations,
)

Result = list[Part] | Skip | None
SECONDS = 30
WITH_MEMORY = f"""
import pickle, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, ({2**30}, {2**30}))
from beast_assets.core.text.formats import sniff
from beast_assets.core.text.readers import READERS
results = {{}}
for name, data in pickle.load(sys.stdin.buffer).items():
    begin = time.monotonic()
    format = sniff(name.encode(), data)
    result = READERS[format](data) if isinstance(format, str) else format
    results[name] = (result, time.monotonic() - begin)
pickle.dump(results, sys.stdout.buffer)
"""


def read(name: str, data: bytes) -> Result:
    found = sniff(name.encode(), data)
    return READERS[found](data) if isinstance(found, str) else found


def parts_of(name: str, data: bytes) -> list[Part]:
    found = read(name, data)
    assert isinstance(found, list), found
    return found


def text_of(name: str, data: bytes) -> str:
    return "\n".join(part.text for part in parts_of(name, data))


def read_with_limits(documents: Mapping[str, bytes]) -> dict[str, tuple[Result, float]]:
    """Read them in a process that may take 1 GiB: it ends well, or the test fails."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITH_MEMORY],
        input=pickle.dumps(dict(documents)),
        capture_output=True,
        env=os.environ | {"RUST_BACKTRACE": "0"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, tuple[Result, float]] = pickle.loads(done.stdout)
    return found


def is_clean(result: Result) -> bool:
    if isinstance(result, Skip):
        known = "|".join(READERS)
        return (
            re.fullmatch(rf"empty|no_text_layer|({known}): [\w ():-]{{4,60}}", result.reason)
            is not None
        )
    for part in result or []:
        part.text.encode()  # raises on a lone surrogate
        assert "\0" not in part.text
        assert part.place.isprintable()
        assert len(part.place) <= 100
    return bool(result)


@pytest.mark.parametrize("name", sorted(set(good_documents()) - {"page.html", "table.csv"}))
def test_the_needle_is_found_where_it_is(name: str) -> None:
    good = good_documents()[name]
    (part,) = [part for part in parts_of(name, good.data) if NEEDLE in part.text]
    assert part.place == good.place
    if good.line:
        assert NEEDLE in part.text.split("\n")[good.line - 1]


@pytest.mark.parametrize("name", ["page.html", "table.csv"])
def test_plain_formats_are_left_to_the_reader_of_text(name: str) -> None:
    good = good_documents()[name]
    assert sniff(name.encode(), good.data) is None
    with Sandbox() as sandbox:
        (part,) = extract(good.data, path=name.encode(), sandbox=sandbox).parts
    assert NEEDLE in part.text


def test_documents_are_the_same_whenever_they_are_made() -> None:
    assert good_documents.__wrapped__() == good_documents()
    assert list(mutations(3, 30)) == list(mutations(3, 30))
    assert list(mutations(3, 30)) != list(mutations(4, 30))


@pytest.mark.parametrize("name", ["a.pdf", "a.txt", "a", "a.docx", ".pdf", "d.docx/a"])
def test_a_pdf_is_one_whatever_its_name(name: str) -> None:
    assert sniff(name.encode(), make.pdf(["x"])) == "pdf"


def test_a_text_that_speaks_of_pdf_is_a_text() -> None:
    assert sniff(b"notes.txt", b"see %PDF-1.4") is None
    assert sniff(b"late.pdf", b"\n" * 100 + make.pdf(["x"])) == "pdf"


def test_a_box_of_mail_needs_no_extension() -> None:
    assert sniff(b"Inbox", good_documents()["box.mbox"].data) == "mail"
    assert sniff(b"Inbox.txt", good_documents()["box.mbox"].data) is None
    assert sniff(b"letter", b"From here on at 10:30\nwe went.\n") is None


@pytest.mark.parametrize("name", ["a.doc", "a.ppt", "a.rtf", "a.odt", "a.zip", "a.py", "a"])
def test_other_names_promise_nothing(name: str) -> None:
    assert sniff(name.encode(), make.zip_of({"word/document.xml": "x"})) is None


def test_each_reader_has_a_version_and_importing_them_is_light() -> None:
    assert set(READERS) == set(VERSIONS)
    assert re.fullmatch(r"\d+ pypdfium2=[\d.]+", VERSIONS["pdf"])
    program = (
        "import sys, beast_assets.core.text.readers\n"
        "heavy = ['lxml', 'pypdfium2', 'python_calamine', 'selectolax', 'docx', 'pptx']\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


# --- broken documents

REASONS = {
    "a-text.pdf": "pdf: not a PDF file",
    "a-page.xls": "sheet: not a spreadsheet file",
    "a-workbook.docx": "docx: not a Word file",
    "a-workbook.epub": "epub: not an EPUB file",
    "an-old-one.docx": "docx: not a Word file",
    "a-picture.eml": "mail: not a mail file",
    "a-list.ipynb": "notebook: not a notebook file",
    "an-object.ipynb": "notebook: not a notebook file",
    "no-document.docx": "docx: not a Word file",
    "encrypted.pdf": "pdf: encrypted",
    "encrypted.docx": "docx: encrypted",
    "encrypted.pptx": "pptx: encrypted",
    "encrypted.xlsx": "sheet: encrypted",
    "encrypted.xls": "sheet: encrypted",
    "encrypted.ods": "sheet: encrypted",
    "encrypted.epub": "epub: encrypted",
    "encrypted-members.docx": "docx: encrypted",
    "bomb.docx": "docx: unpacks to more than 100 times its size",
    "bomb.xlsx": "sheet: unpacks to more than 100 times its size",
    "bomb.epub": "epub: unpacks to more than 100 times its size",
    "bomb-that-lies.docx": "docx: damaged (BadZipFile)",
    "many-entries.docx": "docx: more than 10000 entries",
    "far-corners.xlsx": f"sheet: a sheet of more than {MAX_CELLS} cells",
    "far-corners.xlsb": f"sheet: a sheet of more than {MAX_CELLS} cells",
    "far-corners-implied.xlsx": f"sheet: a sheet of more than {MAX_CELLS} cells",
    "repeated-cells.ods": f"sheet: a sheet of more than {MAX_CELLS} cells",
    "repeated-rows.ods": f"sheet: a sheet of more than {MAX_CELLS} cells",
    "entity-bomb-report.docx": "docx: declares a document type",
    "entity-bomb-utf16-budget.xlsx": "sheet: declares a document type",
    "entity-from-outside-slides.pptx": "pptx: declares a document type",
    "type-from-network-book.epub": "epub: declares a document type",
    "deep-budget.ods": "sheet: nested more than 200 deep",
    "utf7-report.docx": "docx: damaged (ValueError)",
    "name-twice.docx": "docx: a name occurs twice",
    "lzma.docx": "docx: packed by an unusual method",
    "bad-sum.docx": "docx: damaged (BadZipFile)",
    "deep-page.epub": "epub: html nested more than 1000 deep",
    "no-pages.pdf": "pdf: damaged (PdfiumError)",
    "nested.eml": "mail: more than 100 multiparts in a message",
    "one-bad-message.mbox": "mail: damaged (no message can be read)",
    "deep.ipynb": "notebook: damaged (RecursionError)",
}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[Result, float]]:
    documents = broken_documents()
    return read_with_limits({name: documents[name] for name in documents.keys() - ONLY_WITH_LIMITS})


def test_each_broken_document_ends_in_parts_or_a_reason(
    outcomes: dict[str, tuple[Result, float]],
) -> None:
    assert len(outcomes) >= 60
    assert [name for name, (result, _) in outcomes.items() if not is_clean(result)] == []
    assert max(seconds for _, seconds in outcomes.values()) < SECONDS


def test_the_reasons_say_what_is_wrong_and_nothing_of_the_content(
    outcomes: dict[str, tuple[Result, float]],
) -> None:
    assert {name: outcomes[name][0] for name in REASONS} == {
        name: Skip(reason, quarantined=True) for name, reason in REASONS.items()
    }
    for result, _ in outcomes.values():
        assert not isinstance(result, Skip) or "secret" not in result.reason
        assert "root:" not in str(result)  # of /etc/passwd


def test_what_has_no_text_is_nobodys_fault(outcomes: dict[str, tuple[Result, float]]) -> None:
    assert outcomes["scanned.pdf"][0] == Skip("no_text_layer")
    empty = ["empty-report.docx", "empty-plain.pdf", "no-cells.ipynb", "no-slides.pptx"]
    assert {outcomes[name][0] for name in empty if not isinstance(outcomes[name][0], list)} == {
        Skip("empty")
    }


@pytest.mark.parametrize("name", sorted(ONLY_WITH_LIMITS))
def test_what_has_to_be_read_with_limits_does_need_them(name: str) -> None:
    with pytest.raises(AssertionError, match="memory allocation"):
        read_with_limits({name: broken_documents()[name]})


def test_a_missing_slide_keeps_its_number(outcomes: dict[str, tuple[Result, float]]) -> None:
    found = outcomes["missing-slide.pptx"][0]
    assert isinstance(found, list)
    assert [part.place for part in found] == ["slide 2"]


@pytest.mark.parametrize("count", [150, pytest.param(2_000, marks=pytest.mark.proof)])
def test_mutated_documents_end_in_parts_or_a_reason(count: int) -> None:
    # Some of the .xls abort their process: those are for the test of processes with limits.
    changed = {name: data for name, data in mutations(2, count) if not name.endswith(".xls")}
    found = read_with_limits(changed)
    assert [name for name, (result, _) in found.items() if not is_clean(result)] == []
    assert max(seconds for _, seconds in found.values()) < SECONDS
    assert {name.partition("-")[2] for name in found} == {*DOCUMENTS} - {"budget.xls"}


def test_all_that_is_unpacked_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MAX_UNPACKED", 1_000)
    with pytest.raises(Refused, match="unpacks to more than 1000 bytes"):
        Archive(make.zip_of({"a": b"x" * 600, "b": b"y" * 600}))
    archive = Archive(make.zip_of({"a": b"x" * 600}))
    assert archive.read("a") == b"x" * 600
    with pytest.raises(Refused, match="unpacks to more than 1000 bytes"):
        archive.read("a")


def test_text_has_a_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "MAX_CHARS", 30)
    assert read("a.pdf", make.pdf(["words and more words", "and yet more"])) == Skip(
        "pdf: more than 30 characters", quarantined=True
    )


# --- PDF


def test_a_word_divided_at_the_end_of_a_line_is_one_word() -> None:
    assert text_of("a.pdf", make.pdf(["an exam-\nple of words"])) == "an example of words"


def test_pages_without_text_leave_the_numbers_of_the_others_alone() -> None:
    assert parts_of("a.pdf", make.pdf(["", "Grüße", ""])) == [Part("Grüße", "page 2")]


def test_a_damaged_pdf_after_an_encrypted_one_is_not_encrypted() -> None:
    for name in ("encrypted.pdf", "no-pages.pdf"):
        assert read(name, broken_documents()[name]) == Skip(REASONS[name], quarantined=True)


# --- Word


def word(body: str) -> str:
    name = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    mc = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    document = f"<w:document xmlns:w='{name}' xmlns:mc='{mc}'><w:body>{body}</w:body></w:document>"
    data = make.with_member(good_documents()["report.docx"].data, "word/document.xml", document)
    return text_of("a.docx", data).removesuffix("\nConfidential header")


def paragraph(text: str, inside: str = "") -> str:
    return f"<w:p>{inside}<w:r><w:t>{text}</w:t></w:r></w:p>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f"<w:p><w:ins>{'<w:r><w:t>new</w:t></w:r>'}</w:ins></w:p>", "new"),
        (
            "<w:p><w:r><w:t>a</w:t></w:r><w:del><w:r><w:delText>b</w:delText></w:r></w:del></w:p>",
            "a",
        ),
        (
            f"<w:sdt><w:sdtContent>{paragraph('in a control')}</w:sdtContent></w:sdt>",
            "in a control",
        ),
        ("<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>", "a\tb\nc"),
        (paragraph("x", "<w:pPr><w:tabs><w:tab/></w:tabs></w:pPr>"), "x"),
        (paragraph("x", "<w:pPr><w:outlineLvl w:val='2'/></w:pPr>"), "### x"),
        (paragraph("x", "<w:pPr><w:pStyle w:val='Heading1'/></w:pPr>"), "# x"),
        (paragraph("x", "<w:pPr><w:pStyle w:val='NoSuch'/></w:pPr>"), "x"),
        (
            "<w:p><w:r><w:t>a</w:t><mc:AlternateContent><mc:Choice><w:txbxContent>"
            f"{paragraph('box')}</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>"
            f"{paragraph('box')}</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>",
            "a\nbox",
        ),
        (
            f"<w:tbl><w:tr><w:tc>{paragraph('a')}{paragraph('b')}</w:tc><w:tc><w:tbl><w:tr><w:tc>"
            f"{paragraph('c')}</w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>",
            "a b\tc",
        ),
    ],
)
def test_what_a_reader_of_a_word_file_sees(body: str, text: str) -> None:
    assert word(body) == text


def test_notes_follow_the_text() -> None:
    relations = make.relation_list([("footnotes", "footnotes.xml"), ("footer", "/word/foot.xml")])
    data = make.zip_of(
        {
            "_rels/.rels": make.relation_list([]),
            "word/document.xml": f"<w:a xmlns:w='w'>{paragraph('body')}</w:a>",
            "word/_rels/document.xml.rels": relations,
            "word/footnotes.xml": f"<w:a xmlns:w='w'>{paragraph('a note')}</w:a>",
            "word/foot.xml": f"<w:a xmlns:w='w'>{paragraph('below')}</w:a>",
        }
    )
    assert text_of("a.docx", data) == "body\nbelow\na note"


# --- PowerPoint


def test_slides_come_in_the_order_of_showing() -> None:
    show = make.pptx([("One", "a", ""), ("Two", "b", ""), ("Three", "c", "")])
    main = make.members_of(show)["ppt/presentation.xml"].decode()
    ids = re.findall(r"<p:sldId .*?/>", main)
    turned = main.replace("".join(ids), "".join(reversed(ids)))
    assert turned != main
    found = parts_of("a.pptx", make.with_member(show, "ppt/presentation.xml", turned))
    assert [part.text.split("\n")[0] for part in found] == ["Three", "Two", "One"]
    assert [part.place for part in found] == ["slide 1", "slide 2", "slide 3"]


def test_tables_of_slides_are_rows_and_fields_are_left_out() -> None:
    slide = (
        "<p:sld xmlns:p='p' xmlns:a='a'><a:tbl><a:tr><a:tc><a:p><a:r><a:t>x</a:t></a:r></a:p>"
        "</a:tc><a:tc><a:p><a:r><a:t>y</a:t></a:r></a:p></a:tc></a:tr></a:tbl>"
        "<a:p><a:fld><a:t>7</a:t></a:fld></a:p></p:sld>"
    )
    data = make.with_member(make.pptx([("One", "a", "")]), "ppt/slides/slide1.xml", slide)
    assert text_of("a.pptx", data) == "x\ty"


# --- spreadsheets

CELL_TEXTS = (
    st.text("abc äß", min_size=1).map(str.strip).filter(bool).map(lambda t: " ".join(t.split()))
)
CELLS = st.dictionaries(
    st.tuples(st.integers(0, 40), st.integers(0, 30)), CELL_TEXTS, min_size=1, max_size=12
)


@given(CELLS, st.sampled_from(["xlsx", "xlsb"]))
def test_the_line_of_a_cell_is_its_row(cells: dict[tuple[int, int], str], kind: str) -> None:
    data = make.xlsb("S", cells) if kind == "xlsb" else make.xlsx({"S": cells})
    (part,) = parts_of(f"a.{kind}", data)
    first = min(column for _, column in cells)
    lines = [line.split("\t") for line in part.text.split("\n")]
    for (row, column), text in cells.items():
        assert lines[row][column - first] == text
    assert sum(map(bool, sum(lines, []))) == len(cells)


def test_a_cell_is_one_line_and_numbers_are_as_people_write_them() -> None:
    cells: make.Cells = {(0, 0): "two\nlines\tand tab", (0, 1): 3, (0, 2): 2.5, (0, 3): -7.0}
    assert text_of("a.xlsx", make.xlsx({"S": cells})) == "two lines and tab\t3\t2.5\t-7"


def test_blank_rows_to_the_end_of_the_sheet_take_no_room() -> None:
    rest = make.ods_row("", repeated=1_048_570)
    cell = "<table:table-cell table:number-columns-repeated='16384'/>"
    wide = f"<table:table-row>{cell}</table:table-row>"
    table = f"<table:table table:name='T'>{make.ods_row('x')}{wide}{rest}</table:table>"
    assert parts_of("a.ods", make.ods(table)) == [Part("x", "sheet T")]


def test_the_chain_of_calculations_is_no_sheet() -> None:
    check_xml(b"<calcChain><c r='A1'/><c r='XFD1048576'/></calcChain>")
    with pytest.raises(Refused):
        check_xml(b"<sheetData><row><c r='A1'/><c r='XFD1048576'/></row></sheetData>")


def test_a_tall_and_a_wide_sheet_pass() -> None:
    tall = make.xlsx({"S": {(0, 0): "a", (1_000_000, 2): "z"}})
    assert text_of("a.xlsx", tall).count("\n") == 1_000_000
    wide = parts_of("a.xlsx", make.xlsx({"S": {(0, 0): "a", (99, 16_383): "z", (99, 0): "b"}}))
    assert wide[0].text.split("\n")[99] == "b"  # what is too far right to read is left out


def test_the_place_of_a_sheet_is_one_short_line() -> None:
    (part,) = parts_of("a.xlsx", make.xlsx({"a&#10;b\u202e" + "x" * 200: {(0, 0): "v"}}))
    assert part.place.startswith("sheet a bx")
    assert part.place.isprintable()
    assert len(part.place) <= 90


# --- EPUB


def test_chapters_are_named_by_heading_or_number_and_none_is_swallowed() -> None:
    book = make.epub(
        ["<h1>One</h1>", "<a id='p'/><p>second</p><div id='q'/>", "<h3> <b>T</b>hree</h3>"]
    )
    found = parts_of("a.epub", book)
    assert [part.place for part in found] == ["One", "chapter 2", "T hree"]
    assert found[1].text == "second"


def test_a_chapter_is_read_once_and_in_the_order_of_the_spine() -> None:
    items = "".join(
        f"<item id='{name}' href='text/c%20{name}.xhtml' media-type='text/html'/>" for name in "01"
    )
    spine = "".join(f"<itemref idref='{name}'/>" for name in "1100")
    package = f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>"
    book = make.epub(["first written", "second written"], {"OEBPS/content.opf": package})
    assert text_of("a.epub", book) == "second written\nfirst written"


def test_encrypted_fonts_hide_no_text() -> None:
    entry = "<encryption><CipherReference URI='OEBPS/font.otf'/></encryption>"
    assert text_of("a.epub", make.epub(["x"], {"META-INF/encryption.xml": entry})) == "x"


# --- mail


def test_plain_text_is_preferred_and_attachments_are_named() -> None:
    text = text_of("a.eml", make.eml("Hi", "plain words", "<p>html words", "Zähler.bin"))
    assert "plain words" in text
    assert "html words" not in text
    assert text.endswith("Attachment: Zähler.bin")


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Type: text/plain; charset=koi8-r", "привет".encode("koi8-r")),
        (b"Content-Type: text/html; charset=koi8-r", "<p>привет".encode("koi8-r")),
        (b"Content-Transfer-Encoding: base64", b"0L/RgNC40LLQtdGC"),
    ],
)
def test_a_body_is_decoded_as_it_says(head: bytes, body: bytes) -> None:
    assert text_of("a.eml", b"Subject: x\n" + head + b"\n\n" + body) == "Subject: x\n\nпривет"


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b"=?no-such?q?x?=", "=?no-such?q?x?="),
        ("=?ä?q?x?=".encode(), "=?ä?q?x?="),
        (b"a\n b\tc", "a b c"),
    ],
)
def test_subjects_are_decoded(raw: bytes, subject: str) -> None:
    assert text_of("a.eml", b"Subject: " + raw + b"\n\n") == f"Subject: {subject}"


def test_a_line_that_begins_with_from_divides_no_message() -> None:
    text = "One.\n\nFrom here on it is longer.\n\nFrom 10:30 on: too.\n"
    message = make.eml("x", text)
    assert b"\nFrom 10:30" in message
    found = parts_of("a.mbox", make.mbox([message, b"Subject: \n\nb"]))
    assert [part.place for part in found] == ["message 1: x", "message 2"]
    assert found[0].text.endswith(text.strip())


def test_one_bad_message_does_not_hide_the_others() -> None:
    bad = b"Content-Type: text/html\n\n" + b"<div>" * 5_000
    found = parts_of("a.mbox", make.mbox([bad, make.eml("good", "words")]))
    assert [part.place for part in found] == ["message 2: good"]


# --- notebooks


def test_outputs_are_read_as_text() -> None:
    outputs: list[dict[str, Any]] = [
        {"data": {"image/png": "iVBORw0KGgo=", "text/plain": ["<Figure>"]}},
        {"data": {"text/html": "<b>7</b>", "text/plain": "7"}},
        {"ename": "ValueError", "evalue": "bad", "traceback": ["\x1b[31mred"]},
    ]
    cell = {"cell_type": "code", "source": "f()", "outputs": outputs}
    assert notebook({"cells": [{"source": ""}, cell]}) == [
        Part("f()\n\n<Figure>\n\n7\n\nValueError: bad", "cell 2")
    ]


def test_the_third_version_is_read_too() -> None:
    cells = [{"input": ["a\n", "b"]}, {"source": "c"}]
    assert notebook({"worksheets": [{"cells": cells}]}) == [
        Part("a\nb", "cell 1"),
        Part("c", "cell 2"),
    ]


def notebook(content: dict[str, Any]) -> list[Part]:
    import json

    return parts_of("a.ipynb", json.dumps(content).encode())
