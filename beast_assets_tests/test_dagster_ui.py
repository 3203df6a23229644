"""The Dagster UI as a person uses it: the graph, a backfill, metadata, a picture, the checks."""

from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from beast_assets.core.settings import Settings
from beast_assets.defs.launch import home_instance
from beast_assets.defs.names import ASSETS
from beast_assets_tests.browsers import browser, needs_chromium
from beast_assets_tests.dagster_ui import (
    dagster_dev,
    ended_runs,
    execute_checks,
    materialize_all,
    opened,
    show_markdown,
    wait_for,
)
from beast_assets_tests.homes import add_root, paths
from beast_assets_tests.test_pipeline import bucket_of

pytestmark = [pytest.mark.proof, needs_chromium]


def test_a_backfill_from_the_graph_to_the_checks(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    with dagster_dev(settings.home) as url, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1400, "height": 860})
        materialize_all(page, url)
        with home_instance(settings) as instance:
            # The sensor may be first; buckets without files are the backfill's alone.
            for asset in ASSETS:
                wait_for(partial(_is_full, instance, asset), f"all of {asset}")
            assert {run.status.value for run in ended_runs(instance, 1)} == {"SUCCESS"}
        # The sensor brings this in; a bucket in which nothing was written has no preview.
        note = docs / "hostile.md"
        note.write_text("````\n<script>window.pwned = 1</script> [x](javascript:alert(1))\n````\n")
        wait_for(lambda: bytes(note.relative_to(docs)) in paths(settings), "the sensor's run")
        with home_instance(settings) as instance:
            ended_runs(instance, 2)  # its events come after what it publishes
        where = f"{url}/assets/chunks?view=partitions&partition={bucket_of(docs, note)}"
        opened(page, where, "chunks_written")
        show_markdown(page)
        assert page.get_by_text("hostile.md, lines 1 to").count() == 1
        assert page.get_by_text("<script>window.pwned = 1</script>").count() >= 1
        assert page.evaluate("window.pwned") is None
        assert page.locator("a[href^=javascript]").count() == 0

        opened(page, f"{url}/assets/embeddings?view=events", "index_version")
        page.get_by_text("Observed").first.wait_for()
        show_markdown(page)
        picture = page.locator("img[alt='The corpus']")
        assert picture.evaluate("image => image.naturalWidth") > 400

        with home_instance(settings) as instance:
            before = len(instance.get_runs())
            execute_checks(page, url, "chunks")
            runs = ended_runs(instance, before + 1)
            assert {run.status.value for run in runs} == {"SUCCESS"}
        opened(page, f"{url}/assets/chunks?view=checks", "Succeeded")
        assert page.get_by_text("Failed", exact=True).count() == 0


def _is_full(instance: dg.DagsterInstance, asset: str) -> bool:
    return len(instance.get_materialized_partitions(dg.AssetKey(asset))) == 16
