"""Requests at a fixed rate over kept connections, and what became of them.

A request counts from the moment at which it was due, not from the one at which a connection was
free for it: a server that stands still for a second delays all requests of that second.
"""

import asyncio
import socket
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

_CONNECTIONS = 64
_TIMEOUT_S = 30.0


@dataclass
class Outcome:
    """What became of the requests.

    Attributes:
        milliseconds: of those that were answered with 200, from when they were due.
        errors: of the others, by status or kind.
    """

    milliseconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def percentile(self, percent: int) -> float:
        """Milliseconds within which so many percent were answered."""
        if len(self.milliseconds) < 2:
            return float("inf")
        return statistics.quantiles(self.milliseconds, n=100)[percent - 1]


def load(url: str, paths: Iterator[str], rate: float, seconds: float) -> Outcome:
    """Ask for so long at so many requests a second.

    Args:
        url: of the server.
        paths: what to ask for, in turn.
        rate: requests a second.
        seconds: for how long.
    """
    return asyncio.run(_load(url, paths, rate, seconds))


def search_path(question: str) -> str:
    """What asks this question."""
    return f"/api/search?q={quote(question)}"


class Caller:
    """One kept connection that asks and waits: with less between than a client library has."""

    def __init__(self, url: str) -> None:
        """Connect."""
        parts = urlsplit(url)
        self._host = parts.netloc
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 0))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, question: str) -> bytes:
        """The answer to a question.

        Raises:
            RuntimeError: it was not answered with 200.
        """
        self._socket.sendall(_request(self._host, search_path(question)))
        head, _, body = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        status, length = _read_head(head)
        while len(body) < length:
            body += self._received()
        if status != 200:
            raise RuntimeError(f"{status}: {body.decode()}")
        return body

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _until(self, mark: bytes) -> bytes:
        said = b""
        while mark not in said:
            said += self._received()
        return said

    def _received(self) -> bytes:
        said = self._socket.recv(1 << 16)
        if not said:
            raise RuntimeError("the server hung up")
        return said


def _request(host: str, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def _read_head(head: bytes) -> tuple[int, int]:
    text = head.decode().lower()
    length = text.partition("content-length: ")[2].partition("\r\n")[0]
    return int(text.split(" ", 2)[1]), int(length)


async def _load(url: str, paths: Iterator[str], rate: float, seconds: float) -> Outcome:
    outcome, due = Outcome(), asyncio.Queue[tuple[float, str]]()
    askers = [asyncio.create_task(_ask(url, due, outcome)) for _ in range(_CONNECTIONS)]
    began = time.perf_counter()
    for number in range(int(rate * seconds)):
        moment = began + number / rate
        await asyncio.sleep(max(0.0, moment - time.perf_counter()))
        due.put_nowait((moment, next(paths)))
    await due.join()
    for asker in askers:
        asker.cancel()
    await asyncio.gather(*askers, return_exceptions=True)
    return outcome


async def _ask(url: str, due: asyncio.Queue[tuple[float, str]], outcome: Outcome) -> None:
    parts = urlsplit(url)
    line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    try:
        while True:
            moment, path = await due.get()
            try:
                line = line or await asyncio.open_connection(parts.hostname, parts.port)
                status = await asyncio.wait_for(_get(*line, parts.netloc, path), _TIMEOUT_S)
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                outcome.errors[type(error).__name__] += 1
                _close(line)
                line = None
            else:
                if status == 200:
                    outcome.milliseconds.append((time.perf_counter() - moment) * 1e3)
                else:
                    outcome.errors[str(status)] += 1
            due.task_done()
    finally:
        _close(line)


async def _get(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, path: str
) -> int:
    writer.write(_request(host, path))
    status, length = _read_head(await reader.readuntil(b"\r\n\r\n"))
    await reader.readexactly(length)
    return status


def _close(line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None) -> None:
    if line is not None:
        line[1].close()
