"""What the next ``beast index`` would do, found out without doing any of it."""

import os
from collections.abc import Collection, Iterable, Iterator

from beast_assets.core.errors import RecipeMismatchError
from beast_assets.core.fingerprint import index_fingerprint, is_untouched
from beast_assets.core.golden.held import ScoreDroppedError, check_unheld, plan_digest
from beast_assets.core.observe import Observation
from beast_assets.core.planned import NOTED, TO_HASH, Planned, Preview
from beast_assets.core.planning import ADDED, CHANGED, REMOVED, Change, Suspect, changed
from beast_assets.core.reading import too_large
from beast_assets.core.recipe import check_recipe, current_recipe
from beast_assets.core.settings import Settings
from beast_assets.core.text import skip_by_name
from beast_assets.core.unwritten import UnwrittenLedger, look_ahead

_READ = (ADDED, CHANGED, TO_HASH)


def preview(settings: Settings, paths: Iterable[bytes] = ()) -> Preview:
    """Look at disk and ledger, take no lock, read no file and write nothing.

    Args:
        settings: of the home, which need not exist.
        paths: folders to plan for as if they were added.

    Raises:
        UsageError: a folder belongs to the home.
    """
    ledger = UnwrittenLedger.of(settings, paths)
    found = Preview(new_roots=ledger.more, index=_index_state(ledger, settings))
    found.held_back += _refusal(ledger, settings)
    seen = look_ahead(ledger, settings)
    found.held_back += seen.unavailable
    found.held_back += [one.describe() for one in seen.held_back]
    found.scanned = seen.scanned
    found.held_back += _held_before(ledger, settings, seen)
    roots = {root.root_id: root.path for root in seen.roots}
    for kind, reason, change in _sorted_out(seen, ledger, settings):
        path = os.path.join(roots.get(change.root_id, b""), change.path)  # noqa: PTH118 bytes
        found.files[kind].append(Planned(path, change.stat.size, reason))
        if kind in _READ and _may_hold_text(change, settings):
            found.text_bytes += change.stat.size
    for planned in found.files.values():
        planned.sort()
    return found


def _index_state(ledger: UnwrittenLedger, settings: Settings) -> str:
    if ledger.published() is None and not ledger.is_lost():
        return "none yet"
    if ledger.is_lost() or index_fingerprint(settings.index_uri) == "absent":
        ledger.lost = True
        return "lost: all of it will be written again, from cached vectors where there are any"
    if is_untouched(settings.index_uri, ledger.meta("fingerprint")):
        return "as it was left"
    return "to be compared with the ledger first: files whose rows differ will be written again"


def _refusal(ledger: UnwrittenLedger, settings: Settings) -> list[str]:
    try:
        check_recipe(ledger.recipe(), current_recipe(settings))
    except RecipeMismatchError as error:
        return [str(error)]
    return []


def _held_before(ledger: UnwrittenLedger, settings: Settings, seen: Observation) -> list[str]:
    def digest() -> str:
        return plan_digest(settings, ledger, current_recipe(settings), seen.changes, rebuild=False)

    try:
        check_unheld(settings.home, ledger, digest)
    except ScoreDroppedError as error:
        return [str(error)]
    return []


def _sorted_out(
    seen: Observation, ledger: UnwrittenLedger, settings: Settings
) -> Iterator[tuple[str, str, Change]]:
    """Each file that the run would take up once: the kind, why, and the change."""
    roots = {root.root_id for root in seen.roots}
    gone = {change.file_id for change in seen.changes if change.kind == REMOVED}
    done = set()
    # What was skipped under another limit for texts is looked at again, whatever its times.
    for row in ledger.outdated("larger than %", but=too_large(settings)):
        if row.file_id not in gone:
            done.add(row.file_id)
            change = Change(ADDED, row.file_id, row.root_id, row.path, row.stat, row=row)
            yield ADDED, "skipped under another limit", change
    for suspect in seen.unhashed:
        if suspect.row.file_id not in done:
            done.add(suspect.row.file_id)
            yield TO_HASH, _doubt(suspect), changed(suspect)
    for change in seen.changes:
        if change.file_id not in done:
            yield _kind(change), _reason(change, roots), change


def _doubt(suspect: Suspect) -> str:
    if suspect.entry.stat != suspect.row.stat:
        return "times differ"
    return "written shortly before it was hashed"


def _kind(change: Change) -> str:
    """As a run's report counts it: files, and not the links and sockets among the entries."""
    was_file = change.row is not None and change.row.regular and change.row.indexed is not None
    if change.kind == REMOVED:
        return REMOVED if change.row is not None and change.row.regular else NOTED
    if change.problem is None:
        return change.kind
    return REMOVED if was_file else NOTED


def _reason(change: Change, roots: Collection[str]) -> str:
    row = change.row
    if change.kind == REMOVED:
        return "gone" if change.root_id in roots else "its root was removed"
    if change.problem is not None:
        return change.problem
    if row is None:
        return "new"
    if row.indexed is None:
        return "not in the index yet"
    return "size differs" if row.size != change.stat.size else "content differs"


def _may_hold_text(change: Change, settings: Settings) -> bool:
    return skip_by_name(change.path) is None and change.stat.size <= settings.max_text_bytes
