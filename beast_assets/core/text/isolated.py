"""Reading files of complex formats in a process of its own, with limits.

Every family of parsers has a file that hangs, bloats or crashes it. Here such a file costs one
child process and becomes one ``Skip``.
"""

import json
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..errors import ParserProcessError
from ..records import Part, Skip
from .frames import BEGUN, most_bytes

if TYPE_CHECKING:
    from .parser_process import ParserProcess

READERS = "beast_assets.core.text.readers"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost; all that goes beyond is quarantined.

    Attributes:
        seconds: of wall time, from sending the file to having its text. A 200-page PDF takes 0.6.
        memory_bytes: growth of the child's address space while the file is read; the file's own
            bytes are not counted. Enforced on Linux only.
        output_chars: of text, names of places included, each part counted as one character more.
    """

    seconds: float = 20
    memory_bytes: int = 2**30
    output_chars: int = 64 * 2**20


class Sandbox:
    """Reads files one after the other in a child process, which it starts when one is needed.

    The child serves from file to file until one ends it. It ends with this object's ``with``, and
    when this process is gone, however that came. One thread uses it at a time, and a change of
    threads costs a new child: threads that work side by side have a sandbox each.

    Attributes:
        started: how many processes were started so far.
    """

    def __init__(self, limits: Limits | None = None, *, readers: str = READERS) -> None:
        """Start nothing yet.

        Args:
            limits: for each file; None for the defaults.
            readers: the module whose ``READERS`` are the readers by format.
        """
        self.started = 0
        self._limits = limits or Limits()
        self._readers = readers
        self._process: ParserProcess | None = None
        self._starter = threading.current_thread()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child if there is one; another is started if a file is read nevertheless."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def read(self, format: str, data: bytes, path: bytes) -> list[Part] | Skip:
        """Have a file read.

        Args:
            format: a key of the ``READERS``.
            data: the whole content.
            path: for the message of an error only.

        Returns:
            What the reader gave; or a quarantined ``Skip`` if the file went beyond a limit, crashed
            the parser or made it raise: the reason begins with the format.

        Raises:
            ParserProcessError: no child can be started or kept: that is no fault of the file.
        """
        try:
            for _ in range(2):  # a child may have died since its last file, which tells nothing
                found = self._try(format, data)
                if found is not None:
                    return found
        except BaseException:
            self.close()  # it is in the middle of something that nobody will ask for
            raise
        shown = path.decode("utf-8", "backslashreplace")
        raise ParserProcessError(
            f"the process that was to read {shown} was killed before it began, twice: see whether "
            "the machine is short of memory, and run `beast index` again"
        )

    def _try(self, format: str, data: bytes) -> list[Part] | Skip | None:
        """Have the file read; None if the child ended before it began with it."""
        process = self._running()
        deadline = time.monotonic() + self._limits.seconds
        try:
            if self._begins(process, format, data, deadline):
                return _decoded(process.receive(deadline, most_bytes(self._limits.output_chars)))
            problem = None
        except TimeoutError:
            problem = f"took longer than {self._limits.seconds:g} s"
        except ConnectionError:
            problem = f"the parser crashed ({process.cause_of_death()})"
        except (ValueError, TypeError, KeyError, RecursionError):
            problem = "the parser's answer cannot be read"
        self.close()
        return None if problem is None else Skip(f"{format}: {problem}", quarantined=True)

    def _begins(self, process: "ParserProcess", format: str, data: bytes, deadline: float) -> bool:
        """Hand the file over; whether the child took it."""
        try:
            process.send(self._request(format), deadline)
            process.send(data, deadline)
            return process.receive(deadline, len(BEGUN)) == BEGUN
        except (ConnectionError, ValueError):
            return False

    def _running(self) -> "ParserProcess":
        from .parser_process import ParserProcess  # many a run meets no such file

        thread = threading.current_thread()
        if thread is not self._starter:
            self.close()  # on Linux a child dies with the thread that started it, at any moment
        if self._process is None:
            self.started, self._starter = self.started + 1, thread
            self._process = ParserProcess(self._readers)
        return self._process

    def _request(self, format: str) -> bytes:
        limits = self._limits
        return json.dumps(
            {
                "format": format,
                "seconds": limits.seconds,
                "memory_bytes": limits.memory_bytes,
                "output_chars": limits.output_chars,
            }
        ).encode()


def _decoded(frame: bytes | bytearray) -> list[Part] | Skip:
    """Take nothing on trust: a parser that a file got hold of may have written this."""
    answer = json.loads(frame)
    if isinstance(answer, dict):
        return Skip(str(answer["skip"]), quarantined=bool(answer["quarantined"]))
    parts = [Part(text, place) for text, place in answer]
    if not all(isinstance(text, str) and isinstance(place, str) for text, place in parts):
        raise TypeError("text and place are strings")
    return parts
