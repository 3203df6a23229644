"""``beast eval``: how well the pipeline finds what people judged to be found."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from beast_assets.core import progress
from beast_assets.core.errors import UsageError
from beast_assets.core.evaluation.beir import DataSet, read_data_set
from beast_assets.core.evaluation.corpus import corpus_settings, file_name, prepare_corpus
from beast_assets.core.evaluation.metrics import ndcg, recall, reciprocal_rank
from beast_assets.core.evaluation.significance import paired_difference
from beast_assets.core.pipeline import run_index
from beast_assets.core.recipe import current_recipe
from beast_assets.core.report import Report
from beast_assets.core.search import Searcher
from beast_assets.core.search.documents import Documents, rank_documents
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings, load_settings
from beast_assets.core.settings_table import TABLE

MODES = ("vector", "text", "hybrid")
COMPARED = "nDCG@10"
_DEEPEST = 100


@dataclass(frozen=True)
class Evaluation:
    """One recipe's result.

    Attributes:
        figures: mode → metric → the figure of each query, 0 to 1, in the order of the queries.
        report: of the indexing run that came first.
        recipe: what the corpus was indexed with.
    """

    figures: dict[str, dict[str, list[float]]]
    report: Report
    recipe: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Means by mode and metric, and what they are of."""
        means = {
            mode: {name: round(sum(values) / len(values), 6) for name, values in metrics.items()}
            for mode, metrics in self.figures.items()
        }
        counts = {
            "documents": self.report.scanned,
            "without_text": self.report.scanned - self.report.totals.get("indexed", 0),
            "chunks": self.report.totals.get("chunks", 0),
            "embedded": self.report.work.embedded,
        }
        return {**means, **counts, "recipe": self.recipe}


def evaluate(
    settings: Settings,
    folder: Path,
    against: Mapping[str, str] | None = None,
    split: str | None = None,
) -> dict[str, Any]:
    """Index a data set with the recipe of the settings, ask its queries, and compare.

    Args:
        settings: the recipe; files and index are kept below the home, which is not touched else.
        folder: a data set in the layout of BEIR.
        against: variables such as ``BEAST_CHUNK_CHARS`` that make the second recipe.
        split: which judgements, ``test`` by default.

    Returns:
        For each mode ``nDCG@10``, ``MRR@10``, ``recall@10`` and ``recall@100``; ``queries``,
        ``documents``, ``without_text``, ``chunks``, ``embedded``, ``recipe``, ``split``. With
        ``against`` the same of the second recipe there, and ``comparison``: for each mode the
        ``paired_difference`` in nDCG@10.

    Raises:
        UsageError: the data set or a variable is not as it should be.
    """
    other = with_variables(settings, against) if against else None
    data = read_data_set(folder, split)
    first = _evaluate(settings, data)
    found = {**first.to_dict(), "queries": len(data.queries), "split": data.split}
    if other is not None:
        second = _evaluate(other, data)
        found["against"] = {"settings": dict(against or {}), **second.to_dict()}
        found["comparison"] = {
            mode: paired_difference(first.figures[mode][COMPARED], second.figures[mode][COMPARED])
            for mode in MODES
        }
    return found


def with_variables(settings: Settings, variables: Mapping[str, str]) -> Settings:
    """The settings with some of them set anew, checked as ever.

    Raises:
        UsageError: no such variable, or not such a value.
    """
    names = {each.variable: each.name for each in TABLE}
    if unknown := variables.keys() - names.keys():
        raise UsageError(f"no such setting: {', '.join(sorted(unknown))} (`beast config` has all)")
    kept = {each.name for each in fields(settings)} - {"env", "config_dir"}
    values = {name: getattr(settings, name) for name in kept}
    return load_settings(values | {names[key]: value for key, value in variables.items()})


def _evaluate(settings: Settings, data: DataSet) -> Evaluation:
    own = corpus_settings(settings, prepare_corpus(settings, data))
    report = run_index(own, Request(), run_id="eval", timeout_s=settings.lock_timeout_s)
    searcher = Searcher(own)
    documents = {file_name(name): name for name, _ in data.documents()}
    figures: dict[str, dict[str, list[float]]] = {mode: {} for mode in MODES}
    for done, (name, query) in enumerate(data.queries.items(), 1):
        ranked = rank_documents(searcher, query, _DEEPEST)
        for mode, metrics in _measure(ranked, documents, data.grades[name]).items():
            for metric, value in metrics.items():
                figures[mode].setdefault(metric, []).append(value)
        progress.tell("search", done, len(data.queries))
    return Evaluation(figures, report, current_recipe(own))


def _measure(
    ranked: Documents, documents: Mapping[bytes, str], grades: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    measured = {}
    for mode, paths in zip(MODES, ranked, strict=True):
        ranking = [documents[path.rpartition(b"/")[2]] for path in paths]
        measured[mode] = {
            "nDCG@10": ndcg(ranking, grades, 10),
            "MRR@10": reciprocal_rank(ranking, grades, 10),
            "recall@10": recall(ranking, grades, 10),
            "recall@100": recall(ranking, grades, 100),
        }
    return measured
