"""Good documents that hold a needle at a known place, broken ones, and mutations of the good."""

import random
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from beast_assets_tests import document_builders as make


class Good(NamedTuple):
    """A document and where its needle is.

    Attributes:
        data: the file.
        place: of the part with the needle.
        line: of the needle in its part, from 1; 0 where it does not matter.
    """

    data: bytes
    place: str
    line: int = 0


NEEDLE = "the needle of Zanzibar"


@lru_cache
def good_documents(needle: str = NEEDLE) -> dict[str, Good]:
    """A document of every format by a file name with its extension."""
    cells = {(1, 0): "Item", (1, 1): "Cost", (4, 2): needle, (6, 0): "last"}
    table = f"<table:table table:name='Budget'>{make.ods_row('Item')}"
    table += f"{make.ods_row('', repeated=3)}{make.ods_row('', needle)}</table:table>"
    body = f"Some text before.\nHere is {needle}.\n"
    other = make.eml("Other things", "Nothing of interest.\n")
    return {
        "plain.pdf": Good(make.pdf(["Page one", "Page two", f"Here is {needle}"]), "page 3"),
        "packed.pdf": Good(make.pdf(["Page one", needle], compressed=True), "page 2"),
        "report.docx": Good(make.docx(needle), "", 2),
        "slides.pptx": Good(
            make.pptx([("First", "text", ""), ("Second", "more", f"Say: {needle}")]), "slide 2"
        ),
        "budget.xlsx": Good(make.xlsx({"Other": {(0, 0): 1}, "Budget": cells}), "sheet Budget", 5),
        "budget.xlsb": Good(make.xlsb("Budget", cells), "sheet Budget", 5),
        "budget.xls": Good(make.xls("Budget", cells), "sheet Budget", 5),
        "budget.ods": Good(make.ods(table), "sheet Budget", 5),
        "book.epub": Good(
            make.epub(
                ["<h1>Preface</h1><p>x</p>", "<p>y</p>", f"<h2>The  end</h2><p>{needle}</p>"]
            ),
            "The end",
        ),
        "letter.eml": Good(make.eml("A letter", body, "<p>in HTML</p>", "plan.pdf"), ""),
        "page.eml": Good(make.eml("A page", "", f"<p>Here is <b>{needle}</b></p>"), ""),
        "box.mbox": Good(make.mbox([other, make.eml("Grüße", body)]), "message 2: Grüße"),
        "work.ipynb": Good(
            make.ipynb([("markdown", "# Work", ""), ("code", "print(1)", f"{needle}\n")]), "cell 2"
        ),
        "page.html": Good(f"<!doctype html><p>x<p>Here is {needle}".encode(), ""),
        "table.csv": Good(f"a,b\n1,{needle}\n".encode(), "", 2),
    }


#: One of each format that has a reader of its own.
DOCUMENTS = (
    *("plain.pdf", "report.docx", "slides.pptx", "budget.xlsx", "budget.xlsb", "budget.xls"),
    *("budget.ods", "book.epub", "letter.eml", "box.mbox", "work.ipynb"),
)


#: The parser takes all memory for these and aborts: they need a process with limits.
ONLY_WITH_LIMITS = frozenset({"looping-sectors.xls"})


@lru_cache
def broken_documents() -> dict[str, bytes]:
    """Documents that are damaged, hostile, or not what their name says, by file name."""
    from beast_assets_tests.broken_documents import broken

    return broken()


def mutations(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Good documents with some bytes changed, half of the zip files inside a member.

    Args:
        seed: the same one gives the same files.
        count: how many.

    Yields:
        A file name that is like no other, and the content.
    """
    dice = random.Random(seed)
    documents = {name: good_documents()[name].data for name in DOCUMENTS}
    for number in range(count):
        name, data = dice.choice(list(documents.items()))
        if data.startswith(b"PK") and dice.random() < 0.5:
            members = make.members_of(data)
            member = dice.choice(sorted(members))
            data = make.with_member(data, member, _mutated(dice, members[member]))
        else:
            data = _mutated(dice, data)
        yield f"{number:05}-{name}", data


def _mutated(dice: random.Random, data: bytes) -> bytes:
    mutable = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 8, 64))):
        at = dice.randrange(len(mutable) + 1)
        size = dice.choice((1, 1, 2, 4, 16, 256))
        kind = dice.randrange(5)
        if kind == 0:
            mutable[at : at + size] = dice.randbytes(len(mutable[at : at + size]))
        elif kind == 1:
            mutable[at : at + size] = dice.choice((b"\0", b"\xff", b"\x7f")) * size
        elif kind == 2:
            del mutable[at : at + size]
        elif kind == 3:
            mutable[at:at] = mutable[at : at + size]
        else:
            begin = dice.randrange(len(mutable) + 1)
            mutable[at : at + size] = mutable[begin : begin + size]
    return bytes(mutable)
