"""Processes for single cases, forked from one that has imported everything and used nothing.

A fork costs 0.1 s where a new interpreter costs 3; LanceDB starts its threads anew in each child.
The process that forks must never open a database or a table itself.
"""

import importlib
import os
import pickle
import select
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 120.0
_USED = (
    "lancedb.expr",
    "lancedb.index",
    "lancedb.query",
    "sqlalchemy.dialects.sqlite",
    "beast_assets.cli",
    "beast_assets.core.embedding.hashing_backend",
    "beast_assets.core.maintenance",
    "beast_assets.core.pipeline",
    "beast_assets.core.search",
    "beast_assets.definitions",
    "beast_assets.defs.launch",
    "beast_assets.defs.runs",
    "beast_assets.indexing",
)


@dataclass(frozen=True)
class Ended:
    """A child that ended.

    Attributes:
        code: its exit code; minus the number of the signal that it died of.
        value: what its work returned; None if it returned nothing.
        output: what it wrote, standard output and errors together.
    """

    code: int
    value: Any
    output: str

    @property
    def killed(self) -> bool:
        """Whether it died of SIGKILL."""
        return self.code == -signal.SIGKILL


class Child:
    """A running child; ``output`` is a file that it writes its words and its answer beside."""

    def __init__(self, work: Callable[[], Any], folder: Path) -> None:
        self._output = folder / f"output-{time.monotonic_ns()}"
        self._answer = self._output.with_suffix(".answer")
        sys.stdout.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # LanceDB warns of forks; see above
            self.pid = os.fork()
            if self.pid == 0:
                self._work(work)

    def _work(self, work: Callable[[], Any]) -> None:
        code = 1
        try:
            warnings.simplefilter("ignore")
            fd = os.open(self._output, os.O_WRONLY | os.O_CREAT, 0o644)
            os.dup2(fd, 1)
            os.dup2(fd, 2)
            value = work()
            self._answer.write_bytes(pickle.dumps(value))
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def kill(self) -> None:
        """End it without warning."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self, patience_s: float = PATIENCE_S) -> Ended:
        """Wait for its end; a child that outlasts the patience is killed and that is its code."""
        fd = os.pidfd_open(self.pid)
        over, _, _ = select.select([fd], [], [], patience_s)
        os.close(fd)
        if not over:
            self.kill()
        _, status = os.waitpid(self.pid, 0)
        output = self._output.read_text(errors="replace") if self._output.exists() else ""
        answer = self._answer.read_bytes() if self._answer.exists() else b""
        return Ended(
            os.waitstatus_to_exitcode(status), pickle.loads(answer) if answer else None, output
        )


def run(work: Callable[[], Any], folder: Path) -> Ended:
    """Do the work in a child and wait for it."""
    return Child(work, folder).wait()


def answer(work: Callable[[], Any], folder: Path) -> Any:
    """The same, where the child must not fail."""
    ended = run(work, folder)
    if ended.code != 0:
        raise AssertionError(f"a child ended with {ended.code}:\n{ended.output}")
    return ended.value


def import_everything() -> None:
    """Import what any child may need, and use nothing of it."""
    for name in _USED:
        importlib.import_module(name)
