"""A real Dagster UI over a home, with its daemon, and a real browser in front of it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import psutil
from playwright.sync_api import Page

_PATIENCE_S = 240.0
_ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds; of what it is that is waited for, a failure tells."""
    until = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.5)


@contextmanager
def dagster_dev(home: Path, model: str = "hashing") -> Iterator[str]:
    """``beast dev`` over a home; gives its address, and sees that nothing of it is left."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"BEAST_HOME": str(home), "BEAST_MODEL": model}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    command = [sys.executable, "-m", "beast_assets.cli", "dev", "--port", str(port)]
    log = (home.parent / "dev.log").open("wb")
    with log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
        family: list[psutil.Process] = []
        try:
            wait_for(lambda: process.poll() is not None or _listens(port), "the webserver")
            yield f"http://127.0.0.1:{port}"
            family = psutil.Process(process.pid).children(recursive=True)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []
        assert not _listens(port)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def opened(page: Page, url: str, words: str) -> Page:
    """Go to a page and wait for these words on it; Dagster's invitation is declined."""
    page.set_default_timeout(_PATIENCE_S * 1_000)
    page.goto(url)
    page.get_by_text(words).first.wait_for()
    page.wait_for_timeout(3_000)
    if page.get_by_text("Skip", exact=True).count():
        page.get_by_text("Skip", exact=True).click()
        page.wait_for_timeout(500)
    return page


def materialize_all(page: Page, url: str) -> None:
    """Launch a backfill of all partitions of all assets, as a person does."""
    opened(page, f"{url}/asset-groups", "embeddings")
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_role("button", name="Launch backfill").click()


def ended_runs(instance: dg.DagsterInstance, count: int) -> list[dg.DagsterRun]:
    """All runs, once there are so many and each has ended."""
    found: list[dg.DagsterRun] = []

    def done() -> bool:
        found[:] = instance.get_runs()
        return len(found) >= count and all(run.status in _ENDED for run in found)

    wait_for(done, f"{count} runs to end")
    return found


def execute_checks(page: Page, url: str, asset: str) -> None:
    """Ask all checks of an asset."""
    opened(page, f"{url}/assets/{asset}?view=checks", "Execute all")
    page.get_by_role("button", name="Execute all").click()
    page.wait_for_timeout(2_000)


def show_markdown(page: Page) -> None:
    """Open the first metadata that is Markdown."""
    page.get_by_text("[Show Markdown]").first.click()
    page.get_by_role("button", name="Close").wait_for()
    page.wait_for_timeout(1_000)
