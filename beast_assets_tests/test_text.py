"""Bytes to text: what comes out, and why nothing does."""

import codecs
import gzip
import io
import time
import zipfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_assets.core.records import Part, Skip
from beast_assets.core.text import EXTRACTORS, Sandbox, extract, skip_by_name
from beast_assets.core.text import html as html_module

GERMAN = "Größe: 5 µm – „schön“\r\nzweite Zeile\r"
RUSSIAN = "Привет, как дела? Это простой текст на русском языке.\n"


SANDBOX = Sandbox()


@pytest.fixture(autouse=True, scope="module")
def one_child_for_all() -> Iterator[None]:
    yield
    SANDBOX.close()
    assert SANDBOX.started == 1


def text_of(data: bytes, path: bytes = b"a.txt") -> str:
    found = extract(data, path=path, sandbox=SANDBOX)
    assert found.skip is None, found
    assert EXTRACTORS[found.extractor]
    (part,) = found.parts
    assert part.place == ""
    return part.text


def skip_of(data: bytes, path: bytes = b"a.txt") -> Skip:
    found = extract(data, path=path, sandbox=SANDBOX)
    assert found.skip is not None, found
    assert found.parts == ()
    return found.skip


def page(body: str) -> str:
    return text_of(f"<!doctype html><body>{body}".encode(), b"a.html")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (b"", "cp1252"),
    ],
)
def test_the_text_comes_out_as_it_was_written(mark: bytes, encoding: str) -> None:
    assert text_of(mark + GERMAN.encode(encoding)) == GERMAN


@pytest.mark.parametrize("text", ["café", "Le garçon a mangé une pêche à l’été.", "50 £ for you"])
def test_short_western_text_is_not_taken_for_something_rarer(text: str) -> None:
    assert text_of(text.encode("cp1252")) == text


@pytest.mark.parametrize("encoding", ["cp1251", "koi8_r", "cp866"])
def test_a_legacy_encoding_is_found(encoding: str) -> None:
    assert text_of(RUSSIAN.encode(encoding) * 3) == RUSSIAN * 3


def test_the_only_line_that_tells_the_encoding_may_be_the_last_of_a_long_file() -> None:
    text = "x = 1\n" * 40_000 + "# Größe\n"
    assert text_of(text.encode("latin-1"), b"a.py") == text


def test_lines_of_ascii_do_not_dilute_those_that_tell_the_encoding() -> None:
    text = "Ж\n" + "x = 1\n" * 40_000 + RUSSIAN * 3
    assert text_of(text.encode("koi8_r")) == text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cc"]), min_size=1))
def test_utf8_is_never_touched(text: str) -> None:
    found = extract(text.encode(), path=b"a.md", sandbox=SANDBOX)
    if text.isspace():
        assert found.skip == Skip("empty")
    elif not text.startswith("\ufeff") and found.skip is None:
        assert found.parts == (Part(text),)
    else:
        assert text.startswith(("\ufeff", "%PDF-", "{\\rtf"))


@given(st.binary(max_size=400), st.sampled_from([b"a.txt", b"a.html", b"a", b"\xff\xfe/\x80.csv"]))
def test_any_bytes_give_clean_text_or_a_reason(data: bytes, path: bytes) -> None:
    found = extract(data, path=path, sandbox=SANDBOX)
    if found.skip is None:
        (part,) = found.parts
        part.text.encode("utf-8")  # raises on a lone surrogate
        assert part.text.strip()
        assert "\0" not in part.text
    else:
        assert found.skip.reason
        assert "\n" not in found.skip.reason


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE + b" \0"])
def test_blank_files_are_empty(data: bytes) -> None:
    assert skip_of(data) == Skip("empty")


def zip_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "text")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"text with a \0 in it",
        bytes(range(1, 32)) * 10,
        gzip.compress(b"text", mtime=0),
        zip_bytes(),
        codecs.BOM_UTF16_LE + "a\0b".encode("utf-16-le"),
        b"\x7fELF\x02\x01\x01",
    ],
)
def test_binary_content_is_told_whatever_the_name(data: bytes) -> None:
    assert skip_of(data, b"notes.txt") == Skip("binary")


def test_a_damaged_utf8_file_is_quarantined_and_not_read_as_mojibake() -> None:
    found = skip_of("äöüß éèê\n".encode() + b"broken \xff here\n")
    assert found.quarantined
    assert found.reason == "undecodable: UTF-8 that breaks at byte 23"


def test_a_false_mark_is_quarantined() -> None:
    found = skip_of(codecs.BOM_UTF8 + b"\xff\xfa")
    assert found.quarantined
    assert found.reason.startswith("undecodable: ")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (b"m/model.safetensors", "model file"),
        (b"pytorch_model.BIN", "model file"),
        (b"w.npz", "model file"),
        (b"a/b.doc", "no parser for .doc"),
        (b"B.RtF", "no parser for .rtf"),
        (b"x.tar.gz", "binary"),
        (b"\xff\xfe.png", "binary"),
        (b"film.mp4", "binary"),
    ],
)
def test_the_name_alone_can_rule_a_file_out(path: bytes, reason: str) -> None:
    assert skip_by_name(path) == Skip(reason)
    assert skip_of(b"plain text", path) == Skip(reason)


@pytest.mark.parametrize(
    "path", [b"a.py", b"README", b".gitignore", b".pdf", b"d.pdf/a", b"a.ts", b"a.\xff", b"pdf"]
)
def test_the_name_of_a_text_rules_nothing_out(path: bytes) -> None:
    assert skip_by_name(path) is None
    assert text_of(b"plain text", path) == "plain text"


def test_a_pdf_in_disguise_is_read_as_one() -> None:
    assert skip_of(b"%PDF-1.7 text", b"a.txt").reason.startswith("pdf: damaged")


def test_html_gives_what_a_reader_sees() -> None:
    source = """<!doctype html><html><head><title> My &amp;  Title </title><style>p{}</style></head>
    <body><script>bad()</script><h1>Head   line</h1><p>Some
    <b>bo</b>ld<br>text &eacute;&#128512;</p>
    <template>no</template><div hidden>secret</div><ul><li>one<li>two</ul>
    <table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table><div>in<div>ner</div></div>after
    <!-- remark --></body></html>"""
    assert text_of(source.encode(), b"a.html") == (
        "My & Title\n\nHead line\n\nSome bold\ntext é😀\n\none\ntwo\n\na b\nc\n\nin\nner\nafter"
    )


def test_preformatted_text_keeps_its_spaces() -> None:
    assert page("<pre>def f():\n    <b>return</b>  1\n</pre> a  b") == (
        "def f():\n    return  1\n\na b"
    )


@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="windows-1254">',
        "<meta http-equiv='Content-Type' content='text/html; charset=windows-1254'>",
    ],
)
def test_the_declared_charset_is_honoured(head: str) -> None:
    # As UTF-8 or by statistics these few bytes would be something else.
    source = f"<html><head>{head}</head>\n<body>ığdır şiir</body></html>".encode("cp1254")
    assert text_of(source, b"a.htm") == "ığdır şiir"


def test_a_mark_outranks_the_declared_charset() -> None:
    source = codecs.BOM_UTF8 + "<meta charset=windows-1254><body>ığdır".encode()
    assert text_of(source, b"a.html") == "ığdır"


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "base64", "no-such", "utf-16"])
def test_a_charset_that_is_none_is_ignored(charset: str) -> None:
    source = f"<meta charset={charset}><body>\\ud800 +2AA- é".encode()
    assert text_of(source, b"a.html") == "\\ud800 +2AA- é"


def test_a_page_without_extension_is_known_by_its_first_tag() -> None:
    assert text_of(b"\n<!DOCTYPE html><p>a<p>b", b"page") == "a\n\nb"
    assert text_of(b"<html> as source", b"a.php") == "<html> as source"


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 40_000,
        "<div/>" * 40_000,
        "<div></x>" * 40_000,
        "<svg>" + "<div/>" * 40_000,
        "<!--><p>" + "<div>" * 40_000,
        "<title><script></title>" + "<div>" * 40_000,
        "<svg>" + "<g>" * 40_000,
        "<div><table><tr><td></div>" * 40_000,
        "<p " + " ".join(f"a{i}=1" for i in range(100_000)) + ">",
    ],
    ids=lambda source: source[:20],
)
def test_what_would_hang_the_parser_is_quarantined_at_once(source: str) -> None:
    begin = time.process_time()
    found = skip_of(source.encode(), b"a.html")
    assert found.quarantined
    assert found.reason.startswith("html ")
    assert time.process_time() - begin < 2


@pytest.mark.parametrize(
    "source",
    [
        "<p>x " * 5_000,
        "<table>" + "<tr><td>x" * 5_000,
        "<ul>" + "<li>x" * 5_000,
        "x<svg>" + '<path d="M 1 2"/>' * 5_000 + "</svg>",
        "x<script>" + "'<div>'+" * 5_000 + "</script>",
        "<div>" * 900 + "x",
    ],
    ids=lambda source: source[:12],
)
def test_sloppy_but_harmless_pages_pass(source: str) -> None:
    assert "x" in text_of(source.encode(), b"a.html")


def test_an_extractor_that_fails_costs_one_file_and_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(html: str) -> str:
        raise ValueError(f"cannot read\n{html}")

    monkeypatch.setattr(html_module, "problem", fail)
    assert html_module.html_parts(b"<p>private") == Skip(
        "html: damaged (ValueError)", quarantined=True
    )
