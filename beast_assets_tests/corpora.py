"""Real input, which is not part of the repository: a folder named by BEAST_CORPORA."""

import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "corpora"


def corpus(name: str) -> Path:
    """A file of the corpora; the test is skipped where it is absent."""
    path = Path(os.environ.get("BEAST_CORPORA", _DEFAULT)) / name
    if not path.exists():
        pytest.skip(f"no corpus {name}: set BEAST_CORPORA to the folder that holds it")
    return path


@contextmanager
def peps_folder() -> Iterator[Path]:
    """The 707 PEPs, unpacked; gone afterwards."""
    archive = corpus("peps.tar.gz")
    with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
        yield Path(folder) / "peps"
