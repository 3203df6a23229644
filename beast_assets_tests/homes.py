"""Looking into a home from outside: what a test may know of an index without the code under it."""

from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg
import lancedb
import numpy as np

from beast_assets.core.ledger import Ledger
from beast_assets.core.pipeline import run_index
from beast_assets.core.report import Report
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings

EVERYTHING = Request()


def temporary_instance(folder: Path) -> dg.DagsterInstance:
    """A real Dagster instance in a folder, which reports to nobody."""
    return dg.DagsterInstance.local_temp(str(folder), overrides={"telemetry": {"enabled": False}})


def index(settings: Settings, request: Request = EVERYTHING, run_id: str = "test") -> Report:
    """A run of the engine, without Dagster."""
    return run_index(settings, request, run_id=run_id)


def add_root(settings: Settings, *folders: Any) -> None:
    """Register folders in a home that may not exist yet."""
    from beast_assets.core.home import prepare_home
    from beast_assets.core.roots import register_roots

    prepare_home(settings)
    register_roots(Ledger.open(settings.ledger_url), map(bytes, folders), settings.home)


def published_rows(settings: Settings) -> list[dict[str, Any]]:
    """Every row that readers see, with all columns."""
    published = Ledger.open_existing(settings.ledger_url).published()
    assert published is not None
    table = lancedb.connect(settings.index_uri).open_table(published.table)
    table.checkout(published.version)
    rows: list[dict[str, Any]] = table.to_arrow().to_pylist()
    return rows


def comparable(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """Rows without what depends on the history of the table; vectors rounded to float16."""
    return Counter(
        tuple(
            tuple(np.asarray(value, dtype=np.float16).tolist()) if name == "vector" else value
            for name, value in sorted(row.items())
            if name != "base_version"
        )
        for row in rows
    )


def open_to_others(settings: Settings) -> list[str]:
    """What of a home other users might read, with its mode."""
    met = [settings.home, *settings.home.rglob("*")]
    modes = [(path, path.lstat().st_mode & 0o777) for path in met if not path.is_symlink()]
    return [f"{path} {mode:o}" for path, mode in modes if mode & 0o077]


def paths(settings: Settings) -> set[bytes]:
    """The files that have rows."""
    return {row["path"] for row in published_rows(settings)}


def clean_build(settings: Settings, home: Any) -> Counter[tuple[Any, ...]]:
    """The rows of a new index over the same roots, in another home."""
    from dataclasses import replace

    fresh = replace(
        settings,
        home=home,
        ledger_url=f"sqlite:///{home}/ledger.sqlite",
        index_uri=f"{home}/index",
    )
    roots = Ledger.open_existing(settings.ledger_url).roots()
    add_root(fresh, *[root.path for root in roots])
    index(fresh)
    return comparable(published_rows(fresh))
