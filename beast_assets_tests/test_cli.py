"""The command as a user runs it: a process, its output, its exit code."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from beast_assets.core.home import dagster_home, lock_path
from beast_assets.core.settings import Settings
from beast_assets_tests.conftest import Beast, settle
from beast_assets_tests.homes import comparable, published_rows
from beast_assets_tests.test_architecture import HEAVY

COUNTS = {
    "scanned", "added", "changed", "removed", "unchanged", "skipped", "quarantined", "bytes_hashed",
    "chunks_total", "chunks_written", "embedded", "reused", "tokens_truncated", "buckets",
    "run_ids", "seconds",
}  # fmt: skip


def test_index_search_status(beast: Beast, docs: Path, settings: Settings) -> None:
    settle()
    first = beast("index", docs, "--json").json
    assert set(first) >= COUNTS
    assert (first["scanned"], first["added"], len(first["run_ids"])) == (40, 40, 1)
    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        run = instance.get_run_by_id(first["run_ids"][0])
    assert run is not None
    assert run.status == dg.DagsterRunStatus.SUCCESS

    hits = beast("search", "topic17x2y5", "-k", "3", "--json").json["hits"]
    assert Path(hits[0]["path"]).name == "note-17.md"
    assert set(hits[0]) == {
        "chunk_id", "path", "score", "scores", "text", "char_start", "char_end", "line_start",
        "line_end", "place", "content_sha256", "stale", "copies",
    }  # fmt: skip
    text = Path(hits[0]["path"]).read_text()
    assert text[hits[0]["char_start"] : hits[0]["char_end"]] == hits[0]["text"]
    assert not hits[0]["stale"]
    assert len(hits) == 3

    status = beast("status", "--json").json
    assert status["files"] == 40
    assert status["chunks"] == status["embeddings"] == first["chunks_total"]
    assert status["buckets"] == 16
    assert status["roots"] == [str(docs)]
    assert status["home"] == str(settings.home)
    assert b"note-17.md" in beast("search", "topic17x2y5").out


def test_second_index_does_nothing_and_imports_nothing(docs: Path, beast: Beast) -> None:
    settle()
    beast("index", docs)
    program = (
        "import sys\nfrom beast_assets.cli import cli\n"
        "cli(['index', '--json'], standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    counts = json.loads(done.stdout.splitlines()[-1])
    assert done.stderr.splitlines()[-1] == "[]"
    assert counts["buckets"] == counts["run_ids"] == []
    done_nothing = {"bytes_hashed", "chunks_written", "embedded", "reused", "added", "changed"}
    assert {counts[name] for name in done_nothing} == {0}
    assert counts["unchanged"] == 40


def test_stale_hit_says_so(beast: Beast, docs: Path) -> None:
    beast("index", docs)
    path = docs / "sub" / "note-17.md"
    path.touch()
    assert not beast("search", "topic17x2y5", "-k", "1", "--json").json["hits"][0]["stale"]
    path.write_text("something else\n")
    assert beast("search", "topic17x2y5", "-k", "1", "--json").json["hits"][0]["stale"]
    path.unlink()
    assert beast("search", "topic17x2y5", "-k", "1", "--json").json["hits"][0]["stale"]


def test_lost_index_folder_is_restored(beast: Beast, docs: Path, settings: Settings) -> None:
    beast("index", docs)
    rows = comparable(published_rows(settings))
    shutil.rmtree(settings.home / "index")
    assert beast("search", "topic17", code=1).err
    counts = beast("index", "--json").json
    assert counts["embedded"] == 0
    assert comparable(published_rows(settings)) == rows


def test_exit_codes(beast: Beast, docs: Path, settings: Settings, tmp_path: Path) -> None:
    assert "beast index DIR" in beast("search", "x", code=10).err
    assert beast("status", "--json", code=10).json["exit_code"] == 10
    assert "not a folder" in beast("index", tmp_path / "nowhere", code=2).err
    assert "DIR" in beast("index", code=2).err
    beast("index", docs)
    assert "--rebuild" in beast("index", code=12, BEAST_CHUNK_CHARS="500").err
    assert beast("search", "x", code=12, BEAST_MODEL="all-MiniLM-L6-v2").err
    docs.rename(tmp_path / "away")
    held = beast("index", "--json", code=3).json
    assert len(held["unavailable"]) == 1
    assert beast("status", "--json").json["files"] == 40


def test_locked_home_is_exit_code_11(beast: Beast, docs: Path, settings: Settings) -> None:
    beast("index", docs)
    program = (
        "import sys, time\nfrom pathlib import Path\n"
        "from beast_assets.core.lock import writer_lock\n"
        "with writer_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(lock_path(settings))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        refused = beast("index", "--json", code=11)
        assert str(holder.pid) in refused.json["error"]
        assert beast("search", "topic17x2y5", "--json").json["hits"]
        holder.kill()
    beast("index")


def test_roots_come_and_go(beast: Beast, docs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "walrus.md").write_text("walrus\n")
    assert beast("roots", "add", docs, other, "--json").json["added"] == [str(docs), str(other)]
    assert beast("index", "--json").json["scanned"] == 41
    assert beast("roots", "remove", other, "--json").json["removed"] == str(other)
    assert beast("index", "--json").json["removed"] == 1
    assert beast("roots", "list", "--json").json["roots"] == [str(docs)]
    assert beast("index", "--json", BEAST_ROOTS=str(other)).json["added"] == 1
    assert beast("roots", "list", "--json").json["roots"] == [str(docs), str(other)]
    assert "not a root" in beast("roots", "remove", tmp_path, code=2).err


NAMES = [b"new\nline", b"back\\slash", b"qu'o\"te", b"\xff\xfe", b"-", b"-dash", b" space", b"\r"]


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum on this machine")
def test_manifest_is_accepted_by_sha256sum(beast: Beast, docs: Path, tmp_path: Path) -> None:
    for name in NAMES:
        (docs / os.fsdecode(name)).write_text(f"content of {name!r}")
    (docs / "model.gguf").write_bytes(os.urandom(1000))
    beast("index", docs)
    listed = tmp_path / "SHA256SUMS"
    assert beast("manifest", "--output", listed, "--json").json["files"] == 41 + len(NAMES)
    assert beast("manifest").out == listed.read_bytes()

    def check() -> int:
        command = ["sha256sum", "--check", "--strict", "--quiet", str(listed)]
        return subprocess.run(command, cwd=docs, capture_output=True).returncode

    assert check() == 0
    (docs / "-").write_text("altered")
    assert check() == 1
    other = tmp_path / "other"
    other.mkdir()
    beast("roots", "add", other)
    assert "--root" in beast("manifest", code=2).err
    assert beast("manifest", "--root", docs).out == listed.read_bytes()


def test_config_shows_both_files(beast: Beast, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "paths.env").write_text('export BASE="$HOME/ai"\nMODELS=${BASE}/models\n')
    (config / "ports.env").write_text("PORT_DAGSTER=4567\nWHERE=$MODELS\n")
    shown = beast("config", "--json", HOME="/users/me").json
    assert shown["env"] == {
        "BASE": "/users/me/ai",
        "MODELS": "/users/me/ai/models",
        "PORT_DAGSTER": "4567",
        "WHERE": "/users/me/ai/models",
    }
    assert shown["port"] == 4567
    assert beast("config", "dagster_home").out.decode().strip() == str(tmp_path / "home/dagster")
    (config / "paths.env").write_text("A=1\nB=$(touch executed)\n")
    refused = beast("config", code=2)
    assert "paths.env:2" in refused.err
    assert not (tmp_path / "executed").exists()


def test_home_option_wins(beast: Beast, docs: Path, tmp_path: Path) -> None:
    beast("index", docs, "--home", tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "ledger.sqlite").exists()
    assert not (tmp_path / "home").exists()
    status = beast("status", "--home", tmp_path / "elsewhere", "--json").json
    assert status["files"] == 40


def test_home_is_private(beast: Beast, docs: Path, settings: Settings) -> None:
    beast("index", docs)
    assert settings.home.stat().st_mode & 0o777 == 0o700
    open_to_others = [path for path in settings.home.rglob("*") if path.stat().st_mode & 0o077]
    assert open_to_others == []


def test_terminal_shows_and_does_not_obey(beast: Beast, docs: Path) -> None:
    (docs / "evil\x1b[31m.md").write_text("unmistakable \x1b]0;title\x07 words\n")
    beast("index", docs)
    out = beast("search", "unmistakable").out
    assert b"\x1b" not in out
    assert b"evil\\x1b[31m.md" in out


def test_dev_refuses_a_port_that_is_taken(beast: Beast) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = beast("dev", "--port", str(taken.getsockname()[1]), code=2)
    assert "is taken" in refused.err


def test_a_newline_in_a_path_stays_on_its_line(beast: Beast, docs: Path) -> None:
    (docs / "two\nlines.md").write_text("unmistakable words\n")
    beast("index", docs)
    first = beast("search", "unmistakable", "-k", "1").out.splitlines()[0]
    assert first.endswith(b"two\\nlines.md:1-1")


def test_an_empty_question_is_told_so(beast: Beast, docs: Path) -> None:
    beast("index", docs)
    assert "empty" in beast("search", "  ", code=2).err


def test_bench_asks_which(beast: Beast) -> None:
    assert "edits" in beast("bench", code=2).err
