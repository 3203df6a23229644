"""Names and files that are made to do harm: shown, never obeyed; told, never hung upon."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from beast_assets.core import ingest as ingesting
from beast_assets.core.export import export_manifest
from beast_assets.core.home import dagster_home
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import FileRow
from beast_assets.core.reading import Content, read_content
from beast_assets.core.search import Searcher
from beast_assets.core.settings import Settings
from beast_assets.core.words import show_path
from beast_assets_tests.conftest import Beast
from beast_assets_tests.homes import add_root, comparable, index, paths, published_rows

# Each has a mark that no other text has, so that one can tell where it got to.
MARK = b"zq"
NAMES = [
    b"zq new\nline.md",
    b"zq\n",
    b"zq carriage\rreturn.md",
    b"zq\ttab.md",
    b"zq\x1b[2J\x1b]0;title\x07.md",
    b"zq\x01\x02\x7f.md",
    b"zq quote'.md",
    b'zq double".md',
    b"zq' OR '1'='1",
    b"zq'); DROP TABLE files; --",
    b'zq" ; delete from files; --',
    b"zq%.md",
    b"zq_like_%_.md",
    b"zq %s %d %n %(name)s.md",
    b"zq {0} {name} {0.__class__}.md",
    b"{{ zq.__class__ }}.md",
    b"{% zq %}.md",
    b"${zq}.md",
    b"$(touch zq-executed)",
    b"`touch zq-executed`",
    b"; touch zq-executed #",
    b"| zq && touch executed",
    b"<script>alert('zq')<\xe2\x88\x95script>.md",
    b"<img src=x onerror=zq()>.md",
    b"&lt;zq&gt;.md",
    b"-zq.md",
    b"--zq=yes",
    b"-rf zq",
    b"~zq.md",
    b"#zq.md",
    b"!zq.md",
    b"*zq?[a-z].md",
    b"..zq.md",
    b"zq..",
    b"...zq",
    b"zq\\..\\..\\etc\\passwd",
    b"C:\\zq\\con.md",
    b"zq:stream.md",
    b"CON",
    b"nul.zq.md",
    b" zq leading.md",
    b"zq trailing ",
    b"zq.",
    b"\xff\xfezq.md",
    b"zq\xed\xb2\x80.md",
    b"zq\xc3.md",
    b"zq\xc0\xaf.md",
    "zq \u202egpj.md".encode(),
    "zq\u200b\ufeff\u2028.md".encode(),
    "zq 😀👩\u200d🚀.md".encode(),
    "zq e\u0301 \u00e9.md".encode(),
    "zq \u0000".replace("\0", "\u2400").encode(),
    b"zq" + b"n" * 253,
    b"zq https:zz@[..].md",
    b"zq,comma;semicolon.csv",
    b"=zq()",
]


def lay(folder: Path, names: list[bytes]) -> None:
    for number, name in enumerate(names):
        place = bytes(folder) + b"/" + name
        with open(place, "wb") as out:  # noqa: PTH123 bytes, not text
            out.write(b"The unmistakable walrus number w%d.\n" % number)


def words(log: dg.EventLogEntry) -> str:
    return dg.serialize_value(log)


def test_hostile_names_are_files_like_any_other(
    settings: Settings, docs: Path, beast: Beast, tmp_path: Path
) -> None:
    assert len(set(NAMES)) == len(NAMES) >= 40
    add_root(settings, docs)
    index(settings)
    before = comparable(published_rows(settings))
    lay(docs, NAMES)

    counts = beast("index", "--json").json
    assert (counts["added"], counts["quarantined"], counts["skipped"]) == (len(NAMES), 0, 0)
    assert paths(settings) >= set(NAMES)

    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        logs = instance.all_logs(counts["run_ids"][0])
        events = [log.dagster_event for log in logs if log.dagster_event is not None]
        made = [e.step_materialization_data.materialization for e in events
                if e.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION]  # fmt: skip
        told = "".join(map(words, logs))
    assert made
    assert sum(m.metadata["added"].value for m in made) == 4 * len(NAMES)  # type: ignore[misc]
    assert "walrus" not in told
    assert MARK.decode() not in told.replace(str(tmp_path), "")

    shown = beast("search", "unmistakable walrus", "-k", "200", "--json")
    assert shown.out.count(b"\n") == 1
    assert shown.out.isascii()
    hits = {hit["path"]: hit["text"] for hit in shown.json["hits"]}
    for number, name in enumerate(NAMES):
        path = show_path(bytes(docs) + b"/" + name)
        assert hits[path] == f"The unmistakable walrus number w{number}."

    lines = beast("search", "unmistakable walrus", "-k", "200").out.decode().splitlines()
    assert len(lines) == 2 * len(shown.json["hits"])
    assert all(line.isprintable() for line in lines)
    assert all(line.startswith(f"{n}. {tmp_path}") for n, line in enumerate(lines[::2], 1))

    listed = tmp_path / "SHA256SUMS"
    assert beast("manifest", "--output", listed, "--json").json["files"] == 40 + len(NAMES)
    if shutil.which("sha256sum"):
        command = ["sha256sum", "--check", "--strict", "--quiet", str(listed)]
        assert subprocess.run(command, cwd=docs, capture_output=True).returncode == 0

    for name in NAMES:
        os.unlink(bytes(docs) + b"/" + name)  # noqa: PTH108 bytes, not text
    assert index(settings).work.removed == len(NAMES)
    assert comparable(published_rows(settings)) == before
    assert not list(tmp_path.rglob("*executed*"))


def test_one_hostile_name_takes_no_other_rows_with_it(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    lay(docs, NAMES)
    index(settings)
    for name in (b"zq' OR '1'='1", b"zq%.md", b"zq_like_%_.md", b"*zq?[a-z].md"):
        rest = [row for row in published_rows(settings) if row["path"] != name]
        os.unlink(bytes(docs) + b"/" + name)  # noqa: PTH108 bytes, not text
        assert index(settings).work.removed == 1
        assert comparable(published_rows(settings)) == comparable(rest)


def test_hostile_folders_and_roots(settings: Settings, tmp_path: Path, beast: Beast) -> None:
    folder = tmp_path / "ro'ot\n{{ 7 }} %s \u202e"
    for name in (b"a\nb", b"' OR 1=1", b"${x}", b"\xff", b"-r"):
        inner = folder / os.fsdecode(name)
        inner.mkdir(parents=True)
        (inner / "walrus.md").write_text("unmistakable walrus\n")
    add_root(settings, folder)
    assert index(settings).work.added == 5
    assert beast("roots", "list", "--json").json["roots"] == [str(folder)]
    (line,) = beast("roots", "list").out.decode().splitlines()
    assert line.isprintable()
    assert line.endswith("ro'ot\\n{{ 7 }} %s \\u202e")
    folder.rename(tmp_path / "away")
    held = beast("index", code=3).out.decode().splitlines()
    assert all(line.isprintable() for line in held)


# --- what is no plain file ----------------------------------------------------------------------


def rows_of(settings: Settings) -> dict[bytes, FileRow]:
    return {row.path: row for row in Ledger.open(settings.ledger_url).files()}


RUN = """
import os, sys
from pathlib import Path
from dataclasses import replace
from beast_assets.core.settings import load_settings
from beast_assets_tests.homes import add_root, index

user, folder, home = int(sys.argv[1]), *map(Path, sys.argv[2:4])
if user:  # all that has to be imported is, as long as it may be read
    scratch = home.with_name("scratch")
    (scratch / "docs").mkdir(parents=True)
    (scratch / "docs" / "a.md").write_text("warm")
    first = load_settings({"home": scratch / "home"})
    add_root(first, scratch / "docs")
    index(first)
    os.chdir(home.parent)
    os.setgroups([]); os.setgid(user); os.setuid(user)
settings = load_settings({"home": home})
add_root(settings, folder)
index(settings)
"""


def index_within(seconds: float, folder: Path, home: Path, user: int = 0) -> None:
    """Index in a process of its own: what hangs there does not hang here."""
    command = [sys.executable, "-c", RUN, str(user), str(folder), str(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stderr


def test_what_is_no_plain_file_is_a_row_with_its_reason(
    settings: Settings, docs: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "walrus.md").write_text("walrus")
    os.mkfifo(docs / "pipe.md")
    (docs / "loop").symlink_to("loop")
    (docs / "up").symlink_to("..")
    (docs / "out").symlink_to(outside)
    (docs / "out.md").symlink_to(outside / "walrus.md")
    (docs / "zero.md").symlink_to("/dev/zero")
    (docs / "gone.md").symlink_to("nowhere")
    expected = {
        b"pipe.md": "fifo", b"loop": "symlink", b"up": "symlink", b"out": "symlink",
        b"out.md": "symlink", b"zero.md": "symlink", b"gone.md": "symlink", b"talk": "socket",
    }  # fmt: skip
    try:
        os.mknod(docs / "null.md", 0o600 | 0o020000, os.makedev(1, 3))
        expected[b"null.md"] = "device"
    except PermissionError:
        pass
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(docs)  # a socket's whole path may have 107 bytes only
        server.bind("talk")
        os.chdir(here)
        index_within(100, docs, settings.home)
    rows = rows_of(settings)
    odd = {path: row.reason for path, row in rows.items() if not row.regular}
    assert odd == expected
    assert {rows[path].status for path in expected} == {"skipped"}
    assert len(paths(settings)) == 40


@pytest.fixture
def deep(docs: Path) -> Iterator[bytes]:
    """A file below 1,500 nested directories: its path has more than 4,096 bytes."""
    fd = os.open(docs, os.O_RDONLY)
    for _ in range(1_500):
        os.mkdir("nested", dir_fd=fd)
        below = os.open("nested", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    out = os.open("deep.md", os.O_CREAT | os.O_WRONLY, dir_fd=fd)
    os.write(out, b"unmistakable walrus\n")
    os.close(out)
    os.close(fd)
    yield b"nested/" * 1_500 + b"deep.md"
    subprocess.run(["rm", "-rf", "--", str(docs / "nested")], check=True)


def test_1500_directories_deep_is_indexed_found_and_listed(
    settings: Settings, docs: Path, deep: bytes, tmp_path: Path
) -> None:
    index_within(100, docs, settings.home)
    row = rows_of(settings)[deep]
    assert (row.status, row.chunks) == ("indexed", 1)
    hit = Searcher(settings).search("unmistakable walrus", 1)[0]
    assert (hit.path, hit.stale) == (f"{docs}/{deep.decode()}", False)
    export_manifest(settings, None, tmp_path / "SHA256SUMS")
    assert deep in (tmp_path / "SHA256SUMS").read_bytes()


def test_a_closed_directory_keeps_what_was_known_below_it(settings: Settings) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become a user for whom modes matter")
    nobody = 65534
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o777)
        folder, home = place / "docs", place / "home"
        (folder / "closed").mkdir(parents=True)
        (folder / "closed" / "walrus.md").write_text("walrus")
        (folder / "open.md").write_text("open")
        (folder / "shut.md").write_text("shut")
        (folder / "shut.md").chmod(0)
        (folder / "closed").chmod(0)
        index_within(100, folder, home, user=nobody)
        mine = Ledger.open(f"sqlite:///{home}/ledger.sqlite").files()
        assert {row.path: (row.status, row.reason) for row in mine} == {
            b"open.md": ("indexed", None),
            b"shut.md": ("quarantined", "unreadable: Permission denied"),
            b"closed": ("quarantined", "unreadable directory: Permission denied"),
        }


@pytest.mark.parametrize("swapped", ["file", "folder"])
def test_a_link_swapped_in_before_reading_leads_nowhere(
    settings: Settings, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("target.md", "note-01.md"):
        (outside / name).write_text("forbidden walrus\n")
    real = read_content

    def late(*arguments: object) -> Content | None:
        place = docs / "sub"
        if swapped == "folder" and not place.is_symlink():
            place.rename(tmp_path / "was")
            place.symlink_to(outside)
        elif swapped == "file" and not (place / "note-01.md").is_symlink():
            (place / "note-01.md").unlink()
            (place / "note-01.md").symlink_to(outside / "target.md")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ingesting, "read_content", late)
    add_root(settings, docs)
    index(settings)
    row = rows_of(settings).get(b"sub/note-01.md")
    assert row is not None
    assert (row.status, row.chunks) == ("quarantined", 0)
    assert not [r for r in published_rows(settings) if "forbidden" in r["text"]]


def test_a_file_that_grows_all_the_time_holds_nobody_up(settings: Settings, docs: Path) -> None:
    growing, stop = docs / "growing.txt", threading.Event()
    growing.write_text("a line that grows\n" * 1_000)

    def grow() -> None:
        with growing.open("a") as out:
            while not stop.is_set():
                out.write("a line that grows\n" * 100)
                out.flush()
                if out.tell() > 2**18:
                    out.truncate(18_000)

    add_root(settings, docs)
    writer = threading.Thread(target=grow)
    writer.start()
    try:
        index_within(100, docs, settings.home)
    finally:
        stop.set()
        writer.join()
    row = rows_of(settings)[b"growing.txt"]
    assert row.status == "indexed" or "changed while it was read" in (row.reason or "")
    assert len(paths(settings) - {b"growing.txt"}) == 40
    index(settings)
    assert rows_of(settings)[b"growing.txt"].status == "indexed"


@pytest.mark.proof
@pytest.mark.parametrize("name", ["huge.gguf", "huge.md"])
def test_5_gigabytes_of_nothing_are_hashed_and_not_kept(
    settings: Settings, docs: Path, name: str
) -> None:
    with (docs / name).open("wb") as out:
        out.truncate(5 * 2**30)
    index_within(300, docs, settings.home)
    row = rows_of(settings)[name.encode()]
    assert (row.status, row.size, row.chunks) == ("skipped", 5 * 2**30, 0)
    assert len(row.content or "") == 64
