"""``beast dev``: Dagster's webserver and daemon on the home's instance, ended together.

``dagster dev`` does not stop promptly when it is told to, and a daemon that is left behind goes on
working on the same instance. So it gets a session of its own, and when this process is told to
stop, that whole session is ended.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from types import FrameType

import click

from beast_assets.core.errors import UsageError
from beast_assets.core.home import dagster_home, prepare_home
from beast_assets.core.settings import Settings

_GRACE_S = 15.0


def run_dev(settings: Settings, port: int) -> int:
    """Serve until told to stop.

    Args:
        settings: whose home.
        port: of the webserver, on 127.0.0.1.

    Returns:
        The exit code: 0 after SIGINT or SIGTERM, else that of ``dagster dev``.
    """
    prepare_home(settings)
    _refuse_taken_port(port)
    stop = threading.Event()

    def told(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = {name: signal.signal(name, told) for name in (signal.SIGINT, signal.SIGTERM)}
    child = _start(settings, port)
    click.echo(f"Dagster UI: http://127.0.0.1:{port}  (home {settings.home}; Ctrl-C ends it)")
    try:
        while child.poll() is None and not stop.wait(0.2):
            pass
        return _end(child) if stop.is_set() else child.wait()
    finally:
        _kill_session(child)
        for name, handler in previous.items():
            signal.signal(name, handler)


def _refuse_taken_port(port: int) -> None:
    # Dagster's daemon would go on without its webserver, beside the daemon of whoever has the port.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"port {port} is taken ({error.strerror}): is `beast dev` running already? "
                "Choose another with --port"
            ) from error


def _start(settings: Settings, port: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "dagster", "dev", "-m", "beast_assets.definitions"]
    command += ["-h", "127.0.0.1", "-p", str(port)]
    environment = os.environ | {
        "DAGSTER_HOME": str(dagster_home(settings)),
        "BEAST_HOME": str(settings.home),
        "PYTHONWARNINGS": "ignore",
    }
    return subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603


def _end(child: "subprocess.Popen[bytes]") -> int:
    # SIGINT is what `dagster dev` winds down on; SIGTERM leaves its children running.
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_GRACE_S)
    return 0


def _kill_session(child: "subprocess.Popen[bytes]") -> None:
    # What is left of the session: a daemon or code server that did not end with its parent.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
