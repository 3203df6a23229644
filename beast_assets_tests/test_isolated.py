"""Files that hang, bloat or crash their parser: one process each, one reason each, nothing more."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psutil
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from beast_assets.core.errors import ParserProcessError
from beast_assets.core.records import Part, Skip
from beast_assets.core.text.isolated import Limits, Sandbox

READERS = "beast_assets_tests.odd_readers"
MEBIBYTE = 2**20
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part is Linux")


def sandbox(**limits: float) -> Sandbox:
    return Sandbox(Limits(**limits), readers=READERS)  # type: ignore[arg-type]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with sandbox(seconds=10) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with sandbox(seconds=10) as opened:
        yield opened


def text(found: list[Part] | Skip) -> str:
    assert isinstance(found, list), found
    return found[0].text


def child(box: Sandbox) -> psutil.Process:
    return psutil.Process(int(text(box.read("process_id", b"", b""))))


def is_gone(pid: int) -> bool:
    """No such process, or nothing left of it but its exit code."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(reached: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.01)
    return reached()


def test_parts_and_skips_come_back_as_they_are(box: Sandbox) -> None:
    assert box.read("fine", b"text", b"a.pdf") == [Part("text", "page 1"), Part("end", "")]
    assert all(isinstance(part, Part) for part in box.read("fine", b"", b""))  # type: ignore[union-attr]
    assert box.read("nothing", b"", b"") == Skip("nothing in it")


def test_lone_surrogates_are_replaced_and_pairs_are_joined(box: Sandbox) -> None:
    assert box.read("surrogates", b"", b"") == [
        Part("a\ufffdb", "page \ufffd"),
        Part("\N{GRINNING FACE}", ""),
    ]


@given(st.lists(st.tuples(st.text(), st.text())))
def test_any_text_comes_back(shared: Sandbox, parts: list[tuple[str, str]]) -> None:
    assert shared.read("echoes", json.dumps(parts).encode(), b"") == parts


def test_one_process_serves_all_files_from_the_first_to_the_end() -> None:
    def children() -> set[int]:
        return {process.pid for process in psutil.Process().children()}

    before = children()
    with sandbox() as box:
        assert (box.started, children()) == (0, before)
        pids = {child(box).pid for _ in range(50)}
        assert (box.started, children()) == (1, before | pids)
    assert children() == before
    assert len(pids) == 1


MISBEHAVIOUR = [
    ("hangs", b"", "took longer than 1 s"),
    ("hangs_in_c", b"", "took longer than 1 s"),
    ("sleeps", b"60", "took longer than 1 s"),
    ("segfaults", b"", "the parser crashed (SIGSEGV)"),
    ("aborts", b"", "the parser crashed (SIGABRT)"),
    ("kills_itself", b"9", "the parser crashed (SIGKILL)"),
    ("kills_itself", b"40", "the parser crashed (signal 40)"),
    ("leaves", b"", "the parser crashed (exit code 3)"),
    ("closes", b"", "the parser crashed (it closed its line)"),
    pytest.param("allocates", b"300000000", "needs more than 256 MiB of memory", marks=on_linux),
    ("babbles", b"x" * 100, "the parser's answer cannot be read"),
    ("babbles", (7).to_bytes(8) + b'[["a"]]', "the parser's answer cannot be read"),
    ("babbles", (9).to_bytes(8) + b'[[1, ""]]', "the parser's answer cannot be read"),
    ("babbles", (2**18).to_bytes(8) + b"[" * 2**18, "the parser's answer cannot be read"),
    ("babbles", (2).to_bytes(8) + b"{}", "the parser's answer cannot be read"),
    ("babbles", (200).to_bytes(8), "took longer than 1 s"),
]


@pytest.mark.parametrize(("reader", "data", "reason"), MISBEHAVIOUR)
def test_bad_file_costs_one_process_and_is_not_read_again(
    reader: str, data: bytes, reason: str
) -> None:
    # A busy machine may keep any of them waiting: only where time is the matter is it short.
    seconds = 1 if "took longer" in reason else 20
    with sandbox(seconds=seconds, memory_bytes=256 * MEBIBYTE) as box:
        pid = child(box).pid
        assert box.read(reader, data, b"bad") == Skip(f"{reader}: {reason}", quarantined=True)
        assert box.started == 1
        assert wait_until(lambda: is_gone(pid))
        assert box.read("fine", b"next", b"") == [Part("next", "page 1"), Part("end", "")]
        assert box.started == 2


@pytest.mark.parametrize(
    ("reader", "data", "reason"),
    [
        ("raises", b"secret", "the parser failed (ValueError)"),
        ("wrong", b"secret", "the parser failed (TypeError)"),
        ("exits", b"", "the parser failed (SystemExit)"),
        ("no_such_reader", b"", "the parser failed (KeyError)"),
    ],
)
def test_reader_that_raises_is_told_by_type_and_costs_no_process(
    box: Sandbox, reader: str, data: bytes, reason: str
) -> None:
    before = child(box)
    assert box.read(reader, data, b"bad") == Skip(f"{reader}: {reason}", quarantined=True)
    assert child(box) == before


def test_noise_does_not_reach_us(box: Sandbox, capfd: pytest.CaptureFixture[str]) -> None:
    assert box.read("noisy", b"", b"") == [Part("heard nothing")]
    assert child(box)
    assert tuple(capfd.readouterr()) == ("", "")


def test_answer_too_many_is_not_taken_for_the_next_file_s(box: Sandbox) -> None:
    assert box.read("babbles", (2).to_bytes(8) + b"[]", b"") == []
    assert box.read("fine", b"next", b"") == [Part("next", "page 1"), Part("end", "")]
    assert box.started == 2


@hypothesis_settings(max_examples=15, deadline=None)
@given(st.binary(min_size=1, max_size=40))
def test_whatever_is_said_out_of_turn_raises_nothing(said: bytes) -> None:
    with sandbox(seconds=1) as box:
        assert isinstance(box.read("babbles", said, b""), Skip | list)
        assert text(box.read("fine", b"next", b"")) == "next"


def test_time_is_kept() -> None:
    with sandbox(seconds=1) as box:
        assert box.read("sleeps", b"0.01", b"") == [Part("awake")]
        began = time.monotonic()
        assert isinstance(box.read("hangs", b"", b""), Skip)
        assert 1 <= time.monotonic() - began < 5


@on_linux
def test_memory_is_bounded_for_each_file_anew() -> None:
    with sandbox(memory_bytes=256 * MEBIBYTE) as box:
        for _ in range(4):
            assert text(box.read("allocates", b"260000000", b"")) == "260000000"
        assert box.started == 1


@on_linux
def test_process_that_keeps_much_is_replaced() -> None:
    with sandbox(memory_bytes=256 * MEBIBYTE) as box:
        first = int(text(box.read("keeps", b"40000000", b"")))
        assert int(text(box.read("keeps", b"40000000", b""))) == first
        assert wait_until(lambda: is_gone(first))
        assert child(box).pid != first
        assert box.started == 2


def test_output_is_bounded_to_the_character() -> None:
    with sandbox(output_chars=1_000) as box:
        assert len(text(box.read("long", b"999", b""))) == 999
        assert len(box.read("many", b"1000", b"")) == 1_000  # type: ignore[arg-type]
        for reader, data in (("long", b"1000"), ("many", b"1001")):
            expected = Skip(f"{reader}: gives more than 1000 characters", quarantined=True)
            assert box.read(reader, data, b"") == expected
        # What takes most bytes as JSON still comes through.
        worst = [["\1" * 998, ""]], [["", ""]] * 1_000, [["", "\1" * 999]]
        for parts in worst:
            found = box.read("echoes", json.dumps(parts).encode(), b"")
            assert [list(part) for part in found] == parts  # type: ignore[union-attr]
        assert box.started == 1


def test_large_files_and_texts_pass() -> None:
    data = os.urandom(MEBIBYTE) * 64
    with sandbox() as box:
        assert text(box.read("digest", data, b"")) == hashlib.sha256(data).hexdigest()
        assert text(box.read("long", b"%d" % (64 * MEBIBYTE - 1), b"")) == "é" * (64 * MEBIBYTE - 1)
        assert box.started == 1


def test_death_between_files_costs_no_file(box: Sandbox) -> None:
    for started in (1, 2):
        process = child(box)
        process.kill()
        assert wait_until(lambda: is_gone(process.pid))  # noqa: B023 - called at once
        assert box.read("fine", b"x" * MEBIBYTE, b"")
        assert box.started == started + 1


def test_child_that_never_takes_a_file_ends_the_run_in_words() -> None:
    with (
        Sandbox(readers="beast_assets_tests.no_readers") as box,
        pytest.raises(ParserProcessError, match=r"read odd\\xff.pdf was killed before it began"),
    ):
        box.read("fine", b"x", b"odd\xff.pdf")
    assert box.started == 2


def test_child_that_does_not_start_ends_the_run_in_words(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with (
        Sandbox(readers="no_such_module") as box,
        pytest.raises(ParserProcessError, match=r"does not start \(exit code 1\)"),
    ):
        box.read("fine", b"x", b"")
    assert "No module named 'no_such_module'" in capfd.readouterr().err


def test_interrupted_run_leaves_no_child_and_no_answer_for_the_next(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int, __: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    pid = child(box).pid
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            box.read("sleeps", b"5", b"")
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert is_gone(pid)
    assert text(box.read("fine", b"next", b"")) == "next"


PARENT = f"""
import sys, time
from beast_assets.core.text.isolated import Limits, Sandbox
seconds, first, then, name = sys.argv[1:]
box = Sandbox(Limits(seconds=float(seconds)), readers={READERS!r})
print(box.read(first, b"", b"")[0].text, flush=True)
if then:
    box.read(then, name.encode(), b"")
time.sleep(60)
"""
# By the kernel at once; and where that is undone, by the end of its line or when its time is up.
TIED, UNTIED = ("30", "process_id"), ("1", "unties")


@pytest.mark.parametrize("then", ["", "hangs_in_c"], ids=["idle", "busy"])
@pytest.mark.parametrize("tied", [pytest.param(TIED, marks=on_linux), UNTIED])
def test_killed_parent_leaves_no_child(tied: tuple[str, str], then: str, tmp_path: Path) -> None:
    busy = tmp_path / "busy"
    command = [sys.executable, "-c", PARENT, *tied, then, str(busy)]
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if then:
            assert wait_until(busy.exists)
        assert not is_gone(pid)
        parent.kill()
        assert wait_until(lambda: is_gone(pid))


def test_change_of_threads_costs_a_process_and_no_file(box: Sandbox) -> None:
    """On Linux a child dies when the thread that started it does: at any moment, that is."""
    begun, go_on = threading.Event(), threading.Event()

    def first() -> None:
        child(box)
        begun.set()
        go_on.wait()

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert begun.wait(60)
        assert text(box.read("fine", b"next", b"")) == "next"
        assert box.started == 2
    finally:
        go_on.set()
        thread.join()
    assert text(box.read("fine", b"last", b"")) == "last"
    assert box.started == 2


def test_each_thread_may_have_its_own() -> None:
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        with sandbox() as box:
            files = [b"%d of %d" % (each, number) for each in range(200)]
            found[number] = [text(box.read("fine", data, b"")) for data in files]

    threads = [threading.Thread(target=work, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: [f"{each} of {n}" for each in range(200)] for n in range(3)}


def test_child_knows_nothing_of_our_environment(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "secret")
    names = {part.text for part in box.read("environment", b"", b"")}  # type: ignore[union-attr]
    locale = {"LANG", "LC_ALL", "LC_CTYPE"}
    python = {"PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}
    assert names <= {"PATH"} | locale | python


def test_child_has_no_core_no_files_and_few_descriptors(box: Sandbox) -> None:
    assert box.read("limits", b"", b"") == [("0", "CORE"), ("0", "FSIZE"), ("64", "NOFILE")]


def test_python_in_the_child_reaches_nothing(box: Sandbox, tmp_path: Path) -> None:
    written = tmp_path / "written"
    refused = box.read("reaches_out", bytes(written), b"")
    assert refused == [
        ("PermissionError", "socket"),
        ("PermissionError", "name"),
        ("PermissionError", "program"),
        ("PermissionError", "shell"),
        ("OSError", "file"),
    ]
    assert not written.exists() or not written.read_bytes()


@on_linux
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="its numbers are of x86_64")
def test_c_in_the_child_reaches_nothing(box: Sandbox) -> None:
    refused = {part.place: part.text for part in box.read("reaches_out_in_c", b"", b"")}  # type: ignore[union-attr]
    assert refused.pop("anything else") == "allowed"
    assert refused == dict.fromkeys(
        ("socket", "connect", "execve", "io_uring", "other ABI"), os.strerror(13)
    )


def test_parsers_can_be_imported_in_the_child(box: Sandbox) -> None:
    """None of them needs what the child gave up, nor so much memory that it counts as kept."""
    names = b"docx pptx lxml.html pypdfium2 python_calamine selectolax.lexbor charset_normalizer"
    assert int(text(box.read("imports", names, b""))) < 128 * MEBIBYTE
