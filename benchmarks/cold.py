"""The first question: a whole process of ``beast search``, from its start to its end."""

import sys
from pathlib import Path

from benchmarks.harness import Line, Options, Result, Spread, at_most, output_of, paired, python
from benchmarks.homes import beast, environment, make_tree, settle

_MODEL = "all-MiniLM-L6-v2"
_ASK = ("search", "which note tells of topic 7", "--json")
# The whole command, and then what it has imported.
_LOOK = """
import sys
from beast_assets.cli import cli
cli(sys.argv[1:], standalone_mode=False)
print(*(name in sys.modules for name in ("torch", "dagster", "sentence_transformers")))
"""


def run(options: Options) -> Result:
    """Over a small home: nearly all of it is imports and loading the model."""
    files = options.size("files", 40, 5)
    home = options.folder / "home"
    make_tree(options.folder / "texts", files)
    settle()
    beast(home, "index", options.folder / "texts", model=_MODEL)
    env = environment(home, _MODEL)
    said = python(_LOOK, *_ASK, env=env)
    imported = said.splitlines()[-1].split()
    if imported != ["False"] * 3:
        raise RuntimeError(f"a search imports torch, dagster or sentence_transformers: {imported}")
    lines = [_search(env, options.folder, options.rounds), _import(options.rounds)]
    return Result("cold", "A search in a process of its own", lines, setup={"files": files})


def _search(env: dict[str, str], folder: Path, rounds: int) -> Line:
    command = [sys.executable, "-m", "beast_assets.cli", *_ASK]
    took = paired({"beast": lambda: output_of(command, env=env, cwd=folder)}, rounds)
    return Line(
        "`beast search`, whole process",
        took.spread("beast"),
        "s",
        reach=at_most(2.5),
        parts={"CPU s": Spread.of(took.cpu["beast"])},
        note="the model is loaded and asked; torch is not imported, which is verified",
    )


def _import(rounds: int) -> Line:
    works = {
        "ours": lambda: python("from beast_assets.core.lance import lancedb; lancedb()"),
        "plain": lambda: python("import lancedb"),
    }
    took = paired(works, rounds)
    return Line(
        "importing LanceDB without its namespace client",
        took.ratio("plain", "ours"),
        "×",
        "import lancedb",
        parts=took.parts(),
    )
