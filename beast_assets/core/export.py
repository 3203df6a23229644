"""The manifest of a root as a file that ``sha256sum -c`` checks."""

import sys
from pathlib import Path

from beast_assets.core.errors import UsageError
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Root
from beast_assets.core.manifest import write_manifest
from beast_assets.core.roots import find_root
from beast_assets.core.settings import Settings
from beast_assets.core.words import show_path


def export_manifest(settings: Settings, root: bytes | None, target: Path | None) -> tuple[str, int]:
    """Write the published files of a root.

    Args:
        settings: whose index.
        root: which root; needed where there are several.
        target: a file, replaced whole; standard output without one.

    Returns:
        The root as text, and how many files were written.

    Raises:
        NoIndexError: nothing is indexed.
        UsageError: the root is not registered, or not told where there are several.
    """
    ledger = Ledger.open_existing(settings.ledger_url)
    chosen = _choose(ledger, root)
    rows = [
        (row.path, row.indexed)
        for row in ledger.files()
        if row.root_id == chosen.root_id
        and row.indexed is not None
        and not row.indexed.startswith("!")
    ]
    if target is None:
        sys.stdout.flush()
        count = write_manifest(rows, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        partial = target.with_name(target.name + ".partial")
        with partial.open("wb") as out:
            count = write_manifest(rows, out)
        partial.replace(target)
    return show_path(chosen.path), count


def _choose(ledger: Ledger, path: bytes | None) -> Root:
    if path is not None:
        return find_root(ledger, path)
    roots = ledger.roots()
    if len(roots) != 1:
        shown = ", ".join(show_path(root.path) for root in roots) or "none"
        raise UsageError(f"say which root with --root: there are {len(roots)} ({shown})")
    return roots[0]
