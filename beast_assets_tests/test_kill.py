"""Death by SIGKILL at any moment: the next run ends with the rows of a clean build."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from beast_assets.core.home import dagster_home
from beast_assets.core.settings import Settings, load_settings
from beast_assets.defs.runs import IN_FLIGHT
from beast_assets_tests.conftest import Beast, document
from beast_assets_tests.homes import clean_build, comparable, published_rows

BATCH = 16
BUILD = [sys.executable, "-m", "beast_assets.cli", "index", "--json"]


@dataclass(frozen=True)
class Corpus:
    """Documents, and what a clean build of them gives."""

    folder: Path
    rows: Counter[tuple[Any, ...]]
    texts: int
    seconds: float


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    base = tmp_path_factory.mktemp("kill")
    folder = base / "docs"
    folder.mkdir()
    for number in range(250):
        (folder / f"note-{number:03}.md").write_text(document(number, 8))
    settings = load_settings(environ=environment(base / "whole"))
    for home in ("cold", "whole"):  # the second, with warm caches, is what the kills are timed by
        began = time.monotonic()
        env = environment(base / home)
        subprocess.run([*BUILD, str(folder)], env=env, check=True, capture_output=True)
        seconds = time.monotonic() - began
    rows = comparable(published_rows(settings))
    assert rows == clean_build(settings, base / "clean")
    return Corpus(folder, rows, cached(base / "whole"), seconds)


def environment(home: Path) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("BEAST_")}
    return mine | {
        "BEAST_HOME": str(home),
        "BEAST_MODEL": "hashing",
        "BEAST_EMBED_BATCH": str(BATCH),
    }


def cached(home: Path) -> int:
    """Vectors in the cache, read by another program than ours."""
    path = home / "embeddings.sqlite"
    if not path.exists():
        return 0
    with sqlite3.connect(path) as connection:
        try:
            (count,) = connection.execute("SELECT count(*) FROM embeddings").fetchone()
        except sqlite3.OperationalError:  # killed before the table was made
            return 0
    connection.close()
    return int(count)


def kill_after(seconds: float, home: Path, *words: str) -> bool:
    """Start an index run and kill it; whether it was still at work."""
    with subprocess.Popen(
        [*BUILD, *words],
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return True
    return False


def in_flight(settings: Settings) -> int:
    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        return instance.get_runs_count(dg.RunsFilter(statuses=IN_FLIGHT))


def assert_recovers(home: Path, corpus: Corpus, rows: Counter[tuple[Any, ...]], texts: int) -> None:
    """One more run ends clean, and embeds nothing that was embedded before the death."""
    before = cached(home)
    done = subprocess.run(
        [*BUILD, str(corpus.folder)], env=environment(home), check=True, capture_output=True
    )
    import json

    counts = json.loads(done.stdout.splitlines()[-1])
    settings = load_settings(environ=environment(home))
    found = published_rows(settings)
    assert len({row["chunk_id"] for row in found}) == len(found)
    assert comparable(found) == rows
    # Nothing in the cache is embedded again, and all that the dead run embedded is in the cache
    # save the batch in flight: so at most that batch is embedded twice.
    assert counts["embedded"] == texts - before
    assert in_flight(settings) == 0


@pytest.mark.parametrize("moment", range(10))
def test_killed_first_index_is_completed(corpus: Corpus, tmp_path: Path, moment: int) -> None:
    home = tmp_path / "home"
    # From the start of the interpreter to the publication, evenly, each somewhere in its tenth.
    share = (moment + random.Random(moment).random()) / 10
    assert kill_after(share * corpus.seconds, home, str(corpus.folder)) or moment > 7
    assert_recovers(home, corpus, corpus.rows, corpus.texts)


@pytest.mark.proof
@pytest.mark.parametrize("moment", range(40))
def test_killed_update_is_completed(corpus: Corpus, tmp_path: Path, moment: int) -> None:
    home, folder = tmp_path / "home", tmp_path / "docs"
    folder.mkdir()
    for path in corpus.folder.iterdir():
        (folder / path.name).write_text(path.read_text())
    env = environment(home)
    subprocess.run([*BUILD, str(folder)], env=env, check=True, capture_output=True)
    for number in range(0, 250, 2):
        (folder / f"note-{number:03}.md").write_text(document(1_000 + number, 8))
    for number in range(1, 100, 10):
        (folder / f"note-{number:03}.md").unlink()
    kill_after((moment + 0.5) / 40 * corpus.seconds, home)
    settings = load_settings(environ=env)
    subprocess.run(BUILD, env=env, check=True, capture_output=True)
    found = published_rows(settings)
    assert len({row["chunk_id"] for row in found}) == len(found)
    assert comparable(found) == clean_build(settings, tmp_path / "clean")
    assert in_flight(settings) == 0


def test_death_after_publication_is_cleared_up_without_work(
    beast: Beast, docs: Path, settings: Settings
) -> None:
    beast("index", docs)
    import json

    from beast_assets.core.home import lock_path
    from beast_assets.definitions import build_defs
    from beast_assets.defs.names import PROCESS_TAG

    # What is left if the process dies between the publication and the end of its Dagster run.
    ended = {"host": os.uname().nodename, "pid": 2**22 - 1, "started": 1.0}
    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        instance.create_run_for_job(
            build_defs().resolve_job_def("index_changed"),
            tags={PROCESS_TAG: json.dumps(ended)},
            status=dg.DagsterRunStatus.STARTED,
        )
    lock_path(settings).write_text(json.dumps({"process": ended}))
    assert in_flight(settings) == 1
    assert beast("index", "--json").json["run_ids"] == []
    assert in_flight(settings) == 0
    assert lock_path(settings).read_bytes() == b""
