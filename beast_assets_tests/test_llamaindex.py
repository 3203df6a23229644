"""The retriever for LlamaIndex: nodes, and a query engine with a model that repeats its prompt."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("llama_index.core", reason="the extra llamaindex is not installed")

from llama_index.core import QueryBundle
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode

from beast_assets.core.errors import NoIndexError, UsageError
from beast_assets.core.search import Searcher
from beast_assets.core.settings import Settings
from beast_assets.integrations.llamaindex import BeastRetriever
from beast_assets_tests.homes import add_root, index
from beast_assets_tests.turns import slow_searches, turns_while


@pytest.fixture
def indexed(settings: Settings, docs: Path) -> Settings:
    add_root(settings, docs)
    index(settings)
    return settings


def test_nodes_carry_what_a_citation_needs(indexed: Settings) -> None:
    (found,) = BeastRetriever(indexed.home, k=1).retrieve("topic17x2y5")
    hit = Searcher(indexed).search("topic17x2y5", 1)[0]
    assert (found.node.node_id, found.text, found.score) == (hit.chunk_id, hit.text, hit.score)
    assert found.metadata == {
        name: value for name, value in hit.to_dict().items() if name != "text"
    }
    shown = found.node.get_content(MetadataMode.LLM)
    assert f"path: {hit.path}" in shown
    assert hit.content_sha256 not in shown
    assert found.node.get_content(MetadataMode.EMBED) == hit.text


def test_options_narrow_the_answer(indexed: Settings) -> None:
    found = BeastRetriever(k=50, paths=["note-03.md"]).retrieve(QueryBundle("sentence"))
    assert {Path(one.metadata["path"]).name for one in found} == {"note-03.md"}


@pytest.mark.parametrize("later", [False, True], ids=["query", "aquery"])
def test_a_query_engine_answers_from_the_passages(indexed: Settings, later: bool) -> None:
    engine = RetrieverQueryEngine.from_args(BeastRetriever(k=2), llm=MockLLM())
    question = "which note is about topic17x2y5?"
    answer: Any = asyncio.run(engine.aquery(question)) if later else engine.query(question)
    assert Path(answer.source_nodes[0].metadata["path"]).name == "note-17.md"
    assert "topic17x2y5" in answer.source_nodes[0].text
    assert answer.source_nodes[0].text in str(answer)  # the model repeats what it is given


def test_a_retriever_sees_each_new_version(indexed: Settings, docs: Path) -> None:
    retriever = BeastRetriever(k=1)
    assert "quokka" not in retriever.retrieve("quokka")[0].text
    (docs / "new.md").write_text("The quokka is a small wallaby.")
    index(indexed)
    assert retriever.retrieve("quokka")[0].text == "The quokka is a small wallaby."
    assert asyncio.run(retriever.aretrieve("quokka"))[0].text == "The quokka is a small wallaby."


def test_waiting_for_an_answer_does_not_block_the_loop(indexed: Settings) -> None:
    with slow_searches():
        assert asyncio.run(turns_while(BeastRetriever().aretrieve("topic17x2y5"))) > 5


def test_what_is_wrong_is_told_at_once(tmp_path: Path, indexed: Settings) -> None:
    with pytest.raises(NoIndexError, match="beast index"):
        BeastRetriever(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="mode"):
        BeastRetriever(mode="magic")
