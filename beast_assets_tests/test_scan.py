import errno
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beast_assets.core.files import NotRegularFileError, open_beneath, open_root, stat_of, to_stat
from beast_assets.core.records import Entry
from beast_assets.core.scan import RootUnavailableError, scan_root, which_rule

NOBODY = 65534


def scan(root: Path, **options: set[tuple[int, int]]) -> dict[bytes, Entry]:
    found = list(scan_root(os.fsencode(root), **options))
    by_path = {entry.path: entry for entry in found}
    assert len(by_path) == len(found)
    return by_path


def problems(root: Path) -> dict[bytes, str | None]:
    return {path: entry.problem for path, entry in scan(root).items()}


def write(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def open_descriptors(below: Path) -> int:
    """Descriptors of what lies in a folder: libraries open and close others when they like."""

    def is_below(descriptor: Path) -> bool:
        try:
            return str(descriptor.readlink()).startswith(str(below))
        except FileNotFoundError:
            return False
        except OSError as error:  # the path is too long to be told
            return error.errno == errno.ENAMETOOLONG

    return sum(map(is_below, Path("/proc/self/fd").iterdir()))


@pytest.fixture(autouse=True)
def no_descriptor_leaks(tmp_path: Path) -> Iterator[None]:
    yield
    assert open_descriptors(tmp_path) == 0


# --- what is found ------------------------------------------------------------------------------

names = st.binary(min_size=1, max_size=8).filter(
    lambda name: b"/" not in name and b"\0" not in name and name.strip(b".") != b""
)


@settings(max_examples=60, deadline=None, database=None)
@given(paths=st.sets(st.lists(names, min_size=1, max_size=4).map(b"/".join), max_size=12))
def test_finds_what_find_finds(paths: set[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("root")
    (root / ".gitignore").write_bytes(b"!*\n")
    for path in paths:
        place = root / os.fsdecode(path)
        try:
            write(place)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
    found = subprocess.run(
        ["find", ".", "-type", "f", "-printf", "%P\\0"], cwd=root, capture_output=True, check=True
    )
    assert set(scan(root)) == {path for path in found.stdout.split(b"\0") if path}
    shutil.rmtree(root)


def test_stat_of_an_entry_is_that_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "sub" / "a.md", b"12345")
    entry = scan(tmp_path)[b"sub/a.md"]
    assert entry == Entry(b"sub/a.md", to_stat(file.stat()))
    assert entry.stat.size == 5
    assert entry.stat.mtime_ns == file.stat().st_mtime_ns


def test_an_edit_that_keeps_size_and_mtime_shows_in_ctime(tmp_path: Path) -> None:
    file = write(tmp_path / "a.md", b"old")
    before = scan(tmp_path)[b"a.md"].stat
    kept = file.stat()
    while scan(tmp_path)[b"a.md"].stat.ctime_ns == before.ctime_ns:  # until the clock ticks
        file.write_bytes(b"new")
        os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    after = scan(tmp_path)[b"a.md"].stat
    assert (after.size, after.mtime_ns, after.inode) == (before.size, before.mtime_ns, before.inode)
    assert after.ctime_ns > before.ctime_ns


def test_inodes_beyond_signed_64_bits_are_folded() -> None:
    mode = 0o100644
    for inode, kept in [(2**63 - 1, 2**63 - 1), (2**63, -(2**63)), (2**64 - 1, -1)]:
        assert to_stat(os.stat_result((mode, inode, *[0] * 8))).inode == kept


def test_special_files_are_told_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's whole path may have 107 bytes only
        server.bind("talk")
        os.chdir(here)
        assert problems(tmp_path) == {b"pipe": "fifo", b"talk": "socket"}


def test_device(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "null", 0o600 | 0o020000, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this user may not make device nodes")
    assert problems(tmp_path) == {b"null": "device"}


def test_links_are_told_and_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "outside" / "secret.md")
    root = tmp_path / "root"
    write(root / "sub" / "a.md")
    (root / "loop").symlink_to(".")
    (root / "sub" / "up").symlink_to("..")
    (root / "self").symlink_to("self")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "broken").symlink_to("nowhere")
    told = problems(root)
    assert told.pop(b"sub/a.md") is None
    assert told == dict.fromkeys([b"loop", b"sub/up", b"self", b"out", b"broken"], "symlink")


def test_the_root_may_be_a_link(tmp_path: Path) -> None:
    write(tmp_path / "real" / "a.md")
    (tmp_path / "link").symlink_to("real")
    assert list(scan(tmp_path / "link")) == [b"a.md"]


def test_avoided_directories_are_not_entered(tmp_path: Path) -> None:
    write(tmp_path / "home" / "index.db")
    write(tmp_path / "sub" / "nested" / "b.md")
    write(tmp_path / "a.md")
    avoid = {identity(tmp_path / "home"), identity(tmp_path / "sub" / "nested")}
    assert set(scan(tmp_path, avoid=avoid)) == {b"a.md"}
    everything = avoid | {identity(tmp_path)}
    assert set(scan(tmp_path, avoid=everything)) == {b"a.md"}


# --- depth --------------------------------------------------------------------------------------


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Path]:
    """1,500 nested directories with a file in the last one: a path of 16,508 bytes."""
    fd = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("nested-dir", dir_fd=fd)
        below = os.open("nested-dir", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("deep.md", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    yield tmp_path
    subprocess.run(["rm", "-rf", "--", str(tmp_path / "nested-dir")], check=True)


DEEP = b"nested-dir/" * 1500 + b"deep.md"


def test_a_chain_of_1500_directories_needs_no_more_descriptors(
    chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 0
    original = os.scandir

    def counting(fd: int) -> object:
        nonlocal most
        most = max(most, open_descriptors(chain))
        return original(fd)

    monkeypatch.setattr(os, "scandir", counting)
    assert [entry.path for entry in scan_root(os.fsencode(chain))] == [DEEP]
    assert 1 <= most <= 3
    assert open_descriptors(chain) == 0


def test_a_path_over_4096_bytes_is_found_and_opened(chain: Path) -> None:
    (entry,) = scan_root(os.fsencode(chain))
    with open_root(os.fsencode(chain)) as root:
        fd = root.open(entry.path)
        assert stat_of(fd) == entry.stat
        os.close(fd)


def test_a_rule_deep_down_is_explained(chain: Path) -> None:
    assert which_rule(os.fsencode(chain), DEEP) is None
    assert which_rule(os.fsencode(chain), DEEP + b"/x.log") == "*.log (default)"


def test_running_out_of_descriptors_is_told(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / f"dir{number}" / "a.md")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    walk = scan_root(os.fsencode(tmp_path))
    write(tmp_path / "first.md")
    assert next(walk).path == b"first.md"
    spare = os.open("/", os.O_RDONLY)
    os.close(spare)
    resource.setrlimit(resource.RLIMIT_NOFILE, (spare, hard))
    try:
        told = {entry.path: entry.problem for entry in walk}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert told == {
        b"dir%d" % number: "unreadable directory: Too many open files" for number in range(3)
    }


# --- what changes or resists --------------------------------------------------------------------

AS_NOBODY = """
import os, sys
from beast_assets.core import ignore, scan
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for entry in sorted(scan.scan_root(os.fsencode(sys.argv[1])), key=lambda entry: entry.path):
    print(os.fsdecode(entry.path), entry.problem, sep="|")
"""


@pytest.fixture
def open_tmp() -> Iterator[Path]:
    """A directory that another user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def scan_as_nobody(root: Path) -> subprocess.CompletedProcess[str]:
    if os.geteuid() != 0:
        pytest.skip("only root can become a user for whom modes matter")
    return subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(root)], capture_output=True, text=True, check=False
    )


def test_what_may_not_be_read_is_told(open_tmp: Path) -> None:
    write(open_tmp / "closed" / "a.md")
    write(open_tmp / "listed" / "b.md")
    write(open_tmp / "open" / ".gitignore", b"*.md").chmod(0)
    write(open_tmp / "open" / "c.md")
    (open_tmp / "closed").chmod(0o311)
    (open_tmp / "listed").chmod(0o744)
    done = scan_as_nobody(open_tmp)
    assert done.stdout.splitlines() == [
        "closed|unreadable directory: Permission denied",
        "listed/b.md|unreadable: Permission denied",
        "open/.gitignore|unreadable: Permission denied",
        "open/c.md|None",
    ], done.stderr


def test_an_unreadable_root_is_no_empty_root(open_tmp: Path) -> None:
    (open_tmp / "root").mkdir(mode=0o700)
    done = scan_as_nobody(open_tmp / "root")
    assert "RootUnavailableError" in done.stderr
    assert "Permission denied" in done.stderr


@pytest.mark.parametrize("name", ["gone", "file"])
def test_a_root_that_is_no_directory(name: str, tmp_path: Path) -> None:
    write(tmp_path / "file")
    root = os.fsencode(tmp_path / name)
    with pytest.raises(RootUnavailableError, match="take it out of the roots") as caught:
        list(scan_root(root))
    assert caught.value.path == root
    with pytest.raises(RootUnavailableError):
        which_rule(root, b"a")


@pytest.fixture
def half_walked(tmp_path: Path) -> tuple[Path, Iterator[Entry]]:
    """A walk that has listed the root, which holds the directory ``sub``, and goes on there."""
    write(tmp_path / "root" / "sub" / "a.md")
    write(tmp_path / "root" / "first.md")
    write(tmp_path / "outside" / "secret.md")
    walk = scan_root(os.fsencode(tmp_path / "root"))
    assert next(walk).path == b"first.md"
    return tmp_path, walk


def test_a_directory_swapped_for_a_link(half_walked: tuple[Path, Iterator[Entry]]) -> None:
    place, walk = half_walked
    shutil.rmtree(place / "root" / "sub")
    (place / "root" / "sub").symlink_to(place / "outside")
    assert [(entry.path, entry.problem) for entry in walk] == [(b"sub", "symlink")]


def test_a_directory_swapped_for_a_file(half_walked: tuple[Path, Iterator[Entry]]) -> None:
    place, walk = half_walked
    shutil.rmtree(place / "root" / "sub")
    write(place / "root" / "sub")
    assert [(entry.path, entry.problem) for entry in walk] == [(b"sub", None)]


def test_a_directory_that_vanishes_is_not_there(half_walked: tuple[Path, Iterator[Entry]]) -> None:
    place, walk = half_walked
    shutil.rmtree(place / "root" / "sub")
    assert list(walk) == []


def test_a_file_that_vanishes_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.md")
    write(tmp_path / "b.md")
    original = os.scandir

    class Vanishing:
        def __init__(self, fd: int) -> None:
            self.listing = original(fd)

        def __enter__(self) -> list["os.DirEntry[str]"]:
            found = list(self.listing)
            (tmp_path / "a.md").unlink()
            return found

        def __exit__(self, *_: object) -> None:
            self.listing.close()

    monkeypatch.setattr(os, "scandir", Vanishing)
    assert list(scan(tmp_path)) == [b"b.md"]


def test_a_walk_given_up_leaves_no_descriptor_open(tmp_path: Path) -> None:
    write(tmp_path / "sub" / "a.md")
    write(tmp_path / "first.md")
    walk = scan_root(os.fsencode(tmp_path))
    next(walk)
    assert open_descriptors(tmp_path) > 0
    del walk
    assert open_descriptors(tmp_path) == 0


# --- exclusion ----------------------------------------------------------------------------------


def test_ignore_files_on_the_way_down(tmp_path: Path) -> None:
    for path in [
        "a.log", "keep.log", "sub/b.tmp", "sub/c.md", "sub/build/d.md", "sub/deep/b.tmp",
        "node_modules/e.md", ".env", "sub/.git/config",
    ]:  # fmt: skip
        write(tmp_path / path)
    write(tmp_path / ".gitignore", b"!keep.log\n.gitignore\n.beastignore\n!.env\n")
    write(tmp_path / "sub" / ".gitignore", b"*.tmp\n/build/\n")
    write(tmp_path / "sub" / "deep" / ".beastignore", b"!*.tmp\n")
    assert set(scan(tmp_path)) == {b"keep.log", b"sub/c.md", b"sub/deep/b.tmp"}


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        (b"a.log", "*.log (default)"),
        (b"keep.log", None),
        (b"sub/build/deep/x.md", "/build/ (sub/.gitignore:2)"),
        (b"sub/build", "/build/ (sub/.gitignore:2)"),
        (b"other/build/x.md", None),
        (b"other/logs/", "logs/ (default)"),
        (b"other/logs/gone.md", "logs/ (default)"),
        (b"other/logs", None),
        (b"sub/x.pem", "*.pem (never read)"),
        (b"sub/x.md", "*.md (sub/.beastignore:1)"),
    ],
)
def test_which_rule(path: bytes, rule: str | None, tmp_path: Path) -> None:
    write(tmp_path / ".gitignore", b"!keep.log")
    write(tmp_path / "sub" / ".gitignore", b"*.tmp\n/build/\n")
    write(tmp_path / "sub" / ".beastignore", b"*.md")
    (tmp_path / "sub" / "build").mkdir()
    assert which_rule(os.fsencode(tmp_path), path) == rule


def test_an_ignore_file_that_is_no_file_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".gitignore")
    write(tmp_path / "rules", b"*.md")
    (tmp_path / ".beastignore").symlink_to("rules")
    write(tmp_path / "a.md")
    assert problems(tmp_path) == {
        b".gitignore": "fifo", b".beastignore": "symlink", b"rules": None, b"a.md": None,
    }  # fmt: skip


# --- opening ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["symlink", "fifo", "socket", "directory"])
def test_only_regular_files_are_opened(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("sub/real"))
    place = Path("sub/it")
    makers: dict[str, Callable[[], object]] = {
        "symlink": lambda: place.symlink_to("real"),
        "fifo": lambda: os.mkfifo(place),
        "socket": lambda: bind(place),
        "directory": place.mkdir,
    }
    makers[kind]()
    with open_root(b".") as root, pytest.raises(NotRegularFileError, match=kind) as caught:
        root.open(b"sub/it")
    assert caught.value.kind == kind


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def test_no_link_leads_out_of_the_root(tmp_path: Path) -> None:
    write(tmp_path / "outside" / "secret.md")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "sub").symlink_to(tmp_path / "outside")
    with open_root(os.fsencode(tmp_path / "root")) as root:
        with pytest.raises(NotADirectoryError):
            open_beneath(root.fd, b"sub/secret.md")
        for path in (b"../outside/secret.md", b"", b"/etc/passwd", b"sub/./secret.md"):
            with pytest.raises(ValueError, match="not a path inside a root"):
                open_beneath(root.fd, path)
