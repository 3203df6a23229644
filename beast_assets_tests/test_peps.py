"""Real documents and the real model: a sample for every day, the whole corpus as proof."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from beast_assets.core.embedding import load_embedder
from beast_assets.core.ledger import Ledger
from beast_assets.core.settings import Settings, load_settings
from beast_assets_tests.conftest import Beast, settle
from beast_assets_tests.homes import published_rows

ANSWERS = {"pep-0634.rst", "pep-0635.rst", "pep-0636.rst"}
SAMPLE = ["pep-0634.rst", "pep-0008.rst", "pep-0020.rst", "pep-0404.rst", "pep-0572.rst"]


@pytest.fixture(autouse=True)
def real_model(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEAST_MODEL")


@pytest.fixture
def settings(real_model: None) -> Settings:
    return load_settings()


def copy(peps: Path, folder: Path, wanted: Callable[[str], bool]) -> int:
    folder.mkdir()
    chosen = [path for path in sorted(peps.rglob("*")) if path.is_file() and wanted(path.name)]
    for path in chosen:
        shutil.copy(path, folder / path.name)
    return len(chosen)


def assert_answers(beast: Beast) -> None:
    hits = beast("search", "structural pattern matching", "--json").json["hits"]
    assert Path(hits[0]["path"]).name in ANSWERS


def assert_everything_is_covered(settings: Settings, folder: Path) -> None:
    """Every character that is not blank lies in a window that the model read whole."""
    embedder = load_embedder(settings.model, threads=settings.threads)
    covered: dict[bytes, bytearray] = {}
    for row in published_rows(settings):
        if row["path"] not in covered:
            text = (folder / os.fsdecode(row["path"])).read_bytes().decode()
            covered[row["path"]] = bytearray(character.isspace() for character in text)
        marks = covered[row["path"]]
        start, end = row["char_start"], row["char_end"]
        marks[start:end] = b"\x01" * (end - start)
        assert embedder.fits(row["text"]) == len(row["text"])
    assert covered
    missed = {path: marks.count(0) for path, marks in covered.items() if 0 in marks}
    assert missed == {}


def test_sample(beast: Beast, peps: Path, tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "peps"
    assert copy(peps, folder, SAMPLE.__contains__) == len(SAMPLE)
    settle()
    first = beast("index", folder, "--json").json
    assert first["scanned"] == len(SAMPLE)
    assert first["embedded"] + first["reused"] == first["chunks_written"] > 100
    assert first["tokens_truncated"] == 0
    assert_answers(beast)
    assert_everything_is_covered(settings, folder)
    again = beast("index", "--json").json
    assert (again["bytes_hashed"], again["embedded"], again["run_ids"]) == (0, 0, [])
    before = {row["text"] for row in published_rows(settings)}
    edited = folder / "pep-0634.rst"
    edited.write_text(edited.read_text() + "\nOne walrus more.\n")
    update = beast("index", "--json").json
    new = {row["text"] for row in published_rows(settings)} - before
    assert (update["changed"], update["embedded"]) == (1, len(new))
    assert 1 <= len(new) <= 3


@pytest.mark.proof
def test_whole_corpus(beast: Beast, peps: Path, tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "peps"
    copy(peps, folder, lambda name: True)
    settle()
    first = beast("index", folder, "--json").json
    print(first, file=sys.stderr)
    assert first["scanned"] == 707
    assert first["tokens_truncated"] == 0
    assert len(first["buckets"]) == 16
    assert_answers(beast)
    assert beast("status", "--json").json["files"] == 707
    assert_everything_is_covered(settings, folder)
    again = beast("index", "--json").json
    assert (again["bytes_hashed"], again["chunks_written"], again["embedded"]) == (0, 0, 0)
    assert (again["run_ids"], again["buckets"]) == ([], [])
    (folder / "pep-0001.rst").rename(folder / "renamed.rst")
    moved = beast("index", "--json").json
    assert (moved["embedded"], moved["added"], moved["removed"]) == (0, 1, 1)
    shutil.rmtree(settings.home / "index")
    restored = beast("index", "--json").json
    assert (restored["embedded"], restored["added"]) == (0, 707)
    totals = Ledger.open_existing(settings.ledger_url).totals()
    assert totals["chunks"] == restored["chunks_total"] == first["chunks_total"]
