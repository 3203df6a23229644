"""The retriever for LangChain, by LangChain's own standard tests and ours."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_tests", reason="the extra langchain is not installed")

from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_tests.integration_tests import RetrieversIntegrationTests

from beast_assets.core.errors import NoIndexError, UsageError
from beast_assets.core.search import Searcher
from beast_assets.core.settings import Settings
from beast_assets.integrations.langchain import BeastRetriever
from beast_assets_tests.homes import add_root, index
from beast_assets_tests.turns import slow_searches, turns_while

# Theirs is made for a mode of pytest-asyncio that marks every coroutine by itself.
pytest.mark.asyncio(RetrieversIntegrationTests.test_ainvoke_returns_documents)


@pytest.fixture
def indexed(settings: Settings, docs: Path) -> Settings:
    add_root(settings, docs)
    index(settings)
    return settings


@pytest.mark.usefixtures("indexed")
class TestStandard(RetrieversIntegrationTests):
    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return BeastRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"search_kwargs": {"extensions": ["md"]}}

    @property
    def retriever_query_example(self) -> str:
        return "which note is about topic17x2y5?"


def test_documents_carry_what_a_citation_needs(indexed: Settings) -> None:
    found = BeastRetriever(home=str(indexed.home), k=1).invoke("topic17x2y5")[0]
    hit = Searcher(indexed).search("topic17x2y5", 1)[0]
    assert (found.id, found.page_content) == (hit.chunk_id, hit.text)
    assert found.metadata["source"] == found.metadata["path"] == hit.path
    assert not found.metadata["stale"]
    place = (found.metadata["line_start"], found.metadata["line_end"], found.metadata["place"])
    assert place == (hit.line_start, hit.line_end, "")
    assert found.metadata["score"] == hit.score


def test_options_come_from_the_retriever_and_from_the_call(indexed: Settings) -> None:
    retriever = BeastRetriever(k=50, search_kwargs={"paths": ["note-0*.md"]})
    assert {Path(one.metadata["path"]).name for one in retriever.invoke("sentence")} == {
        f"note-{number:02}.md" for number in range(10)
    }
    one = retriever.invoke("sentence", k=3, paths="note-03.md")
    assert {Path(one.metadata["path"]).name for one in one} == {"note-03.md"}
    later = asyncio.run(retriever.ainvoke("sentence", k=3, paths="note-03.md"))
    assert later == one


def test_a_chain_sees_each_new_version(indexed: Settings, docs: Path) -> None:
    chain = BeastRetriever(k=1) | RunnableLambda(lambda found: found[0].page_content)
    assert "quokka" not in chain.invoke("quokka")
    (docs / "new.md").write_text("The quokka is a small wallaby.")
    index(indexed)
    assert chain.invoke("quokka") == "The quokka is a small wallaby."


def test_waiting_for_an_answer_does_not_block_the_loop(indexed: Settings) -> None:
    with slow_searches():
        assert asyncio.run(turns_while(BeastRetriever().ainvoke("topic17x2y5"))) > 5


def test_what_is_wrong_is_told_at_once(tmp_path: Path, indexed: Settings) -> None:
    with pytest.raises(NoIndexError, match="beast index"):
        BeastRetriever(home=str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="mode"):
        BeastRetriever(search_kwargs={"mode": "magic"})


@pytest.mark.parametrize(
    ("name", "library"), [("langchain", "langchain_core"), ("llamaindex", "llama_index")]
)
def test_a_missing_extra_is_named(name: str, library: str) -> None:
    program = (
        f"import sys\nsys.modules[{library!r}] = None\nimport beast_assets.integrations.{name}"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert f"pip install 'beast-assets[{name}]'" in done.stderr.splitlines()[-1]
