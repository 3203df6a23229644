"""One writer, and what its death leaves."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from beast_assets.core.errors import LockedError
from beast_assets.core.lock import writer_lock

HOLD = (
    "import sys, time\nfrom pathlib import Path\nfrom beast_assets.core.lock import writer_lock\n"
    "with writer_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)"
)


def holder(path: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_clean_end_leaves_a_clean_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    for _ in range(2):
        with writer_lock(path) as held:
            assert not held.unclean
    assert path.read_bytes() == b""


def test_the_same_flow_of_control_may_take_it_again(tmp_path: Path) -> None:
    with writer_lock(tmp_path / "lock") as outer, writer_lock(tmp_path / "lock") as inner:
        assert inner is outer


def test_another_thread_may_not(tmp_path: Path) -> None:
    refused = []

    def take() -> None:
        try:
            with writer_lock(tmp_path / "lock"):
                pass
        except LockedError as error:
            refused.append(error)

    with writer_lock(tmp_path / "lock"):
        thread = threading.Thread(target=take)
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_death_frees_it_and_is_known(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with holder(path) as process:
        with pytest.raises(LockedError, match=str(process.pid)), writer_lock(path):
            pass
        process.kill()
    with writer_lock(path) as held:
        assert held.unclean
    with writer_lock(path) as held:
        assert held.unclean, "nobody cleared up yet"
        held.mark_clean()
    with writer_lock(path) as held:
        assert not held.unclean


def test_waiting_is_bounded_and_ends_with_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    told: list[str] = []
    with holder(path) as process:
        with pytest.raises(LockedError), writer_lock(path, timeout_s=0.5, waiting=told.append):
            pass
        threading.Timer(0.5, process.kill).start()
        with writer_lock(path, timeout_s=30):
            pass
    assert len(told) == 1
    assert str(process.pid) in told[0]
