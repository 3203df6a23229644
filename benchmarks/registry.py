"""Which benchmarks there are, and what one is.

A benchmark is a module of this package that gives ``run(options: Options) -> Result``. Its name in
``NAMES`` is its name on the command line. Nothing heavy is imported before its ``run``.
"""

import importlib
import importlib.util
from typing import Protocol, cast

from benchmarks.harness import Options, Result

#: In the order in which `all` runs them: the short ones first.
NAMES = (
    "hash",
    "scan",
    "config",
    "files",
    "ideas",
    "dagster",
    "cold",
    "search",
    "serve",
    "retrieval",
    "ann",
    "edits",
    "freshness",
    "embedding",
    "ingest",
)


class Benchmark(Protocol):
    """What a benchmark module gives."""

    def run(self, options: Options) -> Result:
        """Measure and give the figures; ``options.folder`` is empty and its own."""


def available() -> list[str]:
    """The names whose module is there."""
    return [name for name in NAMES if importlib.util.find_spec(_module(name))]


def load(name: str) -> Benchmark:
    """Give a benchmark by its name.

    Raises:
        LookupError: there is none of that name, or its module is not there.
    """
    if name not in NAMES:
        raise LookupError(f"no benchmark {name!r}: one of {', '.join(NAMES)}")
    if name not in available():
        raise LookupError(f"the benchmark {name!r} has no module {_module(name)} in this checkout")
    module = importlib.import_module(_module(name))
    if not callable(getattr(module, "run", None)):
        raise LookupError(f"{_module(name)} gives no run(options)")
    return cast(Benchmark, module)


def _module(name: str) -> str:
    return f"benchmarks.{name}"
