"""Headings of Markdown and reStructuredText."""

import pytest

from beast_assets.core.hints import find_hints


def headings(text: str, path: str | bytes | None) -> list[str]:
    return [text[place:].split("\n")[0] for place in sorted(find_hints(text, path).headings)]


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


def test_comments_in_code_are_no_headings() -> None:
    assert find_hints("# One\n\nTwo\n===\n", "a.py").headings == set()
