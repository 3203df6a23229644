"""Every state that a path can be in is told apart, and ranks are those of a search."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from beast_assets.core.errors import LockedError, NoIndexError, UsageError
from beast_assets.core.explain import DEPTH, explain, explanation_lines
from beast_assets.core.home import lock_path
from beast_assets.core.ledger import Ledger
from beast_assets.core.lock import writer_lock
from beast_assets.core.quarantine import quarantine_lines, quarantine_list, retry
from beast_assets.core.search import Searcher
from beast_assets.core.settings import Settings, load_settings
from beast_assets.core.words import in_words
from beast_assets_tests.conftest import Beast, document
from beast_assets_tests.homes import add_root, index, published_rows


@pytest.fixture
def indexed(settings: Settings, docs: Path) -> Path:
    """The documents with all kinds of odd things, indexed."""
    (docs / "build").mkdir()
    (docs / "build" / "out.md").write_text("out\n")
    (docs / ".gitignore").write_text("# comment\nbuild/\n")
    (docs / "run.log").write_text("log\n")
    (docs / ".env").write_text("secret\n")
    (docs / "model.gguf").write_bytes(b"weights")
    (docs / "link.md").symlink_to("note-00.md")
    (docs / "folder").symlink_to("sub")
    (docs / "wrong.md").write_bytes(b"\xff\xfe\x00\xd8")
    (docs / os.fsdecode(b"caf\xe9\n.md")).write_text("odd\n")
    add_root(settings, docs)
    index(settings)
    return docs


def state(settings: Settings, path: Path | bytes) -> tuple[str, str]:
    found = explain(settings, bytes(path))
    return found["state"], found["why"]


@pytest.mark.parametrize(
    ("name", "expected", "why"),
    [
        ("note-00.md", "indexed", "as it is on disk"),
        ("sub/note-01.md", "indexed", "as it is on disk"),
        ("folder/note-01.md", "indexed", "as it is on disk"),
        (b"caf\xe9\n.md", "indexed", "as it is on disk"),
        ("build/out.md", "ignored", "by the rule build/ (.gitignore:2)"),
        ("build/never/was.md", "ignored", "by the rule build/ (.gitignore:2)"),
        ("run.log", "ignored", "by the rule *.log (default)"),
        (".env", "ignored", "by the rule .env* (never read)"),
        ("model.gguf", "skipped", "model file"),
        ("link.md", "skipped", "symlink"),
        ("wrong.md", "quarantined", "undecodable: begins with the mark of utf-16"),
        ("sub", "folder", "26 of the files below it have a record"),
        (".", "folder", "of the files below it have a record"),
        ("nowhere.md", "absent", "absent"),
        ("note-00.md/inner.md", "absent", "behind a link or a file"),
        ("..", "outside", "no indexed folder holds it (they are: "),
        ("../home/ledger.sqlite", "outside", "no indexed folder"),
    ],
)
def test_states(
    indexed: Path, settings: Settings, name: str | bytes, expected: str, why: str
) -> None:
    path = bytes(indexed) + b"/" + (name if isinstance(name, bytes) else name.encode())
    found = state(settings, path)
    assert found[0] == expected
    assert why in found[1]


CHANGES: list[tuple[str, Callable[[Path], object], str]] = [
    ("new.md", lambda docs: (docs / "new.md").write_text("new\n"), "waiting"),
    ("new.md", lambda docs: (docs / "new.md").symlink_to("note-00.md"), "waiting"),
    ("note-00.md", lambda docs: (docs / "note-00.md").write_text("another\n"), "changed"),
    ("note-00.md", lambda docs: (docs / "note-00.md").touch(), "changed"),
    ("note-00.md", lambda docs: (docs / "note-00.md").unlink(), "gone"),
    ("note-00.md", lambda docs: (docs / ".gitignore").write_text("note-00.md\n"), "ignored"),
    ("note-00.md", lambda docs: docs.rename(docs.with_name("away")), "away"),
]


@pytest.mark.parametrize(("name", "change", "expected"), CHANGES)
def test_states_after_a_change(
    indexed: Path,
    settings: Settings,
    name: str,
    change: Callable[[Path], object],
    expected: str,
) -> None:
    change(indexed)
    assert state(settings, indexed / name)[0] == expected


def test_home_inside_a_root_is_our_own(docs: Path) -> None:
    settings = load_settings({"home": docs / "home"})
    add_root(settings, docs)
    index(settings)
    assert state(settings, docs / "home" / "ledger.sqlite")[0] == "own"


def test_innermost_root_counts_and_a_root_may_become_a_link(
    indexed: Path, settings: Settings, tmp_path: Path
) -> None:
    outer = load_settings({"home": tmp_path / "other"})
    add_root(outer, indexed / "sub")
    add_root(outer, indexed)
    index(outer)
    assert explain(outer, bytes(indexed / "sub" / "note-01.md"))["root"] == str(indexed / "sub")
    indexed.rename(tmp_path / "moved")
    indexed.symlink_to("moved")
    assert state(settings, indexed / "note-00.md") == ("indexed", "as it is on disk")


def test_what_is_known_of_a_file(indexed: Path, settings: Settings) -> None:
    path = indexed / "note-06.md"
    found = explain(settings, bytes(path))
    rows = [row for row in published_rows(settings) if row["path"] == b"note-06.md"]
    assert (found["size"], found["extractor"]) == (path.stat().st_size, "text")
    assert found["content_sha256"] == rows[0]["content_sha256"]
    assert (found["model"], found["backend"]) == ("hashing", "hashing")
    assert len(found["chunks"]) == len(rows)
    assert [chunk["line_start"] for chunk in found["chunks"]] == sorted(
        row["line_start"] for row in rows
    )
    lines = explanation_lines(found)
    assert "state: indexed" in lines
    assert lines[-len(rows)].startswith("chunk 1: characters 0-")


@pytest.mark.parametrize("query", ["topic27x4y5", "sentence about note 27", "?"])
def test_ranks_are_those_of_a_search(indexed: Path, settings: Settings, query: str) -> None:
    path = indexed / "note-27.md"
    rankings = explain(settings, bytes(path), query)["rankings"]
    hits = Searcher(settings).search(query, 1_000)
    ranks = [rank for rank, hit in enumerate(hits, 1) if hit.path == str(path)]
    best = rankings["fused"]
    assert (best["rank"], best["score"]) == (ranks[0], hits[ranks[0] - 1].score)
    if query == "topic27x4y5":
        assert (rankings["text"]["rank"], best["rank"]) == (1, 1)
        assert rankings["vector"]["rank"] >= 1
    if query == "?":
        assert rankings["text"] is None
        words = explanation_lines(explain(settings, bytes(path), query))
        assert f"text: not among the first {DEPTH}" in words


def test_nothing_to_rank_is_a_wrong_question(indexed: Path, settings: Settings) -> None:
    for name in ("model.gguf", "nowhere.md", "../else.md"):
        with pytest.raises(UsageError, match="no rows"):
            explain(settings, bytes(indexed / name), "query")


def test_another_model_does_not_keep_one_from_asking(indexed: Path, settings: Settings) -> None:
    other = replace(settings, model="all-MiniLM-L6-v2", chunk_chars=600)
    assert explain(other, bytes(indexed / "note-00.md"))["chunks"]


def test_without_a_home(settings: Settings, docs: Path) -> None:
    with pytest.raises(NoIndexError):
        explain(settings, bytes(docs))


def test_quarantine_is_listed_and_tried_again(indexed: Path, settings: Settings) -> None:
    found = quarantine_list(settings)
    (entry,) = found["quarantined"]
    assert entry["path"] == str(indexed / "wrong.md")
    assert entry["reason"].startswith("undecodable")
    assert entry["since"] and not entry["retry"]
    skipped = quarantine_list(settings, skipped=True)["skipped"]
    assert skipped["model file"] == [str(indexed / "model.gguf")]
    assert len(skipped["symlink"]) == 2
    assert index(settings).work.changed == 0

    assert retry(settings, []) == [str(indexed / "wrong.md")]
    assert quarantine_list(settings)["quarantined"][0]["retry"]
    assert "will be tried again" in quarantine_lines(quarantine_list(settings))[0]
    assert state(settings, indexed / "wrong.md")[0] == "waiting"
    assert index(settings).work.added == 1
    assert not quarantine_list(settings)["quarantined"][0]["retry"]

    (indexed / "wrong.md").write_text("right\n")
    index(settings)
    assert quarantine_lines(quarantine_list(settings)) == ["nothing is quarantined"]


def test_only_what_is_quarantined_can_be_tried_again(indexed: Path, settings: Settings) -> None:
    for name in ("note-00.md", "model.gguf", "nowhere.md", "../else.md"):
        with pytest.raises(UsageError, match="not quarantined"):
            retry(settings, [bytes(indexed / "wrong.md"), bytes(indexed / name)])
    rows = {row.path: row for row in Ledger.open(settings.ledger_url).files()}
    assert rows[b"wrong.md"].indexed is not None
    assert retry(settings, [bytes(indexed / "wrong.md")]) == [str(indexed / "wrong.md")]


def test_retry_waits_for_nobody(indexed: Path, settings: Settings) -> None:
    import threading

    raised: list[BaseException] = []

    def other() -> None:
        try:
            retry(settings, [])
        except LockedError as error:
            raised.append(error)

    with writer_lock(lock_path(settings)):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(raised) == 1


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ({"version": None}, ["version: none"]),
        ({"roots": []}, ["roots: none"]),
        ({"roots": ["/a", "/b"]}, ["roots: /a, /b"]),
        ({"recipe": {"model": "x", "deep": {"er": 1}}}, ["recipe model: x", "recipe deep er: 1"]),
        ({"recipe": {}}, ["recipe: none"]),
        ({"held_back": [{"root": "/a", "lost": 3}]}, ["held back: root: /a; lost: 3"]),
        ({"ok": True, "bad": False}, ["ok: yes", "bad: no"]),
        ({"path": "a\nb"}, ["path: a\\nb"]),
    ],
)
def test_words(data: dict[str, Any], lines: list[str]) -> None:
    assert in_words(data) == lines


def test_commands(beast: Beast, docs: Path, settings: Settings) -> None:
    (docs / "wrong.md").write_bytes(b"\xff\xfe\x00\xd8")
    (docs / "new\nline.md").write_text(document(77))  # like no other
    add_root(settings, docs)
    index(settings)
    out = beast("explain", docs / "new\nline.md", "--query", "topic77x0y1").out.decode()
    assert f"path: {docs}/new\\nline.md\nstate: indexed\n" in out
    assert "\nfused: rank 1, score " in out
    listed = beast("quarantine", "list", "--json").json["quarantined"]
    assert [entry["path"] for entry in listed] == [str(docs / "wrong.md")]
    assert beast("quarantine", "retry", "--json").json["marked"] == [str(docs / "wrong.md")]
