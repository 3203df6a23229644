"""Documents through the whole pipeline: found where they say it, and the bad harm nobody."""

import time
from pathlib import Path

import pytest

from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import INDEXED, QUARANTINED
from beast_assets.core.search import Searcher
from beast_assets.core.settings import Settings
from beast_assets.core.text import Sandbox, extract
from beast_assets_tests.conftest import settle
from beast_assets_tests.documents import NEEDLE, broken_documents, good_documents, mutations
from beast_assets_tests.homes import add_root, index

#: The limit of the child process, and something for its start and a busy machine.
SECONDS = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    return folder


def test_needle_in_each_format_is_found_at_its_place(settings: Settings, folder: Path) -> None:
    good = good_documents()
    for name, document in good.items():
        (folder / name).write_bytes(document.data)
    add_root(settings, folder)
    report = index(settings)
    assert (report.totals["quarantined"], report.totals["skipped"]) == (0, 0)
    hits = [
        hit for hit in Searcher(settings).search(NEEDLE, 100, copies=True) if NEEDLE in hit.text
    ]
    assert {Path(hit.path).name for hit in hits} == good.keys()
    for hit in hits:
        document = good[Path(hit.path).name]
        assert hit.place == document.place
        if document.line:
            assert hit.line_start <= document.line <= hit.line_end
            assert NEEDLE in hit.text.split("\n")[document.line - hit.line_start]


def test_bad_documents_are_rows_with_reasons_and_cost_no_good_one(
    settings: Settings, folder: Path
) -> None:
    good = {f"good-{name}": document.data for name, document in good_documents().items()}
    bad = broken_documents()
    assert len(bad) >= 60
    for name, data in (good | bad).items():
        (folder / name).write_bytes(data)
    settle()
    add_root(settings, folder)
    began = time.monotonic()
    report = index(settings)
    took = time.monotonic() - began
    rows = {row.path.decode(): row for row in Ledger.open(settings.ledger_url).files()}
    assert rows.keys() == good.keys() | bad.keys()
    assert all(rows[name].status == INDEXED for name in good)
    for name in bad:
        assert rows[name].status == INDEXED or rows[name].reason, name
    assert sum(rows[name].status == QUARANTINED for name in bad) > len(bad) / 2
    assert took < SECONDS * 2
    again = index(settings)
    assert again.work.bytes_hashed == 0, "quarantined files are tried again only when they change"
    assert report.totals == again.totals


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(4))
def test_mutated_documents_give_text_or_a_reason(seed: int) -> None:
    with Sandbox() as sandbox:
        for name, data in mutations(seed, 500):
            began = time.monotonic()
            found = extract(data, path=name.encode(), sandbox=sandbox)
            assert time.monotonic() - began < SECONDS, name
            assert found.parts or (found.skip and found.skip.reason), name
