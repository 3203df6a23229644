"""Maintenance changes files, never rows; whoever reads meanwhile keeps reading."""

from datetime import timedelta
from pathlib import Path

import pytest

from beast_assets.core import ann
from beast_assets.core.errors import IndexDamagedError, NoIndexError
from beast_assets.core.fingerprint import is_untouched
from beast_assets.core.index import ChunkIndex
from beast_assets.core.ledger import Ledger
from beast_assets.core.maintenance import maintain
from beast_assets.core.purge import Retention
from beast_assets.core.report import Report
from beast_assets.core.search import Searcher
from beast_assets.core.settings import Settings
from beast_assets_tests.conftest import document
from beast_assets_tests.homes import add_root, comparable, index, published_rows


def table_name(settings: Settings) -> str:
    published = Ledger.open(settings.ledger_url).published()
    assert published is not None
    return published.table


@pytest.fixture
def edited(settings: Settings, docs: Path) -> Settings:
    """An index with a history of several runs."""
    add_root(settings, docs)
    index(settings)
    for number in range(6):
        (docs / "note-03.md").write_text(document(100 + number, 3))
        index(settings)
    return settings


def test_rows_stay_and_the_next_run_has_nothing_to_do(edited: Settings) -> None:
    rows = comparable(published_rows(edited))
    done = maintain(edited)
    assert done.rows == rows.total()
    assert comparable(published_rows(edited)) == rows
    ledger = Ledger.open(edited.ledger_url)
    assert is_untouched(edited.index_uri, ledger.meta("fingerprint"))
    assert index(edited).work == Report().work


def test_old_versions_leave_the_disk(edited: Settings) -> None:
    done = maintain(edited, retention=Retention(timedelta(days=1), timedelta(0)))
    assert done.bytes_after < done.bytes_before
    table = ChunkIndex.open(edited.index_uri, table_name(edited)).table
    assert len(table.list_versions()) == 1
    again = index(edited)
    assert again.version == done.version


def test_open_reader_goes_on(edited: Settings) -> None:
    reader = Searcher(edited)
    before = [hit.text for hit in reader.search("topic17x2y5", 5)]
    maintain(edited)
    assert [hit.text for hit in reader.search("topic17x2y5", 5)] == before
    assert [hit.text for hit in Searcher(edited).search("topic17x2y5", 5)] == before


def test_approximate_index_is_built_past_its_row_count_and_used(
    edited: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ann, "ANN_FROM_ROWS", 256)
    for number in range(40, 240):
        (docs / f"note-{number}.md").write_text(document(number, 4))
    index(edited)
    reader = Searcher(edited)
    queries = [f"topic{number}x1y{number % 8}" for number in range(40, 60)]
    exact = [reader.search(query, 1)[0].path for query in queries]
    maintain(edited)
    reader = Searcher(edited)
    assert reader._index.has_index("vector")
    assert [reader.search(query, 1)[0].path for query in queries] == exact


def test_a_damaged_index_is_left_to_an_indexing_run(edited: Settings) -> None:
    table = ChunkIndex.open(edited.index_uri, table_name(edited)).table
    table.delete("path = X'" + b"note-00.md".hex() + "'")
    published = Ledger.open(edited.ledger_url).published()
    assert published is not None
    maintain(edited)  # a version that nobody published is undone
    table.checkout_latest()
    table.delete("path = X'" + b"note-00.md".hex() + "'")
    Ledger.open(edited.ledger_url).republish(type(published)(published.table, int(table.version)))
    with pytest.raises(IndexDamagedError, match="beast index"):
        maintain(edited)
    index(edited)
    maintain(edited)


def test_nothing_indexed_is_said(settings: Settings) -> None:
    with pytest.raises(NoIndexError):
        maintain(settings)
