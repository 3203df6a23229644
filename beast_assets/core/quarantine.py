"""The files without text: which, why, and having them tried again."""

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from beast_assets.core import ids
from beast_assets.core import ledger_rows as ledgers
from beast_assets.core.errors import UsageError
from beast_assets.core.home import lock_path
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import FileRow
from beast_assets.core.lock import writer_lock
from beast_assets.core.places import place
from beast_assets.core.settings import Settings
from beast_assets.core.words import moment, one_line, show_path


def quarantine_list(settings: Settings, *, skipped: bool = False) -> dict[str, Any]:
    """The quarantined files, and with ``skipped`` those that simply have no text.

    Returns:
        ``quarantined``: a list of ``path``, ``reason``, ``since`` (when the bytes that are wrong
        were read; None where none could be) and ``retry`` (the next run tries it again);
        ``skipped``: reason → paths.

    Raises:
        NoIndexError: there is no home here.
    """
    ledger = Ledger.open_existing(settings.ledger_url)
    roots = {root.root_id: root.path for root in ledger.roots()}
    rows = ledger.explained()
    quarantined = [_entry(row, roots) for row in rows if row.status == ledgers.QUARANTINED]
    found: dict[str, Any] = {"quarantined": quarantined}
    if skipped:
        grouped: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            if row.status == ledgers.SKIPPED:
                grouped[row.reason or ""].append(_shown(row, roots))
        found["skipped"] = dict(sorted(grouped.items()))
    return found


def quarantine_lines(found: dict[str, Any]) -> list[str]:
    """The same in words."""
    lines = []
    for entry in found["quarantined"]:
        since = f" (since {entry['since']})" if entry["since"] else ""
        again = "; will be tried again" if entry["retry"] else ""
        lines.append(f"{one_line(entry['path'])}: {entry['reason']}{since}{again}")
    for reason, paths in found.get("skipped", {}).items():
        lines.append(f"skipped, {reason}: {len(paths)}")
        lines += [f"  {one_line(path)}" for path in paths]
    return lines or ["nothing is quarantined"]


def retry(settings: Settings, paths: Sequence[bytes]) -> list[str]:
    """Have the next run read quarantined files again.

    Args:
        settings: of the home.
        paths: of quarantined files; all of them if there are none.

    Returns:
        The files that were marked, as text.

    Raises:
        UsageError: a path is not quarantined.
        LockedError: a run is under way.
    """
    ledger = Ledger.open_existing(settings.ledger_url)
    roots = {root.root_id: root.path for root in ledger.roots()}
    with writer_lock(lock_path(settings)):
        rows = [row for row in ledger.explained() if row.status == ledgers.QUARANTINED]
        if paths:
            named = {_name(ledger, path) for path in paths}
            rows = [row for row in rows if row.file_id in named]
        # They have no rows in the index, so none is left behind.
        ledger.distrust([row.file_id for row in rows])
    return [_shown(row, roots) for row in rows]


def _name(ledger: Ledger, path: bytes) -> str:
    at = place(path, ledger.roots())
    name = "" if at.root is None else ids.file_id(at.root.root_id, at.below)
    record = ledger.file(name)
    if record is None or record.status != ledgers.QUARANTINED:
        raise UsageError(
            f"{show_path(path)} is not quarantined: see `beast quarantine list`, or "
            "`beast explain` for why it is not in the index"
        )
    return name


def _entry(row: FileRow, roots: dict[str, bytes]) -> dict[str, Any]:
    read = row.content is not None and not row.content.startswith("!")
    return {
        "path": _shown(row, roots),
        "reason": row.reason,
        "since": str(moment(row.hashed_ns)) if read else None,
        "retry": row.indexed is None,
    }


def _shown(row: FileRow, roots: dict[str, bytes]) -> str:
    return show_path(os.path.join(roots.get(row.root_id, b""), row.path))  # noqa: PTH118 bytes
