import hashlib
import os
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_assets.core import hashing
from beast_assets.core.files import NotRegularFileError, open_root
from beast_assets.core.hashing import (
    BUFFER_SIZE,
    ChangedWhileReading,
    hash_fd,
    hash_file,
    hash_many,
    hash_stable,
    is_settled,
    read_stable,
)
from beast_assets.core.records import Stat

SECOND = 1_000_000_000


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    with open_root(os.fsencode(tmp_path)) as handle:
        yield handle.fd


# --- digests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, BUFFER_SIZE - 1, BUFFER_SIZE, BUFFER_SIZE + 1, 1_000_003])
def test_digest_of_any_size(size: int, tmp_path: Path, root: int) -> None:
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)
    assert hash_file(tmp_path / "a") == sha256(content)
    assert hash_file(os.fsencode(tmp_path / "a")) == sha256(content)
    assert hash_stable(root, b"a").sha256 == sha256(content)
    for limit in (0, size, size + 1, 10**9):
        result, kept = read_stable(root, b"a", limit)
        assert (result.sha256, result.size_read, result.stat.size) == (sha256(content), size, size)
        assert kept == (content if size <= limit else None)


def test_the_published_digest_of_abc(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_file(str(tmp_path / "abc")) == published


def test_buffers_of_any_size(tmp_path: Path) -> None:
    content = os.urandom(10_000)
    (tmp_path / "a").write_bytes(content)
    for buffer_size in (1, 4096, 7, 1 << 20):
        with (tmp_path / "a").open("rb") as file:
            assert hash_fd(file.fileno(), buffer_size=buffer_size) == (sha256(content), 10_000)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        hash_file(tmp_path / "big")
        assert tracemalloc.get_traced_memory()[1] < 4 * BUFFER_SIZE
    finally:
        tracemalloc.stop()


def test_a_fifo_neither_hangs_nor_has_a_digest(tmp_path: Path, root: int) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotRegularFileError, match="fifo"):
        hash_file(tmp_path / "pipe")
    with pytest.raises(NotRegularFileError, match="fifo"):
        hash_stable(root, b"pipe")


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_many_files_in_order(threads: int, tmp_path: Path) -> None:
    contents = [os.urandom(size) for size in (10, 3 << 20, 0, 1 << 20, 5, (2 << 20) + 1, 2 << 20)]
    paths = [tmp_path / str(number) for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    *digests, missing = hash_many([*paths, tmp_path / "missing"], threads)
    assert digests == [sha256(content) for content in contents]
    assert isinstance(missing, FileNotFoundError)


def test_large_files_go_to_threads_and_small_ones_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_size: dict[int, str] = {}
    original = hash_fd

    def recording(fd: int) -> tuple[str, int]:
        by_size[os.fstat(fd).st_size] = threading.current_thread().name
        return original(fd)

    monkeypatch.setattr(hashing, "hash_fd", recording)
    (tmp_path / "large").write_bytes(bytes(1 << 20))
    (tmp_path / "small").write_bytes(bytes((1 << 20) - 1))
    hash_many([tmp_path / "large", tmp_path / "small"], 2)
    here = threading.current_thread().name
    assert by_size[(1 << 20) - 1] == here
    assert by_size[1 << 20] != here


# --- changes during the read --------------------------------------------------------------------


class Meddler:
    """Changes a file each time that a given number of hashes has begun to read it."""

    def __init__(self, file: Path, change: str, times: int) -> None:
        self.file, self.change, self.left = file, change, times

    def meddle(self) -> None:
        if self.left:
            self.left -= 1
            if self.change == "grow":
                with self.file.open("ab") as out:
                    out.write(b"more")
            elif self.change == "truncate":
                os.truncate(self.file, self.file.stat().st_size // 2)
            else:
                kept = self.file.stat()
                os.utime(self.file, ns=(kept.st_atime_ns, kept.st_mtime_ns))  # moves ctime alone


@pytest.fixture
def big(tmp_path: Path) -> Path:
    file = tmp_path / "big"
    file.write_bytes(os.urandom(3 * BUFFER_SIZE))
    # ctime must have moved on by the time it is touched: file systems' clocks tick every 4 ms
    while True:
        os.utime(tmp_path)
        if tmp_path.stat().st_ctime_ns > file.stat().st_ctime_ns:
            return file


@pytest.fixture(params=["grow", "truncate", "touch"])
def meddler(request: pytest.FixtureRequest, big: Path, monkeypatch: pytest.MonkeyPatch) -> Meddler:
    """The file changes after the first piece of it was read."""
    found = Meddler(big, request.param, times=1)
    readv, read = os.readv, os.read

    def meddling_readv(fd: int, buffers: list[memoryview]) -> int:
        count = readv(fd, buffers)
        found.meddle()
        return count

    def meddling_read(fd: int, size: int) -> bytes:
        piece = read(fd, min(size, BUFFER_SIZE))
        found.meddle()
        return piece

    monkeypatch.setattr(os, "readv", meddling_readv)
    monkeypatch.setattr(os, "read", meddling_read)
    return found


def test_one_change_is_read_again(meddler: Meddler, root: int) -> None:
    result = hash_stable(root, b"big")
    content = meddler.file.read_bytes()
    assert meddler.left == 0
    assert (result.sha256, result.size_read) == (sha256(content), len(content))
    assert result.stat.ctime_ns == meddler.file.stat().st_ctime_ns


def test_one_change_is_read_again_with_the_content(meddler: Meddler, root: int) -> None:
    result, content = read_stable(root, b"big", 1 << 30)
    assert meddler.left == 0
    assert content == meddler.file.read_bytes()
    assert result.sha256 == sha256(content)


# A second touch may fall into the same tick of the clock, hence only these.
@pytest.mark.parametrize("meddler", ["grow", "truncate"], indirect=True)
@pytest.mark.parametrize("limit", [0, 1 << 30])
def test_a_file_that_keeps_changing_is_given_up(meddler: Meddler, limit: int, root: int) -> None:
    meddler.left = 10**9
    with pytest.raises(ChangedWhileReading, match="changed while it was read"):
        read_stable(root, b"big", limit)
    assert 10**9 - meddler.left < 20  # it was not chased to an end that it does not have


@pytest.mark.parametrize("meddler", ["grow"], indirect=True)
def test_an_error_of_reading_is_an_os_error(meddler: Meddler, root: int) -> None:
    meddler.left = 10**9
    with pytest.raises(OSError, match="changed while it was read") as caught:
        hash_stable(root, b"big")
    assert caught.value.filename == b"big"


def test_a_size_that_is_a_lie_is_noticed() -> None:
    with open_root(b"/proc/self") as proc:  # where files say that they are empty
        with pytest.raises(ChangedWhileReading):
            read_stable(proc.fd, b"status", 1 << 20)
        with pytest.raises(ChangedWhileReading):
            hash_stable(proc.fd, b"status")


# --- the settled rule ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mtime", "ctime", "settled"),
    [
        (-2 * SECOND, -2 * SECOND, True),
        (-2 * SECOND + 1, -9 * SECOND, False),
        (-9 * SECOND, -2 * SECOND + 1, False),  # cp -p: an old mtime on a new file
        (+9 * SECOND, -9 * SECOND, False),
        (-9 * SECOND, +9 * SECOND, False),
    ],
)
def test_settled(mtime: int, ctime: int, settled: bool) -> None:
    now = 1_700_000_000 * SECOND
    assert is_settled(Stat(1, now + mtime, now + ctime, 1), now) is settled


times = st.integers(min_value=-(2**62), max_value=2**62)


@given(mtime=times, ctime=times, hashed=times, margin=st.integers(0, 10 * SECOND))
def test_settled_means_both_times_are_old_enough(
    mtime: int, ctime: int, hashed: int, margin: int
) -> None:
    settled = is_settled(Stat(1, mtime, ctime, 1), hashed, margin)
    assert settled == (hashed - mtime >= margin and hashed - ctime >= margin)


def test_a_file_just_written_is_not_settled(tmp_path: Path, root: int) -> None:
    (tmp_path / "a").write_bytes(b"x")
    os.utime(tmp_path / "a", (0, 0))
    result = hash_stable(root, b"a")
    assert not is_settled(result.stat, result.hashed_ns)
    assert is_settled(result.stat, result.hashed_ns + 3 * SECOND)
