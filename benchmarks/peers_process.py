"""The peers, run as processes of their own in their own environment."""

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import output_of
from benchmarks.homes import CHECKOUT, PEERS_PYTHON

#: Name → script and the package that it stands for; "" for the plain loop.
PEERS = {
    "cocoindex": ("cocoindex_app.py", "cocoindex"),
    "langchain": ("langchain_index.py", "langchain_core"),
    "llamaindex": ("llamaindex_pipeline.py", "llama_index.core"),
    "naive": ("naive.py", "sentence_transformers"),
}


@dataclass(frozen=True)
class Answer:
    """What a peer says of its run.

    Attributes:
        seconds: of the work, without start and imports.
        chunks: rows in its table now.
        embedded: texts that the model was given.
    """

    seconds: float
    chunks: int
    embedded: int


def absent(name: str) -> str | None:
    """Why a peer cannot be run; None where it can."""
    if not PEERS_PYTHON.exists():
        return f"no {PEERS_PYTHON.parent.parent.name}: run `make bench-peers` once"
    package = PEERS[name][1]
    program = f"import importlib.util as u, sys; sys.exit(u.find_spec({package!r}) is None)"
    try:
        output_of([PEERS_PYTHON, "-c", program])
    except RuntimeError:
        return f"{package} is not installed in {PEERS_PYTHON.parent.parent.name}"
    return None


def run(name: str, folder: Path, state: Path, *, model: bool, die_after: int = 0) -> Answer:
    """Bring a peer's table up to date.

    Args:
        name: of ``PEERS``.
        folder: the texts.
        state: the peer's own, from run to run; the table is ``chunks`` in its ``lance``.
        model: False only counts the texts that the model would be given.
        die_after: the process kills itself after so many texts; 0 for never.

    Raises:
        RuntimeError: it failed, or died as it was asked to.
    """
    options = [] if model else ["--no-model"]
    if die_after:
        options += ["--die-after", str(die_after)]
    return answer(output_of([*command(name, folder, state), *options]))


def command(name: str, folder: Path, state: Path) -> list[str | Path]:
    """The words that run a peer."""
    return [PEERS_PYTHON, CHECKOUT / "benchmarks" / "peers" / PEERS[name][0], folder, state]


def answer(said: str) -> Answer:
    """The answer in what a peer printed."""
    return Answer(**json.loads(said.splitlines()[-1]))
