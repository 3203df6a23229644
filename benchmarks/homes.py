"""Homes and folders for benchmarks: nothing of the person who runs them is read or written."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from beast_assets.core.settings import Settings, load_settings
from benchmarks.harness import output_of

CHECKOUT = Path(__file__).resolve().parent.parent
PEERS_PYTHON = CHECKOUT / ".venv-peers" / "bin" / "python"
# A file at rest for two seconds counts as settled: before that, each look reads it again.
_SETTLE_S = 2.1


def environment(home: Path, model: str) -> dict[str, str]:
    """The environment of a ``beast`` process with this home and model, and no other setting."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BEAST_")}
    kept.pop("DAGSTER_HOME", None)
    nowhere = {"BEAST_CONFIG_DIR": str(home.parent), "PYTHONPATH": str(CHECKOUT)}
    return kept | nowhere | {"BEAST_HOME": str(home), "BEAST_MODEL": model}


def settings_for(home: Path, model: str = "hashing") -> Settings:
    """The settings of such a process."""
    return load_settings(environ=environment(home, model))


def beast(home: Path, *words: str | Path, model: str = "hashing") -> dict[str, Any]:
    """Run ``beast … --json`` as a process of its own and give its answer."""
    command = [sys.executable, "-m", "beast_assets.cli", *words, "--json"]
    said = output_of(command, env=environment(home, model), cwd=home.parent)
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


def settle() -> None:
    """Wait until files written so far count as settled."""
    time.sleep(_SETTLE_S)


def make_tree(root: Path, files: int, per_folder: int = 20) -> Path:
    """A tree of so many one-line texts, no two alike, that many in each folder."""
    for number in range(files):
        folder = root / f"{number // per_folder:05}"
        if number % per_folder == 0:
            folder.mkdir(parents=True)
        (folder / f"{number:06}.rst").write_text(f"Note {number} tells of topic {number % 997}.\n")
    return root
