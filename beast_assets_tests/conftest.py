"""What the tests share: a home, a folder of documents, and the command as a process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from beast_assets.core.settings import Settings, load_settings
from beast_assets_tests.corpora import peps_folder

# A slow moment of a shared machine is no fault of the code.
hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")

LOOPBACK = "127.0.0.1,::1"

# A file is settled two seconds after its last change; tests that need settled files wait for it.
SETTLE_S = 2.1


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """No test reaches the network: pytest-socket lets through loopback and Unix sockets only."""
    config.option.allow_hosts = config.option.allow_hosts or LOOPBACK
    config.option.allow_unix_socket = True


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("BEAST_") and name != "BEAST_CORPORA":
            monkeypatch.delenv(name)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    # Programs that tests start find the tests' own modules, wherever they are started.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setenv("BEAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BEAST_MODEL", "hashing")
    monkeypatch.chdir(tmp_path)
    os.umask(0o022)  # the usual one, whatever this process has imported


@pytest.fixture
def settings(clean_environment: None) -> Settings:
    """Settings of a home that does not exist yet, with the embedder that needs no model."""
    return load_settings()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder of forty small documents, several chunks in some."""
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    for number in range(40):
        parent = folder / "sub" if number % 3 else folder
        (parent / f"note-{number:02}.md").write_text(document(number))
    return folder


def settle() -> None:
    """Wait until every file written so far counts as settled."""
    time.sleep(SETTLE_S)


def document(number: int, paragraphs: int | None = None) -> str:
    """A text that is like no other: its words carry its number."""
    count = 1 + number % 7 if paragraphs is None else paragraphs
    parts = [f"# Note {number}\n"]
    for part in range(count):
        sentences = [
            f"Sentence {line} of part {part} in note {number} is about topic{number}x{part}y{line}."
            for line in range(8)
        ]
        parts.append("\n".join(sentences) + "\n")
    return "\n".join(parts)


@dataclass(frozen=True)
class Finished:
    """A command that ended."""

    code: int
    out: bytes
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The last line of standard output."""
        loaded: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return loaded


Beast = Callable[..., Finished]


@pytest.fixture
def beast(clean_environment: None) -> Beast:
    """Run the real ``beast`` command as a process of its own."""

    def run(*words: str | bytes | Path, code: int | None = 0, **environment: str) -> Finished:
        command = [sys.executable, "-m", "beast_assets.cli", *words]
        done = subprocess.run(command, capture_output=True, env=os.environ | environment)
        finished = Finished(done.returncode, done.stdout, done.stderr.decode())
        if code is not None:
            assert finished.code == code, finished
        return finished

    return run


@pytest.fixture(scope="session")
def peps() -> Iterator[Path]:
    """The unpacked corpus of PEPs, read only."""
    with peps_folder() as folder:
        yield folder
