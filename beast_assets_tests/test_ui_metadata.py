"""What the UI shows of an asset: numbers that can be plotted, and hostile texts as mere texts."""

import base64
import os
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from beast_assets.core.corpus_shape import DAY_NS, age_class, size_class
from beast_assets.core.detail import SLOWEST, Detail
from beast_assets.core.markdown import chunk_preview, fenced, shown_path
from beast_assets.core.picture import Bar, Panel, draw
from beast_assets.core.report import BucketReport, Report, Work
from beast_assets.core.settings import Settings
from beast_assets.definitions import build_defs
from beast_assets.defs.jobs import range_tags
from beast_assets.defs.names import ASSETS
from beast_assets.defs.run_checks import TOKENS_READ, tokens_result
from beast_assets_tests.homes import add_root, paths, temporary_instance

Metadata = dict[str, Any]

HOSTILE = [
    "<script>window.pwned = 1</script>",
    "````\n<img src=x onerror=alert(1)>\n````",
    "[x](javascript:alert(1)) | a | b |",
    "```\r\n# heading\n~~~\n",
    "![x](https://example.org/x.png) <https://example.org>",
    "\u202egnp.exe",
]
NAMES = [
    b"a|b `c` <script>.md",
    b"[x](javascript:alert(1)).md",
    b"new\nline\x1b.md",
    b"\xff\xfe.md",
]


@pytest.fixture(autouse=True)
def previews(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEAST_UI_PREVIEWS", "on")


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    return temporary_instance(tmp_path)


@pytest.fixture
def hostile(settings: Settings, tmp_path: Path) -> Path:
    folder = tmp_path / "hostile"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        text = "\n\n".join([f"topic{number}", *HOSTILE])
        Path(os.fsdecode(bytes(folder) + b"/" + name)).write_text(text)
    add_root(settings, folder)
    return folder


def run(instance: dg.DagsterInstance, job: str = "index_all") -> dg.ExecuteInProcessResult:
    defs = build_defs().resolve_job_def(job)
    return defs.execute_in_process(instance=instance, tags=range_tags("0", "f"))


def materializations(result: dg.ExecuteInProcessResult, asset: str) -> list[Metadata]:
    found = [
        event.step_materialization_data.materialization
        for event in result.get_asset_materialization_events()
    ]
    mine = [one for one in found if one.asset_key == dg.AssetKey(asset)]
    return [{name: value.value for name, value in one.metadata.items()} for one in mine]


def observation(result: dg.ExecuteInProcessResult) -> dg.AssetObservation:
    (found,) = [
        event.asset_observation_data.asset_observation
        for event in result.get_asset_observation_events()
    ]
    assert (found.asset_key, found.partition) == (dg.AssetKey("embeddings"), None)
    return found


def texts_of(markdown: str) -> list[str]:
    """What a reader of Markdown makes of it, which must be blocks of code and nothing else."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    assert {token.type for token in tokens} == {"fence"}
    return [token.content for token in tokens]


# -- metadata ------------------------------------------------------------------------------------


def test_each_asset_tells_its_own(
    settings: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    add_root(settings, docs)
    result = run(instance)
    shown = {asset: materializations(result, asset) for asset in ASSETS}
    sums = {
        asset: {name: sum(one.get(name, 0) for one in found) for name in numbers(found)}
        for asset, found in shown.items()
    }
    sizes = sum(path.stat().st_size for path in docs.rglob("*.md"))
    assert (sums["manifest"]["files"], sums["manifest"]["bytes"]) == (40, sizes)
    assert sums["manifest"]["dagster/partition_row_count"] == 40
    assert sums["file_hashes"]["bytes_hashed"] == sizes
    assert 0 < sums["file_hashes"]["hash_seconds"] < 60
    assert sums["chunks"]["chunks"] == sums["chunks"]["chunks_written"] > 40
    assert sums["embeddings"]["embedded"] + sums["embeddings"]["reused"] == sums["chunks"]["chunks"]
    for one in shown["embeddings"]:
        if one["embedded"]:
            assert one["embeddings_per_second"] > 0
            assert one["index_version"] > 0
    for one in shown["chunks"]:
        seconds = (
            [record.data["seconds"] for record in one["slowest"].records]
            if one["chunks_written"]
            else []
        )
        assert seconds == sorted(seconds, reverse=True)
        assert len(seconds) <= SLOWEST
    # Nothing was done: there are no rates and no slow files, but what there is, is still shown.
    again = run(instance)
    for one in materializations(again, "file_hashes"):
        assert "bytes_per_second" not in one or one["bytes_hashed"]
        assert "newest" in one or not one["dagster/partition_row_count"]
    for one in materializations(again, "chunks"):
        assert {"slowest", "preview", "chunks_per_second"}.isdisjoint(one)


def numbers(found: list[Metadata]) -> set[str]:
    """Names that are there in all and are numbers, each of one type."""
    for name in set().union(*found):
        kinds = {type(one[name]) for one in found if name in one}
        assert len(kinds) == 1, name
    return {name for name, value in found[0].items() if isinstance(value, int | float)}


def test_tables_are_small_and_show_paths_escaped(
    settings: Settings, hostile: Path, instance: dg.DagsterInstance
) -> None:
    result = run(instance)
    for asset in ("manifest", "file_hashes"):
        found = [one["newest"] for one in materializations(result, asset) if "newest" in one]
        assert all(len(table.records) <= 10 for table in found)
        paths = {record.data["path"] for table in found for record in table.records}
        assert paths == {
            "a|b `c` <script>.md",
            "[x](javascript:alert(1)).md",
            "new\\nline\\x1b.md",
            "\\xff\\xfe.md",
        }


def test_chunks_are_shown_and_not_obeyed(
    settings: Settings, hostile: Path, instance: dg.DagsterInstance
) -> None:
    found = materializations(run(instance), "chunks")
    previews = [one["preview"] for one in found if "preview" in one]
    shown = [text for preview in previews for text in texts_of(preview)]
    assert len(shown) == len(NAMES)
    assert all("<script>window.pwned = 1</script>" in text for text in shown)
    assert any("── new\\nline\\x1b.md, lines 1 to" in text for text in shown)


@given(
    st.lists(st.text(alphabet=st.sampled_from("`~<>|[]()#*\n\r\t \x00a"), max_size=60), max_size=3)
)
def test_no_text_leaves_its_fence(texts: list[str]) -> None:
    chunks = [(b"a`b\n.md", 1, 2, text) for text in texts]
    markdown = chunk_preview(chunks)
    assert len(texts_of(markdown) if texts else []) == len(texts)
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", markdown)


@given(st.sampled_from(HOSTILE), st.integers(0, 1_000))
def test_a_long_text_is_cut(text: str, times: int) -> None:
    assert len(fenced(text * times)) < 6_000


def test_paths_are_one_visible_line() -> None:
    assert shown_path(b"a\nb\xff\x1b") == "a\\nb\\xff\\x1b"
    assert shown_path("\u202egnp".encode()) == "\\u202egnp"


# -- the corpus ----------------------------------------------------------------------------------


def test_the_corpus_is_told_once_a_run(
    settings: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    add_root(settings, docs)
    first = observation(run(instance))
    (docs / "new.md").write_text("A quokka.\n")
    second = observation(run(instance, "index_changed"))
    assert first.metadata["files"].value == 40
    assert second.metadata["files"].value == 41
    assert second.metadata["chunks"].value == second.metadata["dagster/row_count"].value
    assert second.metadata["recipe"].value["model"]  # type: ignore[index, call-overload]
    words = picture_words(second)
    assert {"Files by size", "embedded", "reused", "last", "-1"} <= set(words)
    assert run(instance, "index_changed").get_asset_observation_events() == []


def picture_words(found: dg.AssetObservation) -> list[str]:
    markdown = str(found.metadata["corpus"].value)
    match = re.fullmatch(
        r"!\[The corpus\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", markdown
    )
    assert match
    tree = ElementTree.fromstring(base64.b64decode(match[1]))
    return [str(text.text) for text in tree.iter("{http://www.w3.org/2000/svg}text")]


def test_pictures_are_well_formed_whatever_they_show() -> None:
    odd = Panel("a < b & c", [Bar("<", (1.0, 2.0)), Bar("", (0.0, 0.0))], ("x", "<y>"))
    for panels in ([], [Panel("none", [])], [odd, Panel("zero", [Bar("a", (0.0,))])]):
        ElementTree.fromstring(draw(panels))


def test_classes() -> None:
    assert [size_class(size) for size in (0, 1023, 1024, 4095, 4096, 16_384)] == [0, 0, 1, 1, 2, 3]
    assert [age_class(days * DAY_NS) for days in (-1, 0, 1, 8, 40, 400)] == [
        "day", "day", "week", "month", "year", "older",
    ]  # fmt: skip


def test_only_the_slowest_files_are_kept() -> None:
    detail = Detail()
    for number in range(20):
        detail.read(b"%d" % number, number, float(number % 7), 0.5)
    kept = sorted((slow.seconds for slow in detail.slowest), reverse=True)
    assert kept == [6.5, 6.5, 5.5, 5.5, 5.5]


# -- the check in the step -----------------------------------------------------------------------


def test_tokens_that_were_not_read_fail_the_check_and_name_buckets() -> None:
    good, bad = BucketReport("1", Work(embedded=3)), BucketReport("c", Work(embedded=1))
    assert tokens_result(Report([good, bad])).passed
    bad.work.tokens_truncated = 7
    result = tokens_result(Report([good, bad]))
    assert not result.passed
    assert result.metadata["failing_buckets"].value == ["c"]
    assert "7 tokens" in (result.description or "")


def test_each_run_that_embeds_is_checked(
    settings: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    add_root(settings, docs)
    evaluated = [one.check_name for one in run(instance).get_asset_check_evaluations()]
    assert evaluated == ["tokens_read"]
    assert run(instance, "index_changed").get_asset_check_evaluations() == []
    # Asked for alone, it goes by the last run, and nothing is indexed.
    (docs / "new.md").write_text("A quokka.\n")
    job = build_defs().resolve_implicit_global_asset_job_def()
    alone = job.get_subset(asset_selection=set(), asset_check_selection={TOKENS_READ.key})
    result = alone.execute_in_process(instance=instance)
    assert [one.passed for one in result.get_asset_check_evaluations()] == [True]
    assert result.get_asset_materialization_events() == []
    assert len(paths(settings)) == 40
