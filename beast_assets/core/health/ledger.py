"""The ledger, and what it says of the files and of the last look at them."""

import json
import time
from typing import Final

import sqlalchemy as sa

from beast_assets.core.database import new_engine
from beast_assets.core.errors import DatabaseDamagedError, NoIndexError
from beast_assets.core.health.records import OK, WARN, Finding
from beast_assets.core.health.subject import Subject
from beast_assets.core.health.words import lasting
from beast_assets.core.ledger import SCANNED, Ledger
from beast_assets.core.words import moment

_MANY: Final = 10
_LARGE_SHARE: Final = 0.1
_OLD_S: Final = 86_400.0


def ledger(subject: Subject) -> Finding:
    """Whether the ledger opens and its database is whole."""
    url = subject.settings.ledger_url
    try:
        found = Ledger.open_existing(url)
        # By a connection of its own: an open one would answer from the pages that it holds.
        Ledger(new_engine(url, poolclass=sa.NullPool)).check(whole=True)
    except NoIndexError as error:
        return Finding(WARN, str(error))
    except DatabaseDamagedError as error:
        if error.place:  # said already
            raise
        raise DatabaseDamagedError(f"{error}: `beast index` puts it aside and goes on") from error
    totals = found.totals()
    return Finding(OK, f"whole: {totals['files']} files, {totals['chunks']} chunks", totals)


def quarantine(subject: Subject) -> Finding:
    """Whether something is wrong with many of the files."""
    totals = subject.ledger().totals()
    bad, files = totals["quarantined"], max(totals["files"], totals["quarantined"])
    share = bad / files if files else 0.0
    figures = {"quarantined": bad, "files": totals["files"], "share": round(share, 4)}
    words = f"{bad} of {files} files ({share:.0%}) could not be read"
    if bad >= _MANY and share > _LARGE_SHARE:
        return Finding(WARN, f"{words}: see `beast quarantine list`", figures)
    return Finding(OK, words, figures)


def held_back(subject: Subject) -> Finding:
    """Whether a guard keeps files in the index that are gone from the disk."""
    held = json.loads(subject.ledger().meta("held_back") or "[]")
    reasons = [str(one["reason"]) for one in held]
    figures = {"reasons": reasons, "files": sum(int(one["lost"]) for one in held)}
    if reasons:
        return Finding(WARN, "; ".join(reasons), figures)
    return Finding(OK, "nothing is held back", figures)


def last_scan(subject: Subject) -> Finding:
    """Whether all folders were compared with the index lately; it matters not if files changed."""
    ledger = subject.ledger()
    scanned = ledger.meta(SCANNED) or ledger.meta("published_ns")
    if scanned is None:
        return Finding(WARN, "the folders were never looked over in full: run `beast index`")
    age = max(0.0, time.time() - int(scanned) / 1e9)
    figures = {"age_seconds": round(age, 1), "scanned": str(moment(int(scanned)))}
    words = f"all folders were last looked over {lasting(age)} ago"
    if age > _OLD_S:
        return Finding(WARN, f"{words}: run `beast index`, or keep `beast dev` running", figures)
    return Finding(OK, words, figures)
