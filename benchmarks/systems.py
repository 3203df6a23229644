"""Ours and the peers behind one face: bring a table up to date, say what it cost, show the rows."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from beast_assets.core.ledger import Ledger
from benchmarks import peers_process
from benchmarks.coverage import table_chunks
from benchmarks.homes import environment, settings_for
from benchmarks.memory import Cost, cost_of

_MODEL = "all-MiniLM-L6-v2"
# The command itself, with an embedder that kills the process after so many texts.
_DYING = """
import os, signal, sys
from beast_assets import cli
from beast_assets.core.embedding.hashing_backend import HashingEmbedder
encode, limit = HashingEmbedder.encode, int(sys.argv.pop(1))
def counted(self, texts):
    if self.encoded + len(texts) >= limit:
        os.kill(os.getpid(), signal.SIGKILL)
    return encode(self, texts)
HashingEmbedder.encode = counted
cli.main()
"""


class System(Protocol):
    """Something that keeps a table of chunks."""

    name: str

    def first(self, folder: Path, state: Path) -> Cost:
        """A first ingest with the model, as a process of its own."""

    def update(self, folder: Path, state: Path) -> int:
        """Bring the table up to date without the model: texts that it would have been given."""

    def die(self, folder: Path, state: Path, after: int) -> None:
        """As ``update``, killed by SIGKILL when so many texts were given to the model."""

    def chunks(self, state: Path) -> list[tuple[str, str]]:
        """Path and text of every row."""


class Ours:
    """``beast index``."""

    name = "ours"

    def first(self, folder: Path, state: Path) -> Cost:
        """With the real model."""
        return cost_of([*_beast(), "index", folder, "--json"], environment(state, _MODEL))

    def update(self, folder: Path, state: Path) -> int:
        """With the hashing embedder: a text is embedded or not, whatever the model."""
        cost = cost_of([*_beast(), "index", folder, "--json"], environment(state, "hashing"))
        return int(json.loads(cost.output.splitlines()[-1])["embedded"])

    def die(self, folder: Path, state: Path, after: int) -> None:
        """The command, with an embedder that does not survive."""
        words: list[str | Path] = [sys.executable, "-c", _DYING, str(after), "index", folder]
        _expect_death(lambda: cost_of(words, environment(state, "hashing")))

    def chunks(self, state: Path) -> list[tuple[str, str]]:
        """Of the published version."""
        settings = settings_for(state)
        published = Ledger.open_existing(settings.ledger_url).published()
        if published is None:
            return []
        return table_chunks(settings.index_uri, published.table, published.version)


class Peer:
    """One of ``peers_process.PEERS``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def first(self, folder: Path, state: Path) -> Cost:
        """With the real model."""
        return cost_of(peers_process.command(self.name, folder, state), dict(os.environ))

    def update(self, folder: Path, state: Path) -> int:
        """With a model that only counts."""
        return peers_process.run(self.name, folder, state, model=False).embedded

    def die(self, folder: Path, state: Path, after: int) -> None:
        """With a model that counts and kills."""
        _expect_death(
            lambda: peers_process.run(self.name, folder, state, model=False, die_after=after)
        )

    def chunks(self, state: Path) -> list[tuple[str, str]]:
        """Of its table."""
        return table_chunks(str(state / "lance"), "chunks")


def _beast() -> Sequence[str]:
    return (sys.executable, "-m", "beast_assets.cli")


def _expect_death(work: Callable[[], object]) -> None:
    try:
        work()
    except RuntimeError as error:
        if "-9" not in str(error):
            raise
        return
    raise RuntimeError("it was to be killed, and ended well")
