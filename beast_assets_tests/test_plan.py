"""What `beast plan` says the next run would do is what the next run does, and it writes nothing."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from beast_assets.core.errors import UsageError
from beast_assets.core.preview import preview
from beast_assets.core.settings import Settings, load_settings
from beast_assets_tests.conftest import Beast, document, settle
from beast_assets_tests.homes import add_root, index


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All files of a folder: when they were written and what is in them."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        # SQLite's own, which come and go with its readers.
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def counts(settings: Settings) -> dict[str, int]:
    return {kind: len(found) for kind, found in preview(settings).files.items() if found}


def edit(docs: Path) -> None:
    (docs / "note-00.md").write_text("quite another text\n")


def same_size(docs: Path) -> None:
    path = docs / "note-00.md"
    path.write_text(path.read_text().replace("Sentence", "Sentense"))


def link(docs: Path) -> None:
    (docs / "note-00.md").unlink()
    (docs / "note-00.md").symlink_to("note-03.md")


def bytewise(docs: Path) -> None:
    (docs / os.fsdecode(b"caf\xe9\n.md")).write_text("new\n")


CASES: list[tuple[Callable[[Path], object], dict[str, int]]] = [
    (lambda docs: None, {}),
    (edit, {"changed": 1}),
    (same_size, {"to_hash": 1}),
    (lambda docs: (docs / "note-00.md").touch(), {"to_hash": 1}),
    (lambda docs: (docs / "note-00.md").unlink(), {"removed": 1}),
    (lambda docs: (docs / "note-00.md").rename(docs / "moved.md"), {"added": 1, "removed": 1}),
    (lambda docs: (docs / "new.md").symlink_to("note-00.md"), {"noted": 1}),
    (link, {"removed": 1}),
    (bytewise, {"added": 1}),
    (lambda docs: (docs / ".gitignore").write_text("sub/\n"), {"added": 1, "removed": 5}),
]


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Settings, Path]]:
    """A home and settled documents for each case: all of them settle at once."""
    base = tmp_path_factory.mktemp("plan")
    found = []
    for number in range(len(CASES)):
        folder = base / f"docs-{number}"
        (folder / "sub").mkdir(parents=True)
        for note in range(8):
            parent = folder / "sub" if note % 3 else folder
            (parent / f"note-{note:02}.md").write_text(document(note))
        environ = {"BEAST_HOME": str(base / f"home-{number}"), "BEAST_MODEL": "hashing"}
        found.append((load_settings(environ=environ), folder))
    settle()
    for settings, folder in found:
        add_root(settings, folder)
        index(settings)
    return found


@pytest.mark.parametrize("number", range(len(CASES)))
def test_plan_is_what_the_run_then_does(homes: list[tuple[Settings, Path]], number: int) -> None:
    (change, planned), (settings, docs) = CASES[number], homes[number]
    change(docs)
    before = everything(settings.home)
    found = counts(settings)
    assert found == planned
    assert everything(settings.home) == before
    work = index(settings).work
    certain = {kind: found.get(kind, 0) for kind in ("added", "removed")}
    assert (work.added, work.removed) == (certain["added"], certain["removed"])
    surely = found.get("changed", 0)
    assert surely <= work.changed <= surely + found.get("to_hash", 0)


def test_a_home_that_does_not_exist_stays_that_way(
    beast: Beast, docs: Path, settings: Settings
) -> None:
    (docs / "big.gguf").write_bytes(b"x" * 1_000)
    planned = beast("plan", docs, "--json").json
    size = sum(path.stat().st_size for path in docs.rglob("*.md"))
    assert planned["added"]["files"] == planned["scanned"] == 41
    assert (planned["added"]["bytes"], planned["text_bytes"]) == (size + 1_000, size)
    assert planned["added"]["reasons"] == {"new": 41}
    assert len(planned["added"]["paths"]) == 20
    assert len(beast("plan", docs, "--all", "--json").json["added"]["paths"]) == 41
    assert planned["new_roots"] == [str(docs)]
    assert planned["index"] == "none yet"
    assert not settings.home.exists()


def test_folders_that_are_no_roots_yet_are_planned_for(
    settings: Settings, docs: Path, tmp_path: Path
) -> None:
    add_root(settings, docs)
    index(settings)
    more = tmp_path / "more"
    more.mkdir()
    (more / "one.md").write_text("one\n")
    found = preview(settings, [bytes(more), bytes(docs / "sub")])
    assert found.new_roots == [bytes(more)]
    assert [planned.path for planned in found.files["added"]] == [bytes(more / "one.md")]
    with pytest.raises(UsageError, match="belongs to the home"):
        preview(settings, [bytes(settings.home)])


def test_what_would_hold_a_run_back_is_said(settings: Settings, docs: Path, beast: Beast) -> None:
    add_root(settings, docs)
    index(settings)
    docs.rename(docs.with_name("away"))
    found = preview(replace(settings, chunk_chars=600))
    assert ["recipe" in found.held_back[0], "not available" in found.held_back[1]] == [True, True]
    assert not any(found.files.values())
    assert "held back: The root" in beast("plan").out.decode()


def test_lost_index_is_all_to_be_written_again(settings: Settings, docs: Path) -> None:
    settle()
    add_root(settings, docs)
    index(settings)
    index(settings)  # which keeps a snapshot: it must not be believed
    shutil.rmtree(settings.index_uri)
    found = preview(settings)
    assert "lost" in found.index
    assert len(found.files["added"]) == index(settings).work.added == 40


def test_touched_index_is_said(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    index(settings)
    assert preview(settings).index == "as it was left"
    (Path(settings.index_uri) / "stray").write_text("x")
    assert "compared" in preview(settings).index


def test_removed_root_and_another_limit(settings: Settings, docs: Path) -> None:
    small = replace(settings, max_text_bytes=1_000)
    add_root(small, docs)
    skipped = index(small).totals["skipped"]
    found = preview(settings)
    assert [planned.reason for planned in found.files["added"]] == (
        ["skipped under another limit"] * skipped
    )
    assert index(settings).work.added == skipped
    from beast_assets.core.ledger import Ledger

    ledger = Ledger.open(settings.ledger_url)
    ledger.remove_root(ledger.roots()[0].root_id)
    removed = preview(settings).files["removed"]
    assert {planned.reason for planned in removed} == {"its root was removed"}
    assert len(removed) == index(settings).work.removed == 40


def test_words_for_people(beast: Beast, docs: Path) -> None:
    (docs / "new\nline.md").write_text("x\n")
    lines = beast("plan", docs).out.decode().splitlines()
    assert lines[0] == f"new folder: {docs}"
    assert lines[1].startswith("added: 41, ")
    assert f"  {docs}/new\\nline.md" in beast("plan", docs, "--all").out.decode().splitlines()
    assert lines[-3].startswith("  … and 21 more")


def test_status_speaks_in_words(beast: Beast, docs: Path) -> None:
    beast("roots", "add", docs)
    lines = beast("status").out.decode().splitlines()
    assert "version: none" in lines
    assert f"roots: {docs}" in lines
    beast("index")
    lines = beast("status").out.decode().splitlines()
    assert "recipe chunker: content/1 chars=1200 overlap=0" in lines
    assert not [line for line in lines if any(sign in line for sign in "{}[]'")]
    updated = next(line for line in lines if line.startswith("updated: "))
    assert updated.removeprefix("updated: ")[:2] == "20"
