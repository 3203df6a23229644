"""The package as a program or a notebook uses it."""

import json
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import beast_assets
from beast_assets.core.errors import NoIndexError, RecipeMismatchError, UsageError
from beast_assets.core.settings import Settings
from beast_assets_tests.homes import add_root, index
from beast_assets_tests.test_architecture import HEAVY
from beast_assets_tests.test_docs import README, parse

EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def indexed(settings: Settings, docs: Path) -> Settings:
    add_root(settings, docs)
    index(settings)
    return settings


def test_the_package_offers_this_and_no_more() -> None:
    assert sorted(beast_assets.__all__) == ["BeastError", "__version__", "open"]
    public = {name for name in vars(beast_assets) if not name.startswith("_")}
    # Modules below it appear as they are imported; the rest is what typing needs.
    modules = {name for name in public if isinstance(vars(beast_assets)[name], type(sys))}
    assert public - modules == {"BeastError", "open", "Any", "PathLike", "TYPE_CHECKING"}


def test_importing_the_package_costs_next_to_nothing() -> None:
    program = (
        "import sys\nbefore = set(sys.modules)\nimport beast_assets\nprint(*sys.modules - before)"
    )
    program = program.replace("sys.modules - before", "set(sys.modules) - before")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    roots = {name.split(".")[0] for name in done.stdout.split()}
    assert "beast_assets" in roots, done.stderr
    assert roots.isdisjoint([*HEAVY, "numpy", "sqlalchemy", "pydantic", "click", "asyncio"])


@pytest.mark.parametrize("example", EXAMPLES, ids=["python", "langchain", "llamaindex"])
def test_examples_of_the_readme_run(
    example: str, indexed: Settings, docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for extra, library in (("langchain", "langchain_core"), ("llamaindex", "llama_index.core")):
        if f"integrations.{extra}" in example:
            pytest.importorskip(library, reason=f"the extra {extra} is not installed")
    found: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), found)
    if "hits" in found:
        out = capsys.readouterr().out
        assert out.count(f"{docs}/") == 10  # five hits, twice
        assert out.endswith("40 files, 5 hits\n")
    else:
        listed = found.get("documents", found.get("nodes"))
        assert isinstance(listed, list)
        assert len(listed) == 5


def test_the_clients_configuration_in_the_readme_starts_the_server() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    (server,) = json.loads(example)["mcpServers"].values()
    assert server["command"] == "beast"
    parse(server["args"])


def test_a_home_is_opened_by_any_kind_of_path(indexed: Settings, tmp_path: Path) -> None:
    for home in (None, str(indexed.home), indexed.home):
        with beast_assets.open(home) as handle:
            assert repr(handle) == f"<index of {indexed.home}>"
            assert handle.status()["files"] == 40
    assert handle.search("topic17x2y5", 1)  # closed, it opens again
    with pytest.raises(NoIndexError, match="beast index DIR"):
        beast_assets.open(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="BEAST_THREADS"):
        beast_assets.open(threads="many")
    with pytest.raises(TypeError, match="colour"):
        beast_assets.open(colour="red")
    with pytest.raises(RecipeMismatchError):
        beast_assets.open(model="all-MiniLM-L6-v2").search("topic17x2y5")


def test_lists_will_do_for_options(indexed: Settings) -> None:
    with beast_assets.open() as handle:
        for paths in (["note-03.md"], ("note-03.md",), "note-03.md"):
            hits = handle.search("sentence", 50, paths=paths)
            assert {Path(hit.path).name for hit in hits} == {"note-03.md"}
        assert handle.counters.computed == 1  # they mean the same


def test_an_answer_is_shown_in_few_words_and_as_a_safe_table(indexed: Settings, docs: Path) -> None:
    (docs / "<script>alert(1)<!-- & \x1b[31m.md").write_text("Axolotl <img src=x onerror=alert(2)>")
    index(indexed)
    with beast_assets.open() as handle:
        hits = handle.search("axolotl", 2, mode="text")
        assert len(hits) == 1
        text, table = repr(hits), hits._repr_html_()
        assert text.startswith("1. ")
        assert "<img src=x onerror=alert(2)>" in text
        assert set(re.findall(r"<[^>]*>", table)) == {
            "<table>", "</table>", "<tr>", "</tr>", "</td>", "<br>", "<td style='text-align:left'>",
        }  # fmt: skip
        assert "&lt;img src=x onerror=alert(2)&gt;" in table
        assert "\x1b" not in text + table
        assert repr(handle.search("axolotl", 1, mode="text", paths=["nothing"])) == "nothing found"


def test_an_open_index_is_asked_by_many_while_versions_come(indexed: Settings, docs: Path) -> None:
    with beast_assets.open() as handle:
        stop = threading.Event()

        def ask(number: int) -> int:
            rounds = 0
            while not stop.is_set() or not rounds:
                hits = handle.search(f"topic{number}x0y5", 3)
                assert Path(hits[0].path).name == f"note-{number:02}.md"
                assert len({hit.chunk_id for hit in hits}) == 3
                assert handle.passage(hits[0].chunk_id) is not None
                rounds += 1
            return rounds

        with ThreadPoolExecutor(8) as pool:
            asking = [pool.submit(ask, number) for number in range(8)]
            versions = {handle.version}
            for number in range(3):
                (docs / f"quokka-{number}.md").write_text(f"The quokka number {number}.")
                index(indexed)
                assert Path(handle.search(f"quokka number {number}", 1)[0].path).exists()
                versions.add(handle.version)
            stop.set()
            assert all(task.result() for task in asking)
        assert len(versions) == 4


def test_an_open_index_sees_one_that_was_lost_and_built_anew(indexed: Settings, docs: Path) -> None:
    with beast_assets.open() as handle:
        assert handle.search("quokka", 3).version == handle.version
        shutil.rmtree(indexed.home / "index")
        (docs / "quokka.md").write_text("The quokka is a small wallaby.")
        index(indexed)
        assert Path(handle.search("quokka", 3)[0].path).name == "quokka.md"
        assert handle.passage(handle.search("wallaby", 1)[0].chunk_id) is not None
