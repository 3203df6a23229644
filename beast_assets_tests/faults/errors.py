"""Writes that fail: disks that are full, descriptors that run out, rights that are missing."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from beast_assets.core import disk
from beast_assets.core.errors import BeastError, HeldBackError
from beast_assets.core.settings import Settings
from beast_assets_tests.faults import children
from beast_assets_tests.faults.boundaries import Boundaries, fail
from beast_assets_tests.faults.cases import Case
from beast_assets_tests.faults.commands import beast
from beast_assets_tests.faults.kills import recovered, seen_complete
from beast_assets_tests.faults.rights import give_up_overrides
from beast_assets_tests.faults.scenes import BATCH, Scene, index

_NUMBERS = (errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EACCES)
# Once there is room again, the guard against full disks must find its reserve, too.
_DISK = "192m"
_COMMANDS = (("old", "index"), ("disagreeing", "index"), ("rebuilt", "maintain"))
_ROOM_LEFT = (0, 8, 32, 64, 96, 128, 192, 512)
_ENOUGH = 128 * 1024
_DESCRIPTORS = (0, 1, 2, 3, 4, 6, 8)
_FORBIDDEN = (
    ("writer.lock", 0o400),
    ("ledger.sqlite", 0o400),
    ("ledger.sqlite", 0o000),
    ("embeddings.sqlite", 0o400),
    ("index", 0o000),
    ("index/*/data", 0o500),
    ("index/*/_versions", 0o500),
)


def errors(scene: Scene, every: int = 1) -> list[Case]:
    """All failing writes; with ``every``, a sample of them."""
    return [*_injected(scene), *_full_disks(), *_descriptors(), *_rights()][::every]


def can_mount() -> bool:
    """Whether this process may mount a small file system to fill."""
    return os.geteuid() == 0 and _mount_works()


def _injected(scene: Scene) -> Iterator[Case]:
    for home, word in _COMMANDS:
        place = scene.folder / f"counted errors {home}"
        place.mkdir()
        settings = scene.home(home, place)
        boundaries = Boundaries(settings.home)
        names = children.answer(beast(scene, settings.home, word, boundaries=boundaries), place)
        for number, name in enumerate(names, 1):
            code = _NUMBERS[number % len(_NUMBERS)]
            title = f"{word} in {home}: {errno.errorcode[code]} at write {number}, {name}"
            # Where a folder is there already, that is all that is asked.
            fail_at = partial(_fail, home, word, number, code, name != "file mkdir")
            yield Case("errors", title, fail_at)


def _fail(
    home: str, word: str, number: int, code: int, must_fail: bool, scene: Scene, place: Path
) -> list[str]:
    settings = scene.home(home, place)
    boundaries = Boundaries(settings.home, at=number, act=fail(code))
    work = beast(scene, settings.home, word, boundaries=boundaries)
    return _judge(settings, scene, place, work, must_fail=must_fail)


def _judge(
    settings: Settings,
    scene: Scene,
    place: Path,
    work: Callable[[], object],
    *,
    relieve: Callable[[], None] = lambda: None,
    must_fail: bool = True,
) -> list[str]:
    """Do work under a fault, look what readers see, and index once more without it."""
    before = scene.encoded.value
    failed = children.run(work, place)
    problems = _clear(failed)
    if must_fail and failed.code == 0:
        problems.append("the fault was not felt")
    relieve()
    problems += seen_complete(settings, scene, place)
    allowed = before + max(scene.new.texts, scene.fresh) + BATCH
    return problems + recovered(replace(settings, roots=scene.roots), scene, place, allowed)


def _clear(ended: children.Ended) -> list[str]:
    """Whether a command that a fault was put into told it in words, or went on without harm."""
    problems = []
    if ended.code not in (0, 1, HeldBackError.exit_code):
        problems.append(f"exit code {ended.code}: {ended.output[-800:]}")
    if "Traceback" in ended.output:
        problems.append(f"a traceback: {ended.output[-1_500:]}")
    if ended.code != 0 and "beast: " not in ended.output:
        problems.append(f"no words: {ended.output[-800:]}")
    return problems


# -- a disk that is really full ----------------------------------------------------------------


def _full_disks() -> Iterator[Case]:
    for home in ("old", "first"):
        for room in _ROOM_LEFT:
            for engine in (False, True):
                who = "engine" if engine else "command"
                name = f"{who} in {home}: {room} KiB left on the disk"
                yield Case("errors", name, partial(_full_disk, home, room * 1024, engine))


def _full_disk(home: str, room: int, engine: bool, scene: Scene, place: Path) -> list[str]:
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
        rooted = replace(settings, roots=scene.roots)
        words = [os.fsdecode(root) for root in scene.roots] if home == "first" else []
        command = beast(scene, settings.home, "index", *words)
        work = partial(_engine_in_words, rooted) if engine else command
        return _judge(settings, scene, place, work, relieve=filler.unlink, must_fail=room < _ENOUGH)


def _engine_in_words(settings: Settings) -> None:
    """The engine alone, without Dagster's databases to fail before ours do."""
    # Nor does the guard ask first: the disk itself is to say that it is full, at any write.
    disk._require_free = lambda place, needed: None
    try:
        index(settings)
    except (BeastError, OSError, RuntimeError) as error:
        sys.stderr.write(f"beast: {error}\n")
        sys.exit(1)


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
    settings = scene.home("old", place)

    def work() -> None:
        import lancedb

        lancedb.connect(str(place / "warm"))  # its own threads and their descriptors come first
        highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
        while os.dup(1) < highest:
            pass  # no gap is left below
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 2 + number, hard))
        beast(scene, settings.home, "index")()

    return _judge(settings, scene, place, work)


def _rights() -> Iterator[Case]:
    for name, mode in _FORBIDDEN:
        yield Case("errors", f"update: mode {mode:04o} of {name}", partial(_forbid, name, mode))


def _forbid(name: str, mode: int, scene: Scene, place: Path) -> list[str]:
    settings = scene.home("old", place)
    forbidden = next(settings.home.glob(name))
    before = forbidden.stat().st_mode
    forbidden.chmod(mode)

    def work() -> None:
        give_up_overrides()
        # Rights belong to a thread: only what is forked from it has none with more.
        ended = children.run(beast(scene, settings.home, "index"), place)
        sys.stderr.write(ended.output)
        sys.exit(ended.code)

    return _judge(settings, scene, place, work, relieve=partial(forbidden.chmod, before))
