"""A real server in a process of its own, and a real browser that watches what its pages do."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

# Runs in every page before anything of its own does.
_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
"""


def chromium() -> str | None:
    """Where the browser is; None if there is none."""
    return os.environ.get("BEAST_CHROMIUM") or shutil.which("chromium")


needs_chromium = pytest.mark.skipif(
    chromium() is None, reason="no chromium: install it or set BEAST_CHROMIUM to its path"
)


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield started
        started.close()


@contextmanager
def server(home: Path, port: int = 0, model: str = "hashing", token: str = "") -> Iterator[str]:
    """``beast serve`` over a home, there or not; gives its address."""
    command = [sys.executable, "-m", "beast_assets.cli", "serve", "--json"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BEAST_")}
    environment = kept | {"BEAST_MODEL": model, "BEAST_SERVE_TOKEN": token}
    environment = {name: value for name, value in environment.items() if value}
    options = ["--home", str(home), "--port", str(port)]
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    with subprocess.Popen([*command, *options], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


@dataclass
class Watched:
    """A page, and what it did that it must not do.

    Attributes:
        page: itself.
        url: of its server.
        wrong: what was seen, in words.
        expected: messages with one of these words in them are no wrong.
    """

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note errors, dialogs and requests to others from now on."""
        self.page.add_init_script(_WATCH)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", lambda request: self._request(request.url))
        self.page.on("dialog", self._dialog)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text} {message.location.get('url')}")

    def _request(self, url: str) -> None:
        if urlsplit(url).scheme != "data" and not url.startswith(self.url):
            self.wrong.append(f"request to {url}")

    def _dialog(self, dialog: Dialog) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def did_nothing_wrong(self) -> None:
        """Look at what was noted, and whether anything of the files' texts was executed."""
        with suppress(BrowserError):  # it may have been left for the browser's own error page
            assert self.page.evaluate("[window.violations, window.pwned]") == [[], None]
        bad = [one for one in self.wrong if not any(word in one for word in self.expected)]
        assert bad == []


@contextmanager
def watched(browser: Browser, url: str, **options: Any) -> Iterator[Watched]:
    """A new page of a new visitor; ``options`` are those of playwright's ``new_context``."""
    with browser.new_context(**options) as context:
        context.set_default_timeout(15_000)
        one = Watched(context.new_page(), url)
        one.watch()
        yield one
        one.did_nothing_wrong()
