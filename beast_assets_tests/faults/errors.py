"""Writes that fail: disks that are full, descriptors that run out, rights that are missing."""

import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from beast_assets.core.settings import Settings
from beast_assets_tests.faults import children
from beast_assets_tests.faults.boundaries import Boundaries, fail
from beast_assets_tests.faults.cases import Case
from beast_assets_tests.faults.checks import sound
from beast_assets_tests.faults.commands import beast
from beast_assets_tests.faults.kills import recovered, seen_complete
from beast_assets_tests.faults.scenes import BATCH, Scene

_NUMBERS = (errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EACCES)
_NOBODY = 65_534
_DISK = 64 * 2**20
_ROOM_LEFT = (0, 4, 12, 32, 64, 128, 256, 512)
_DESCRIPTORS = (2, 4, 6, 8, 12, 16)
_FORBIDDEN = (
    (".", 0o500),
    ("writer.lock", 0o400),
    ("ledger.sqlite", 0o400),
    ("ledger.sqlite", 0o000),
    ("embeddings.sqlite", 0o400),
    ("index", 0o500),
    ("index", 0o000),
)


def errors(scene: Scene, every: int = 1) -> list[Case]:
    """All failing writes; with ``every``, a sample of them."""
    return [*_injected(scene), *_full_disks(), *_descriptors(), *_rights()][::every]


def can_mount() -> bool:
    """Whether this process may mount a small file system to fill."""
    return os.geteuid() == 0 and _mount_works()


def _injected(scene: Scene) -> Iterator[Case]:
    place = scene.folder / "counted errors"
    place.mkdir()
    settings = scene.home("old", place)
    boundaries = Boundaries(settings.home)
    names = children.answer(beast(scene, settings.home, "index", boundaries=boundaries), place)
    for number, name in enumerate(names, 1):
        code = _NUMBERS[number % len(_NUMBERS)]
        what = f"{errno.errorcode[code]} at write {number}, {name}"
        yield Case("errors", f"update: {what}", partial(_fail, number, code))


def _fail(number: int, code: int, scene: Scene, place: Path) -> list[str]:
    settings = scene.home("old", place)
    boundaries = Boundaries(settings.home, at=number, act=fail(code))
    return _judge(settings, scene, place, boundaries=boundaries)


def _judge(
    settings: Settings,
    scene: Scene,
    place: Path,
    *words: str,
    boundaries: Boundaries | None = None,
    hinder: Callable[[], None] = lambda: None,
    relieve: Callable[[], None] = lambda: None,
) -> list[str]:
    """Run the command under a fault, look what readers see, and run it once more without."""
    before = scene.encoded.value
    work = beast(scene, settings.home, "index", *words, boundaries=boundaries)
    failed = children.run(lambda: (hinder(), work())[1], place)
    problems = _clear(failed)
    relieve()
    problems += seen_complete(settings, scene, place)
    allowed = before + max(scene.new.texts, scene.fresh) + BATCH
    return problems + recovered(replace(settings, roots=scene.roots), scene, place, allowed)


def _clear(ended: children.Ended) -> list[str]:
    """Whether a command that a fault was put into told it in words, or went on without harm."""
    problems = []
    if ended.code not in (0, 1):
        problems.append(f"exit code {ended.code}: {ended.output[-800:]}")
    if "Traceback" in ended.output:
        problems.append(f"a traceback: {ended.output[-1_500:]}")
    if ended.code == 1 and "beast: " not in ended.output:
        problems.append(f"no words: {ended.output[-800:]}")
    return problems


# -- a disk that is really full ----------------------------------------------------------------


def _full_disks() -> Iterator[Case]:
    for home in ("old", "first"):
        for room in _ROOM_LEFT:
            name = f"{home}: {room} KiB left on the disk"
            yield Case("errors", name, partial(_full_disk, home, room * 1024))


def _full_disk(home: str, room: int, scene: Scene, place: Path) -> list[str]:
    if not can_mount():
        return []
    disk = place / "disk"
    disk.mkdir()
    with _mounted(disk):
        settings = scene.home(home, disk)
        settings.home.mkdir(exist_ok=True)
        filler = disk / "filler"
        filler.touch()
        free = os.statvfs(disk)
        os.truncate(filler, 0)
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_bsize - room)
        words = [os.fsdecode(root) for root in scene.roots] if home == "first" else []
        return _judge(settings, scene, place, *words, relieve=filler.unlink)


@contextmanager
def _mounted(disk: Path) -> Iterator[None]:
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(disk)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _mount_works() -> bool:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            with _mounted(Path(folder)):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


# -- descriptors and rights --------------------------------------------------------------------


def _descriptors() -> Iterator[Case]:
    for number in _DESCRIPTORS:
        name = f"update: {number} descriptors are left"
        yield Case("errors", name, partial(_few_descriptors, number))


def _few_descriptors(number: int, scene: Scene, place: Path) -> list[str]:
    def hinder() -> None:
        import lancedb

        lancedb.connect(str(place / "warm"))  # its own threads and their descriptors come first
        used = max(map(int, os.listdir("/proc/self/fd")))
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + number, hard))

    return _judge(scene.home("old", place), scene, place, hinder=hinder)


def _rights() -> Iterator[Case]:
    for name, mode in _FORBIDDEN:
        yield Case("errors", f"update: mode {mode:04o} of {name}", partial(_forbid, name, mode))


def _forbid(name: str, mode: int, scene: Scene, place: Path) -> list[str]:
    settings = scene.home("old", place)
    if os.geteuid() != 0:
        return []
    _give([place, settings.home, *settings.home.rglob("*")], _NOBODY)
    forbidden = settings.home / name
    before = forbidden.stat().st_mode
    forbidden.chmod(mode)

    def relieve() -> None:
        forbidden.chmod(before)
        _give([settings.home, *settings.home.rglob("*")], 0)

    return _judge(settings, scene, place, hinder=partial(os.setuid, _NOBODY), relieve=relieve)


def _give(paths: Sequence[Path], owner: int) -> None:
    for path in paths:
        os.chown(path, owner, owner)
