"""Files of ours that are damaged, lost, or older than the rest: one ``beast index`` mends them."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from beast_assets_tests.faults import children
from beast_assets_tests.faults.cases import Case
from beast_assets_tests.faults.checks import sound
from beast_assets_tests.faults.commands import beast
from beast_assets_tests.faults.scenes import BATCH, Scene

Harm = Callable[[Path, Path], None]  # the home, and an older copy of it
_PAGE = 4_096
_SUFFIXES = ("", "-wal", "-shm")


def damage(every: int = 1) -> list[Case]:
    """All damaged states; with ``every``, a sample of them."""
    return list(_all_damage())[::every]


def _all_damage() -> Iterator[Case]:
    for name, harm in {**_LEDGER, **_INDEX}.items():
        yield Case("damage", f"new: {name}", partial(_mend, "new", harm, False))
    for name, harm in _LEDGER.items():  # with work to do besides
        yield Case("damage", f"old: {name}", partial(_mend, "old", harm, False))
    for name, harm in _CACHE.items():
        yield Case("damage", f"old: {name}", partial(_mend, "old", harm, True))


def _mend(home: str, harm: Harm, cache: bool, scene: Scene, place: Path) -> list[str]:
    settings = scene.home(home, place)
    harm(settings.home, scene.folder / "homes" / "old")
    before = scene.encoded.value
    done = children.run(beast(scene, settings.home, "index"), place)
    if done.code != 0:
        return [f"exit code {done.code}: {done.output[-1_500:]}"]
    cost = scene.encoded.value - before - (scene.fresh if home == "old" else 0)
    problems = [f"{cost} texts were embedded again"] if cost > BATCH and not cache else []
    aside = list(settings.home.glob("*.damaged-1"))
    if aside and "damaged" not in done.output:
        problems.append("a file was put aside without a word")
    found: list[str] = children.answer(lambda: sound(settings, scene), place)
    return problems + found


def _flip(path: Path, *places: int) -> None:
    data = bytearray(path.read_bytes())
    for place in places:
        data[place] ^= 0xFF
    path.write_bytes(data)


def _whole(path: Path) -> Path:
    """A database whose WAL is folded in, so that damage to the file is damage to what it says."""
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    for suffix in _SUFFIXES[1:]:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return path


def _change(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def _flip_part(name: str, share: float, home: Path, _: Path) -> None:
    path = _whole(home / name)
    page = int(path.stat().st_size // _PAGE * share)
    _flip(path, page * _PAGE, page * _PAGE + 3, page * _PAGE + 8)


def _flip_header(name: str, home: Path, _: Path) -> None:
    _flip(_whole(home / name), 0, 16, 100)


def _cut(name: str, share: float, home: Path, _: Path) -> None:
    path = _whole(home / name)
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share))


def _garbage(name: str, home: Path, _: Path) -> None:
    _whole(home / name).write_bytes(b"no database at all, " * 1_000)


def _lose(name: str, home: Path, _: Path) -> None:
    for suffix in _SUFFIXES:
        (home / (name + suffix)).unlink(missing_ok=True)


def _lose_wal(name: str, home: Path, _: Path) -> None:
    for suffix in _SUFFIXES[1:]:
        (home / (name + suffix)).unlink(missing_ok=True)


def _harm_wal(cut: bool, home: Path, _: Path) -> None:
    path = home / "ledger.sqlite-wal"
    size = path.stat().st_size
    assert size > 2 * _PAGE, "there is no WAL to harm"
    if cut:
        path.write_bytes(path.read_bytes()[: size // 2])
    else:
        _flip(path, size // 2)


def _older_ledger(alone: bool, home: Path, old: Path) -> None:
    _lose_wal("ledger.sqlite", home, old) if not alone else None
    for suffix in _SUFFIXES[: 1 if alone else 3]:
        if (old / f"ledger.sqlite{suffix}").exists():
            shutil.copy2(old / f"ledger.sqlite{suffix}", home / f"ledger.sqlite{suffix}")


def _older_index(home: Path, old: Path) -> None:
    shutil.rmtree(home / "index")
    shutil.copytree(old / "index", home / "index")


def _older_both(home: Path, old: Path) -> None:
    _older_index(home, old)
    _older_ledger(False, home, old)


def _files(home: Path, pattern: str) -> list[Path]:
    found = sorted(home.glob(f"index/*.lance/{pattern}"), key=lambda path: path.stat().st_mtime_ns)
    found = [path for path in found if path.is_file()]
    assert found, f"no {pattern}"
    return found


def _harm_file(pattern: str, how: Callable[[Path], None], home: Path, _: Path) -> None:
    how(_files(home, pattern)[-1])


def _harm_all(pattern: str, how: Callable[[Path], None], home: Path, _: Path) -> None:
    for path in _files(home, pattern):
        how(path)


def _older_file(pattern: str, home: Path, _: Path) -> None:
    found = _files(home, pattern)
    shutil.copy(found[0], found[-1])


def _halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _scramble(path: Path) -> None:
    path.write_bytes(bytes(byte ^ 0x5A for byte in path.read_bytes()))


def _rename_row(home: Path, _: Path) -> None:
    _change(
        home / "ledger.sqlite",
        "UPDATE files SET path = CAST(CAST(path AS TEXT) || 'x' AS BLOB)"
        " WHERE file_id IN (SELECT file_id FROM files WHERE chunks > 0 LIMIT 2)",
        "DELETE FROM snapshot",
    )


def _rename_root(home: Path, _: Path) -> None:
    _change(home / "ledger.sqlite", "UPDATE roots SET path = CAST('/elsewhere' AS BLOB)")


def _lose_published(home: Path, _: Path) -> None:
    _change(home / "ledger.sqlite", "UPDATE meta SET value = '{\"tab' WHERE key = 'published'")


def _text_that_is_none(home: Path, _: Path) -> None:
    _change(home / "ledger.sqlite", "UPDATE files SET status = CAST(x'ff41' AS TEXT)")


_LEDGER: dict[str, Harm] = {
    "ledger, header flipped": partial(_flip_header, "ledger.sqlite"),
    **{
        f"ledger, flipped at {share:.0%}": partial(_flip_part, "ledger.sqlite", share)
        for share in (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)
    },
    "ledger cut to its half": partial(_cut, "ledger.sqlite", 0.5),
    "ledger cut to a little": partial(_cut, "ledger.sqlite", 0.01),
    "ledger of no length": partial(_cut, "ledger.sqlite", 0),
    "ledger replaced by garbage": partial(_garbage, "ledger.sqlite"),
    "ledger lost": partial(_lose, "ledger.sqlite"),
    "ledger's WAL flipped": partial(_harm_wal, False),
    "ledger's WAL cut": partial(_harm_wal, True),
    "ledger's WAL lost": partial(_lose_wal, "ledger.sqlite"),
    "older ledger": partial(_older_ledger, False),
    "older ledger under a newer WAL": partial(_older_ledger, True),
    "ledger, paths of files altered": _rename_row,
    "ledger, path of a root altered": _rename_root,
    "ledger, published version unreadable": _lose_published,
    "ledger, text that is none": _text_that_is_none,
}
_INDEX: dict[str, Harm] = {
    "older index": _older_index,
    "older index and ledger": _older_both,
    "newest manifest scrambled": partial(_harm_file, "_versions/*", _scramble),
    "newest manifest cut": partial(_harm_file, "_versions/*", _halve),
    "newest manifest of no length": partial(_harm_file, "_versions/*", _empty),
    "newest manifest lost": partial(_harm_file, "_versions/*", Path.unlink),
    "all manifests lost": partial(_harm_all, "_versions/*", Path.unlink),
    "newest manifest older": partial(_older_file, "_versions/*"),
    "a data file scrambled": partial(_harm_file, "data/*", _scramble),
    "a data file cut": partial(_harm_file, "data/*", _halve),
    "a data file of no length": partial(_harm_file, "data/*", _empty),
    "a data file lost": partial(_harm_file, "data/*", Path.unlink),
    "a data file older": partial(_older_file, "data/*"),
    "full text, files scrambled": partial(_harm_all, "_indices/*/*", _scramble),
    "full text, files of no length": partial(_harm_all, "_indices/*/*", _empty),
    "full text, files lost": partial(_harm_all, "_indices/*/*", Path.unlink),
}
_CACHE: dict[str, Harm] = {
    "cache, header flipped": partial(_flip_header, "embeddings.sqlite"),
    **{
        f"cache, flipped at {share:.0%}": partial(_flip_part, "embeddings.sqlite", share)
        for share in (0.2, 0.4, 0.6, 0.8)
    },
    "cache cut to its half": partial(_cut, "embeddings.sqlite", 0.5),
    "cache of no length": partial(_cut, "embeddings.sqlite", 0),
    "cache replaced by garbage": partial(_garbage, "embeddings.sqlite"),
    "cache lost": partial(_lose, "embeddings.sqlite"),
    "cache's WAL lost": partial(_lose_wal, "embeddings.sqlite"),
}
