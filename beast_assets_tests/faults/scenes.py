"""Two folders of documents and homes that index them in several states, made once, copied often.

Copies keep the times of files, so that a copied home looks untouched to itself.
"""

import mmap
import os
import shutil
import sqlite3
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from beast_assets.core.maintenance import maintain
from beast_assets.core.pipeline import run_index
from beast_assets.core.purge import AT_ONCE
from beast_assets.core.report import Report
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings, load_settings
from beast_assets_tests.conftest import document
from beast_assets_tests.faults import children
from beast_assets_tests.faults.checks import Sight, look

BATCH = 4
ENVIRONMENT = {"BEAST_MODEL": "hashing", "BEAST_EMBED_BATCH": str(BATCH), "BEAST_BUCKETS": "16"}


@dataclass(frozen=True)
class Scene:
    """What the cases start from.

    Attributes:
        folder: of everything.
        old: what readers see in the home ``old``.
        new: what a clean build of today's documents gives.
        narrow: the same without the second folder.
        fresh: texts of today that the home ``old`` has no vectors of.
        encoded: texts that were given to the model, counted over processes.
    """

    folder: Path
    old: Sight
    new: Sight
    narrow: Sight
    fresh: int
    encoded: "Counter"

    @property
    def roots(self) -> tuple[bytes, ...]:
        """The folders of documents."""
        return bytes(self.folder / "docs"), bytes(self.folder / "more")

    def home(self, name: str, place: Path) -> Settings:
        """Settings of a copy of a prepared home, in a folder of the case's own."""
        if name != "first":
            shutil.copytree(self.folder / "homes" / name, place / "home", dirs_exist_ok=True)
        return at(place / "home")


class Counter:
    """A number that processes share."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    @property
    def value(self) -> int:
        """The number."""
        number: int = struct.unpack("q", self._memory[:8])[0]
        return number

    def add(self, number: int) -> None:
        """Count on."""
        self._memory[:8] = struct.pack("q", self.value + number)

    def watch_model(self) -> None:
        """Count the texts that this process gives to the model."""
        from beast_assets.core.embedding.hashing_backend import HashingEmbedder

        real = HashingEmbedder.encode

        def encode(embedder: HashingEmbedder, texts: Sequence[str]) -> Any:
            self.add(len(texts))
            return real(embedder, texts)

        HashingEmbedder.encode = encode  # type: ignore[assignment, method-assign]


def at(home: Path) -> Settings:
    """Settings of a home."""
    return load_settings({"home": home}, {**ENVIRONMENT, "PATH": os.environ["PATH"]})


def index(settings: Settings, request: Request | None = None) -> Report:
    """A run of the engine that waits for others."""
    return run_index(settings, request or Request(), run_id="faults", timeout_s=60)


def prepare(folder: Path) -> Scene:
    """Write the documents and make the homes."""
    homes = folder / "homes"
    homes.mkdir(parents=True)
    _write_old(folder)
    bare = Scene(folder, Sight(), Sight(), Sight(), 0, Counter())
    old = _build(folder, "old", lambda s: look(_commanded(s, bare.roots)))
    _edit(folder / "docs")
    new = _build(folder, "clean", lambda s: look(_indexed(replace(s, roots=bare.roots))))
    narrow = _build(folder, "narrow", lambda s: look(_indexed(replace(s, roots=bare.roots[:1]))))
    fresh = _derive(folder, "old", "new", lambda settings: index(settings).work.embedded)
    _derive(folder, "new", "rebuilt", lambda settings: index(settings, Request(rebuild=True)))
    _derive(folder, "new", "maintained", lambda s: maintain(s, retention=AT_ONCE))
    _derive(folder, "new", "disagreeing", _disagree)
    _derive(folder, "new", "lost", lambda settings: shutil.rmtree(settings.index_uri))
    return Scene(folder, old, new, narrow, fresh, bare.encoded)


def _build(folder: Path, name: str, work: Callable[[Settings], Sight]) -> Sight:
    sight: Sight = children.answer(lambda: work(at(folder / "homes" / name)), folder)
    return sight


def _derive(folder: Path, source: str, name: str, work: Callable[[Settings], Any]) -> Any:
    homes = folder / "homes"
    shutil.copytree(homes / source, homes / name)
    return children.answer(lambda: work(at(homes / name)), folder)


def _indexed(settings: Settings) -> Settings:
    index(settings)
    return settings


def _commanded(settings: Settings, roots: tuple[bytes, ...]) -> Settings:
    """With Dagster, whose databases take seconds to make: copies of the home have them."""
    from beast_assets.indexing import index_now

    index_now(settings, roots)
    return settings


def _write_old(folder: Path) -> None:
    (folder / "docs").mkdir()
    (folder / "more").mkdir()
    for number in range(14):
        (folder / "docs" / f"note-{number:02}.md").write_text(document(number, 1 + number % 3))
    for number in range(20, 23):
        (folder / "more" / f"note-{number}.md").write_text(document(number, 2))


def _edit(docs: Path) -> None:
    for number in range(0, 6, 2):
        (docs / f"note-{number:02}.md").write_text(document(100 + number, 3))
    (docs / "note-07.md").rename(docs / "renamed.md")
    (docs / "note-09.md").unlink()
    (docs / "note-11.md").unlink()
    for number in range(30, 33):
        (docs / f"note-{number}.md").write_text(document(number, 2))


def _disagree(settings: Settings) -> None:
    """A ledger that has other rows than the index: some wrong, some missing."""
    with sqlite3.connect(settings.home / "ledger.sqlite") as ledger:
        names = [name for (name,) in ledger.execute("SELECT file_id FROM files WHERE chunks > 0")]
        for name in names[:3]:
            ledger.execute("UPDATE files SET rows_digest = 'x' WHERE file_id = ?", (name,))
        for name in names[3:5]:
            ledger.execute("DELETE FROM files WHERE file_id = ?", (name,))
        ledger.execute("DELETE FROM snapshot")
        ledger.execute("UPDATE meta SET value = 'other' WHERE key = 'fingerprint'")
    ledger.close()
