"""The benchmarks' own arithmetic, and that they run; nothing here asks how long anything took."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_assets.bench import run_benchmarks
from beast_assets.core.errors import UsageError
from beast_assets_tests.conftest import Beast
from beast_assets_tests.corpora import corpus as corpus_file
from benchmarks import config, corpus, edits, freshness, hash, memory, registry, serve
from benchmarks.coverage import coverage
from benchmarks.harness import (
    Line,
    Missing,
    Options,
    Paired,
    Result,
    Spread,
    at_least,
    at_most,
    output_of,
    paired_values,
)
from benchmarks.machine import describe_machine
from benchmarks.record import PAGE, record

TOP = Path(__file__).resolve().parents[1]


def quick(folder: Path, **sizes: int) -> Options:
    return Options(folder, rounds=3, quick=True, sizes=sizes)


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=9))
def test_a_spread_holds_its_median(values: list[float]) -> None:
    spread = Spread.of(values)
    assert spread.low <= spread.median <= spread.high
    assert (spread.low, spread.high, spread.rounds) == (min(values), max(values), len(values))


def test_ratios_are_taken_within_a_round() -> None:
    # The machine was ten times slower in the second round: the ratio does not notice.
    took = Paired({"ours": [1.0, 10.0, 1.0], "theirs": [2.0, 20.0, 2.0]})
    assert took.ratio("theirs", "ours") == Spread(2.0, 2.0, 2.0, 3)


def test_works_take_turns() -> None:
    done: list[str] = []

    def work(name: str) -> float:
        done.append(name)
        return 1.0

    paired_values({"a": lambda: work("a"), "b": lambda: work("b")}, 3)
    assert done == ["a", "b", "a", "b", "b", "a", "a", "b"]


def test_two_rounds_are_too_few() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        paired_values({"a": lambda: 1.0}, 2)


@pytest.mark.parametrize(
    ("reach", "met"), [(at_least(2), True), (at_least(2.1), False), (at_most(1.9), False)]
)
def test_a_line_knows_whether_it_reaches(reach: object, met: bool) -> None:
    line = Line("x", Spread.of([1.0, 2.0, 9.0]), "×", reach=reach)  # type: ignore[arg-type]
    assert line.met is met
    assert line.to_dict()["met"] is met


def test_results_are_plain_data() -> None:
    lines = [Line("x", Spread.of([1.0]), "s", parts={"y": Spread.of([2.0])})]
    result = Result("n", "t", lines, [Missing("z", "why")], {"size": 3})
    assert json.loads(json.dumps(result.to_dict())) == result.to_dict()


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match="no such thing"):
        output_of([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_memory_is_that_of_the_child() -> None:
    ballast = bytearray(64 * 2**20)  # in this process, and of no concern to the others
    bare = memory.python_peak("pass")
    large = memory.python_peak("x = b'x' * (32 * 2**20)")
    assert bare < len(ballast)
    assert 30 * 2**20 < large - bare < 40 * 2**20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_cost_of_a_process() -> None:
    program = "import time; x = b'x' * (100 * 2**20); time.sleep(0.3); print('done')"
    cost = memory.cost_of([sys.executable, "-c", program])
    assert cost.output == "done\n"
    assert cost.seconds > 0.3 > cost.cpu_seconds
    assert cost.peak_bytes is not None
    assert 100 * 2**20 < cost.peak_bytes < 200 * 2**20
    with pytest.raises(RuntimeError, match="ended with 3"):
        memory.cost_of([sys.executable, "-c", "raise SystemExit(3)"])


@pytest.mark.parametrize("name", registry.available())
def test_every_benchmark_there_is_can_be_loaded(name: str) -> None:
    assert callable(registry.load(name).run)


def test_a_benchmark_that_is_not_there() -> None:
    with pytest.raises(LookupError, match="one of hash"):
        registry.load("nonsense")


def test_every_module_with_a_run_is_registered() -> None:
    modules = (TOP / "benchmarks").glob("*.py")
    found = {path.stem for path in modules if "\ndef run(options: Options)" in path.read_text()}
    assert found == set(registry.available())


def test_hash_in_tiny(tmp_path: Path) -> None:
    result = hash.run(quick(tmp_path, mib=1, files=5))
    assert len(result.lines) == 5 or result.missing
    assert all(line.value.low > 0 for line in result.lines if line.unit == "×")


def test_edits_in_tiny(tmp_path: Path) -> None:
    corpus_file("peps_edits.jsonl.gz")
    result = edits.run(quick(tmp_path, edits=4))
    ratios = {line.label: line.value.median for line in result.lines}
    assert len(ratios) == 4
    assert all(0 < ratio < 1 for ratio in ratios.values())


def test_config_in_tiny(tmp_path: Path) -> None:
    before = dict(os.environ)
    result = config.run(quick(tmp_path, reads=200))
    (rate,) = [line.value for line in result.lines if line.unit == "%"]
    assert rate.low > 95
    assert dict(os.environ) == before


@pytest.mark.proof
def test_serve_in_tiny(tmp_path: Path) -> None:
    result = serve.run(quick(tmp_path, files=30, real_files=5))
    computed = [line.value.high for line in result.lines if line.unit == "times"]
    assert computed == [1, 1]


def test_the_mix_goes_by_its_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEAST_CORPORA", str(corpus_file("peps.tar.gz").parent))
    digest = corpus.make_mix(tmp_path / "mix", 10)
    found = [path for path in (tmp_path / "mix").rglob("*") if path.is_file()]
    assert sorted(path.suffix for path in found) == [".py"] * 5 + [".rst"] * 5
    assert all(800 <= path.stat().st_size <= 30_000 for path in found)
    assert corpus.make_mix(tmp_path / "again", 10) == digest != corpus.make_mix(tmp_path / "x", 8)


def test_coverage_counts_what_the_model_reads(tmp_path: Path) -> None:
    text = "word " * 400
    (tmp_path / "a.rst").write_text(text)
    whole = coverage(tmp_path, [("a.rst", text)])
    assert (whole.characters, whole.covered, whole.tokens) == (1600, 254 * 4, 254)
    halves = [("a.rst", text[:1000]), ("a.rst", text[1000:].strip())]
    assert coverage(tmp_path, halves).percent == 100
    assert coverage(tmp_path, []).percent == 0


def test_bench_as_a_command(beast: Beast) -> None:
    done = beast("bench", "config", "--quick", "--rounds", "3", "--json").json
    assert [result["name"] for result in done["results"]] == ["config"]
    assert done["machine"]["cores"] >= 1


def test_bench_of_an_unknown_name(beast: Beast) -> None:
    assert "nonsense" in beast("bench", "nonsense", code=2).err


def test_bench_without_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="come with the checkout"):
        run_benchmarks(["hash"], tmp_path)


def test_a_benchmark_without_its_module_says_so(beast: Beast) -> None:
    for name in set(registry.NAMES) - set(registry.available()):
        assert "no module" in beast("bench", name, code=1).out.decode()


def test_figures_go_to_their_place(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    other = "b\n<!-- figures: m -->\n<!-- end -->\n"
    page.write_text(f"a\n<!-- figures: n -->\nold\n<!-- end -->\n{other}")
    line = Line("x", Spread.of([1.0, 2.0, 3.0]), "×", "y", at_least(3), {"p": Spread.of([7.0])})
    result = Result("n", "t", [line], [Missing("z", "no z")])
    for _ in range(2):  # a second time makes no second table
        record(result.to_dict(), describe_machine(), page)
    text = page.read_text()
    assert "old" not in text
    assert text.count("| x | 2 (1–3)× | y | at least 3: **not reached** |") == 1
    assert "not measured: no z" in text
    assert text.startswith("a\n")
    assert text.endswith(other)
    with pytest.raises(LookupError, match="no place for k"):
        record(Result("k", "t", [line]).to_dict(), describe_machine(), page)


def test_the_docs_have_a_place_for_every_benchmark() -> None:
    assert set(re.findall(r"<!-- figures: (\w+) -->", PAGE.read_text())) == set(registry.NAMES)


def test_plots_are_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    program = (
        "import sys; from pathlib import Path\n"
        "from benchmarks.harness import *\n"
        "from benchmarks.machine import describe_machine\n"
        "from benchmarks.plots import draw\n"
        "lines = [Line('x', Spread.of([1.0, 2.0, 3.0]), '×', 'y', at_least(1))]\n"
        "print(draw(Result('n', 't', lines).to_dict(), describe_machine(), Path(sys.argv[1])))"
    )
    said = output_of([sys.executable, "-c", program, tmp_path], cwd=TOP)
    assert Path(said.strip()).read_bytes().startswith(b"\x89PNG")


def test_performance_test_prints_its_table() -> None:
    command = [sys.executable, str(TOP / "tools" / "performance_test.py"), "--quick", "--rounds=3"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [re.split(r"  +", line) for line in done.stdout.splitlines()]
    ours = {row[0]: float(row[-1]) for row in rows if row[1:2] == ["ours"]}
    assert ours.keys() == {"1", "2"}
    assert all(5 < peak < 100 for peak in ours.values())


def test_freshness_in_tiny(tmp_path: Path) -> None:
    corpus_file("peps.tar.gz")
    result = freshness.run(quick(tmp_path))
    found = {line.label: line.value.median for line in result.lines}
    assert found["save to found, `beast watch`"] > 0
    assert "sensor" in result.missing[0].label
