"""Nobody else reads the home, and nothing of ours talks to the network."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

from beast_assets.core.maintenance import maintain
from beast_assets.core.private import close_all, private_files
from beast_assets.core.settings import Settings
from beast_assets_tests.homes import add_root, index, open_to_others

# --- files --------------------------------------------------------------------------------------


def test_a_home_made_by_the_library_is_private(settings: Settings, docs: Path) -> None:
    settings.home.mkdir(mode=0o755)
    add_root(settings, docs)
    index(settings)
    (docs / "new.md").write_text("new\n")
    index(settings)
    maintain(settings)
    assert len(list(settings.home.rglob("*"))) > 20
    assert open_to_others(settings) == []


def test_an_index_elsewhere_is_private_too(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from beast_assets.core.settings import load_settings

    apart = load_settings({"index_uri": tmp_path / "apart"})
    add_root(apart, docs)
    index(apart)
    made = list((tmp_path / "apart").rglob("*"))
    assert made
    assert not [path for path in made if path.stat().st_mode & 0o077]


def test_a_run_closes_what_others_left_open(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    index(settings)
    log = settings.home / "dagster" / "storage" / "run" / "out.log"
    log.parent.mkdir(parents=True)
    log.write_text("left by a daemon")
    assert len(open_to_others(settings)) == 3
    (docs / "new.md").write_text("new\n")
    index(settings)
    assert open_to_others(settings) == []


def test_links_in_a_home_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    (tmp_path / "other" / "file").chmod(0o755)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "folder").symlink_to(tmp_path / "other")
    (tmp_path / "home" / "file").symlink_to(tmp_path / "other" / "file")
    close_all(tmp_path / "home")
    assert (tmp_path / "other" / "file").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "other").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_the_mask_is_given_back(tmp_path: Path) -> None:
    with pytest.raises(KeyError), private_files():
        (tmp_path / "inside").touch()
        raise KeyError
    (tmp_path / "after").touch()
    assert (tmp_path / "inside").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "after").stat().st_mode & 0o777 == 0o644


# --- network ------------------------------------------------------------------------------------


def test_tests_reach_this_machine_only() -> None:
    with socket.socket() as outside, pytest.warns(UserWarning, match="A test tried"):  # noqa: SIM117
        with pytest.raises(SocketConnectBlockedError):
            outside.connect(("192.0.2.1", 80))
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())


# The kernel counts in each network namespace what its processes tried to send, native code's
# attempts too; in an empty one even loopback is down.
COUNTERS = """
import os, subprocess, sys
for command in sys.argv[1:]:
    subprocess.run([sys.executable, "-c", command], check=True)
with open("/proc/net/snmp") as table:
    lines = [line.split() for line in table]
for names, values in zip(lines[::2], lines[1::2]):
    for name, value in zip(names[1:], values[1:]):
        if name in ("OutRequests", "OutNoRoutes", "ActiveOpens", "OutDatagrams"):
            print(names[0] + name, value)
"""
CLI = "from beast_assets.cli import cli; cli({words!r}, standalone_mode=False)"


def attempts(*commands: str, **environment: str) -> int:
    """How many times these programs tried to send something to anywhere."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare on this machine: nothing to count with")
    command = ["unshare", "--map-root-user", "--net", sys.executable, "-c", COUNTERS, *commands]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    if "unshare" in done.stderr:
        pytest.skip(f"no network namespace may be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    counted = [
        line.split() for line in done.stdout.splitlines() if line.startswith(("Ip", "Tcp", "Udp"))
    ]
    assert counted
    return sum(int(value) for _, value in counted)


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket().connect_ex(('192.0.2.1', 80))",
        "import contextlib, socket\nwith contextlib.suppress(OSError):\n"
        "    socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    ],
    ids=["tcp", "udp"],
)
def test_an_attempt_would_be_counted(attempt: str) -> None:
    assert attempts(attempt) > 0


@pytest.mark.parametrize(
    "model", ["hashing", pytest.param("all-MiniLM-L6-v2", marks=pytest.mark.proof)]
)
def test_indexing_and_searching_send_nothing(docs: Path, tmp_path: Path, model: str) -> None:
    runs = [["index", str(docs)], ["search", "topic17"]]
    done = [CLI.format(words=run) for run in runs]
    assert attempts(*done, BEAST_MODEL=model) == 0
    assert (tmp_path / "home" / "index").is_dir()
