"""Headings of Markdown and reStructuredText."""

import pytest

from beast_assets.core.headings import find_headings


def headings(text: str, path: str | bytes | None) -> list[str]:
    return [text[place:].split("\n")[0] for place in sorted(find_headings(text, path))]


def test_markdown() -> None:
    text = "# One\ntext\n\n### Two\n#tag\n####### seven\n\nThree\n=====\n\n    # code\n"
    assert headings(text, "a.MD") == ["# One", "### Two", "Three"]
    assert headings(text, None) == ["Three"]


def test_restructured_text() -> None:
    text = (
        "====\nOver\n====\n\ntext\n\nUnder\n-----\n\nshort\n--\n\n=====  ====\ntable\n=====  ====\n"
    )
    assert headings(text, b"a.rst") == ["====", "Under"]


def test_windows_line_ends() -> None:
    assert headings("text\r\n\r\nUnder\r\n-----\r\n\r\ntext", "a.txt") == ["Under\r"]


@pytest.mark.parametrize("path", [b"\xff.md", "a/b.md"])
def test_paths_as_they_come(path: str | bytes) -> None:
    assert headings("# One", path) == ["# One"]


def test_source_code_has_none() -> None:
    assert headings("Parameters\n----------\n", "a.py") == []
