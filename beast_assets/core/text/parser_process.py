"""A child process that reads files, and the line to it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from ..errors import ParserProcessError
from .frames import LENGTH, READY

_CHILD = "beast_assets.core.text.child"
_START_SECONDS = 60
_DEATH_SECONDS = 1
# Nothing else of this process's environment is a parser's business.
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class ParserProcess:
    """A child that is ready for files.

    Its methods raise ConnectionError when the child is gone and TimeoutError when the moment
    ``deadline`` of ``time.monotonic`` has passed; then it is of no more use and wants ``end``.
    """

    def __init__(self, readers: str) -> None:
        """Start it and wait until it is ready.

        Args:
            readers: the module with its ``READERS``.

        Raises:
            ParserProcessError: it does not start.
        """
        self._line, theirs = socket.socketpair()
        with theirs:
            try:
                self._child = _spawn(theirs.fileno(), readers)
            except OSError as error:
                self._line.close()
                raise ParserProcessError(_not_started(str(error))) from error
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        try:
            ready = self.receive(time.monotonic() + _START_SECONDS, len(READY)) == READY
            problem = None if ready else "it answers something else"
        except TimeoutError:
            problem = f"no answer within {_START_SECONDS} s"
        except ConnectionError:
            problem = self.cause_of_death()
        except BaseException:
            self.end()
            raise
        if problem is not None:
            self.end()
            raise ParserProcessError(_not_started(problem))

    def send(self, frame: bytes, deadline: float) -> None:
        """Send a frame."""
        for piece in filter(None, (LENGTH.pack(len(frame)), frame)):
            # Nothing is not sent: who needs no more than the length may be dead of it by now.
            self._line.settimeout(_left(deadline))
            self._line.sendall(piece)

    def receive(self, deadline: float, most: int) -> bytearray:
        """Wait for a frame.

        Raises:
            ValueError: it is longer than ``most`` bytes.
        """
        (length,) = LENGTH.unpack(self._receive(LENGTH.size, deadline))
        if length > most:
            raise ValueError("a longer frame than was agreed upon")
        return self._receive(length, deadline)

    def _receive(self, length: int, deadline: float) -> bytearray:
        frame = bytearray(length)
        rest = memoryview(frame)
        while rest:
            self._line.settimeout(_left(deadline))
            got = self._line.recv_into(rest)
            if got == 0:
                raise ConnectionResetError("the child is gone")
            rest = rest[got:]
        return frame

    def end(self) -> None:
        """End it, whatever it is doing; may be called twice."""
        self._line.close()
        self._child.kill()
        self._child.wait()

    def cause_of_death(self) -> str:
        """Say what one died of whose line broke: the name of a signal, or an exit code."""
        try:
            return _cause(self._child.wait(_DEATH_SECONDS))
        except subprocess.TimeoutExpired:
            return "it closed its line"
        finally:
            self.end()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _spawn(line: int, readers: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-P", "-B", "-X", "utf8", "-m", _CHILD, str(line), readers]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # All of it, in this order: the child is to find the modules that this process would.
    environment["PYTHONPATH"] = os.pathsep.join(str(Path(place).absolute()) for place in sys.path)
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[line],
        cwd="/",
        env=environment,
        start_new_session=True,  # Ctrl-C is for us
    )


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _not_started(why: str) -> str:
    return (
        f"the process that reads documents does not start ({why}): the lines above may say why; "
        f"see whether `{sys.executable} -m {_CHILD}` finds its modules"
    )
