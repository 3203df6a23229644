"""SIGINT and SIGTERM for a process that waits most of its time and works in between."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Being told to stop: ends a wait on ``stop``, and work inside ``raised``; main thread only.

    Dagster puts handlers of its own in the place of ours during a run, and may drop what they
    caught; so signals are also read from where Python writes their numbers whatever the handler.

    Attributes:
        stop: set once a signal has been seen.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._raising = False

    def __enter__(self) -> "Interrupts":
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._before: dict[int, Any] = {
            number: signal.signal(number, self._told) for number in _SIGNALS
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._read)
        os.close(self._write)

    def _told(self, _number: int, _frame: FrameType | None) -> None:
        self.stop.set()
        if self._raising:
            self._raising = False  # once: what cleans up shall come to its end
            raise KeyboardInterrupt

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Work that a signal ends where it stands, by KeyboardInterrupt."""
        self._raising = True
        try:
            if self.stop.is_set():
                raise KeyboardInterrupt
            yield
        finally:
            self._raising = False

    def pending(self) -> bool:
        """Whether we were told to stop, by whatever handler a signal was caught."""
        try:
            numbers = os.read(self._read, 4_096)
        except BlockingIOError:
            numbers = b""
        if not set(_SIGNALS).isdisjoint(numbers):
            self.stop.set()
        return self.stop.is_set()
