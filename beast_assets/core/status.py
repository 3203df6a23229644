"""What the index holds, for people who ask."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from beast_assets.core.ann import plan_of
from beast_assets.core.embedding import planned_backend
from beast_assets.core.forgotten import excluded_paths
from beast_assets.core.home import dagster_home
from beast_assets.core.ledger import Ledger
from beast_assets.core.settings import Settings
from beast_assets.core.settings_cache import cache_info
from beast_assets.core.watch_state import watch_word
from beast_assets.core.words import moment, show_path


def index_status(settings: Settings) -> dict[str, Any]:
    """Counts, model, home and roots of the published index.

    Raises:
        NoIndexError: there is no home here.
    """
    # Here, for that asks the index, and an open index tells its status.
    from beast_assets.core.golden.summary import golden_status

    ledger = Ledger.open_existing(settings.ledger_url)
    totals = ledger.totals()
    published = ledger.published()
    recipe = ledger.recipe() or {}
    updated = ledger.meta("published_ns")
    held_back = json.loads(ledger.meta("held_back") or "[]")
    golden = golden_status(settings, ledger)
    if golden["held_back"]:
        held_back.append({"reason": golden["held_back"]})
    plan = plan_of(ledger, published)
    return {
        "files": totals["files"],
        "chunks": totals["chunks"],
        "embeddings": totals["chunks"],
        "skipped": totals["skipped"],
        "quarantined": totals["quarantined"],
        "buckets": ledger.buckets(),
        "model": ledger.meta("model") or settings.model,
        "backend": planned_backend(settings.model, settings.backend),
        "recipe": recipe,
        "home": str(settings.home),
        "roots": [show_path(root.path) for root in ledger.roots()],
        "vector_search": plan.describe() if plan else {"kind": "exact"},
        "version": published.version if published else None,
        "forgotten": [show_path(path) for path in sorted(excluded_paths(ledger))],
        "held_back": held_back,
        "golden": golden,
        "watch": watch_word(settings),
        "updated": str(moment(int(updated))) if updated else None,
    }


def resolved_settings(settings: Settings) -> dict[str, Any]:
    """Every setting as plain data; ``env`` holds all variables of the two files, resolved."""
    values = {item.name: _plain(getattr(settings, item.name)) for item in fields(settings)}
    values["dagster_home"] = str(dagster_home(settings))
    values["cache"] = cache_info()._asdict()
    values["env"] = dict(settings.env)
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [show_path(item) if isinstance(item, bytes) else item for item in value]
    return value if isinstance(value, (int, float, str)) else None
