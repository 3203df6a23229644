"""Pictures of the Dagster UI for the documentation: our own docs, with the real model.

python -m tools.ui_screenshots        writes docs/img/ui-graph.png, ui-partition.png, ui-corpus.png
                                      and ui-check.png
"""

import os
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from beast_assets.core.ids import bucket_keys
from beast_assets.core.settings import load_settings
from beast_assets.defs.build import build_defs
from beast_assets.defs.launch import home_instance, index_in_process
from beast_assets.defs.names import CHECK_DATA, CHECK_HEALTH
from beast_assets_tests.browsers import browser
from beast_assets_tests.dagster_ui import (
    dagster_dev,
    opened,
    show_markdown,
)
from beast_assets_tests.homes import add_root
from tools.pictures import MODEL, asked_for, copied, keep


def main() -> None:
    """Index, start the UI, look."""
    options = asked_for(__doc__)
    with tempfile.TemporaryDirectory() as scratch, copied(options.folder):
        home = Path(scratch) / "home"
        os.environ |= {"BEAST_MODEL": MODEL, "BEAST_HOME": str(home), "BEAST_UI_PREVIEWS": "on"}
        settings = load_settings({"home": home, "model": MODEL})
        add_root(settings, options.folder)
        launched = index_in_process(settings, bucket_keys(settings.buckets), rebuild=True)
        if launched.error is not None:
            raise SystemExit(launched.error)
        with dagster_dev(home, MODEL) as url, browser() as chromium:
            page = chromium.new_page(viewport={"width": 1400, "height": 760})
            page.wait_for_timeout(45_000)  # until the sensor has ticked
            with home_instance(settings) as instance:
                for job in (CHECK_DATA, CHECK_HEALTH):
                    build_defs().resolve_job_def(job).execute_in_process(instance=instance)
            take(page, url, options.output)


def take(page: Page, url: str, output: Path) -> None:
    """All pictures."""
    opened(page, f"{url}/assets/chunks?view=checks", "Succeeded")
    page.get_by_text("coverage").first.click()
    page.wait_for_timeout(2_000)
    keep(page.screenshot(), output / "ui-check.png")
    opened(page, f"{url}/assets/chunks?view=partitions&partition=1", "chunks_written")
    keep(page.screenshot(), output / "ui-partition.png")
    opened(page, f"{url}/assets/embeddings?view=events", "index_version")
    show_markdown(page)
    keep(page.screenshot(), output / "ui-corpus.png")
    page.set_viewport_size({"width": 1700, "height": 620})
    opened(page, f"{url}/asset-groups", "embeddings")
    page.get_by_text("Hide navigation").click()
    for _ in range(2):
        page.locator("[aria-label=zoom_in]").first.click()
        page.wait_for_timeout(1_000)
    page.mouse.move(1_000, 520)  # to the right, so that the first asset is seen whole
    page.mouse.down()
    page.mouse.move(1_060, 520, steps=5)
    page.mouse.up()
    page.wait_for_timeout(1_000)
    keep(page.screenshot(), output / "ui-graph.png")


if __name__ == "__main__":
    main()
