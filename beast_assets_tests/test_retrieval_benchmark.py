"""The sets of questions know their answers, and rankings are scored rightly."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import retrieval
from benchmarks.asked import Asked, Place, ask_plain
from benchmarks.code_questions import code_questions
from benchmarks.fusions import by_ranks, by_scores, to_unit
from benchmarks.harness import Options
from benchmarks.homes import settings_for
from benchmarks.question_sets import QuestionSet, prose, standard_library
from benchmarks.questions import Question

HEADING = re.compile(r"^# +(.+)$", re.MULTILINE)

CODE = '''
class FirstReader:
    """Reads what stands at the very beginning of it. And more."""

    def read_first(self):
        """Give the one value that was there at first."""
        return self.value


def wait_for_second(name):
    return name
'''


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    said = "The {0} of item {1} was laid across the river before the winter of that year began."
    lines = [
        "\n".join(
            f"# Chapter {number} about thing {at}\n" + said.format(f"cable{at}", number)
            for at in range(9)
        )
        for number in range(6)
    ]
    return {f"{number}.md": text + "\n" for number, text in enumerate(lines)}


def test_answers_stand_where_they_are_said_to(texts: dict[str, str]) -> None:
    questions = prose("some", texts, {"1.md": "A title"}, HEADING).questions
    kinds = Counter(question.kind for question in questions)
    assert set(kinds) >= {"half a sentence", "fragment", "title"}
    for question in questions:
        (document,) = question.relevant
        if question.span is None:
            continue
        answer = texts[document][slice(*question.span)]
        if question.kind == "fragment":
            assert answer == question.text
            assert sum(text.count(answer) for text in texts.values()) == 1
        if question.kind == "half a sentence":
            assert set(question.text.split()) <= set(re.findall(r"[A-Za-z]+", answer))
    assert questions == prose("some", texts, {"1.md": "A title"}, HEADING).questions


def test_code_is_asked_for_by_names_and_by_what_is_said_of_it_elsewhere() -> None:
    left, questions = code_questions({"one.py": CODE}, 9)
    by_kind = {question.kind: question for question in questions}
    assert "at first" not in left["one.py"]
    ast.parse(left["one.py"])
    for question in questions:
        assert question.span is not None
        answer = left["one.py"][slice(*question.span)].strip()
        assert answer.startswith(("def ", "class "))
        last = question.text.rpartition(".")[2]
        if question.kind in ("identifier", "dotted name"):
            assert re.match(rf"(def|class) {last}\b", answer)
    assert {question.text for question in questions if question.kind == "docstring"} == {
        "Reads what stands at the very beginning of it",
        "Give the one value that was there at first.",
    }
    assert "." in by_kind["dotted name"].text


def test_the_library_gives_every_kind() -> None:
    kinds = Counter(question.kind for question in standard_library(20).questions)
    assert len(kinds) == 5
    assert min(kinds.values()) >= 5


def test_passages_count_by_what_they_share_with_the_answer() -> None:
    places = {0: Place("a", 0, 100), 1: Place("a", 100, 200), 2: Place("b", 100, 200)}
    ranking = [(2, 3.0), (0, 2.0), (1, 1.0)]

    def scores(*questions: Question) -> dict[str, float]:
        count = len(questions)
        asked = Asked(questions, places, [ranking] * count, [[]] * count)
        return asked.scores(lambda vector, text: [row for row, _ in vector])

    assert scores(Question("q", "place", {"a": 1.0}, (40, 90)))["place"] == 1 / 2
    assert scores(Question("q", "place", {"a": 1.0}, (90, 190)))["place"] == 1 / 3
    assert scores(Question("q", "title", {"a": 1.0}))["title"] == 1 / 2
    judged = scores(Question("q", "judged", {"a": 1.0}), Question("q", "judged", {"b": 1.0}))
    assert judged["judged"] == pytest.approx((0.6309 + 1) / 2, abs=1e-4)


def test_fusions_by_hand() -> None:
    vector, text = [(1, 0.9), (2, 0.5), (3, 0.1)], [(3, 8.0), (4, 4.0)]
    assert by_ranks(vector, text, k=1) == [3, 1, 2, 4]
    assert by_ranks(vector, text, k=1, weight=9) == [3, 4, 1, 2]
    assert by_scores(vector, text, to_unit, 0.4) == [1, 3, 2, 4]
    assert by_scores(vector, [], to_unit, 0.4) == [1, 2, 3]


def test_plain_windows_lose_no_character(tmp_path: Path) -> None:
    text = "word " * 1_000
    asked = QuestionSet("some", {"a.txt": text}, [Question("word", "title", {"a.txt": 1.0})])
    settings = settings_for(tmp_path / "home")
    settings.home.mkdir()
    found = ask_plain(asked, settings, tmp_path / "windows")
    ends = [(place.start, place.end) for place in found.places.values()]
    assert ends == [(0, 1200), (1000, 2200), (2000, 3200), (3000, 4200), (4000, 5000)]
    assert found.scores(by_ranks_60) == {"title": 1.0}


def by_ranks_60(vector: list[tuple[int, float]], text: list[tuple[int, float]]) -> list[int]:
    return by_ranks(vector, text, 60)


def test_retrieval_in_tiny(tmp_path: Path) -> None:
    sizes = {"peps": 1, "modules": 2, "packages": 2}
    result = retrieval.run(Options(tmp_path, rounds=3, quick=True, sizes=sizes))
    labels = [line.label for line in result.lines]
    assert any(label.startswith("standard library: identifier (") for label in labels)
    assert {"all sets: ours", "all sets: RRF, k = 60"} <= set(labels)
    assert all(0 <= line.value.median <= 1 for line in result.lines)
