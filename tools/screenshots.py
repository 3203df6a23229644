"""Pictures of the search page for the documentation: an index of our own docs, with the real model.

python -m tools.screenshots        writes docs/img/search-light.png, -dark.png and -phone.png
"""

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from beast_assets.core.pipeline import run_index
from beast_assets.core.session import Request
from beast_assets.core.settings import load_settings
from beast_assets_tests.browsers import browser, server
from beast_assets_tests.homes import add_root
from tools.pictures import MODEL, asked_for, copied, keep

QUESTION = "when is deleted text really gone"


def main() -> None:
    """Index, serve, look."""
    options = asked_for(__doc__)
    with tempfile.TemporaryDirectory() as scratch, copied(options.folder):
        settings = load_settings({"home": Path(scratch) / "home", "model": MODEL})
        add_root(settings, options.folder)
        run_index(settings, Request(), run_id="screenshots")
        with server(settings.home, model=MODEL) as url, browser() as chromium:
            for name, take in {"light": light, "dark": dark, "phone": phone}.items():
                keep(take(chromium, url).screenshot(), options.output / f"search-{name}.png")


def light(chromium: Browser, url: str) -> Page:
    """List and open passage."""
    page = asked(chromium, url, QUESTION, viewport={"width": 1440, "height": 800})
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".row.own")
    page.wait_for_timeout(300)
    return page


def dark(chromium: Browser, url: str) -> Page:
    """The list, with what a score is made of."""
    size = {"width": 1000, "height": 760}
    page = asked(chromium, url, "when is a hash trusted", viewport=size, color_scheme="dark")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("s")
    return page


def phone(chromium: Browser, url: str) -> Page:
    """360 pixels wide."""
    touched = {"is_mobile": True, "has_touch": True, "device_scale_factor": 2}
    return asked(chromium, url, QUESTION, viewport={"width": 360, "height": 720}, **touched)


def asked(chromium: Browser, url: str, question: str, **options: Any) -> Page:
    """A page with the answer to a question."""
    page = chromium.new_page(**options)
    page.goto(url)
    for words in ("hash", question):  # the first question waits for the model
        page.locator("#box").fill(words)
        page.locator("mark").get_by_text(words.split()[-1]).first.wait_for()
    page.wait_for_timeout(500)
    return page


if __name__ == "__main__":
    main()
