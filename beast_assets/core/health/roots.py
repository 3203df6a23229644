"""The indexed folders, each looked at by itself: one on a dead mount hides no other."""

import functools
import os

from beast_assets.core.database import parse_url
from beast_assets.core.files import open_root
from beast_assets.core.health.parallel import run_probes
from beast_assets.core.health.records import FAIL, OK, WARN, Check, Finding
from beast_assets.core.health.subject import NothingToSayError, Probe, Subject
from beast_assets.core.roots_copy import read_copy
from beast_assets.core.words import show_path

# Of the probe's time, so that it has some left to say which folder took it.
_SHARE = 0.8


def roots(subject: Subject) -> Finding:
    """Whether each folder can be listed and has not lost everything."""
    indexed = _indexed(subject)
    if not indexed:
        return Finding(WARN, "no folder is indexed yet: run `beast index DIR`", {"roots": 0})
    probes = [
        Probe(os.fsdecode(path), "a look into the folder", functools.partial(_look, path, files))
        for path, files in indexed.items()
    ]
    return _summed(run_probes(probes, subject, _SHARE * subject.timeout_s))


def _indexed(subject: Subject) -> dict[bytes, int]:
    """Each folder, with the number of its files that are indexed."""
    try:
        ledger = subject.ledger()
    except NothingToSayError:  # their copy is there for a ledger that is damaged or lost
        copied = read_copy(parse_url(subject.settings.ledger_url))
        return dict.fromkeys(copied or subject.settings.roots, 0)
    known = {root.path: ledger.count_indexed(root.root_id) for root in ledger.roots()}
    return known or dict.fromkeys(subject.settings.roots, 0)


def _look(path: bytes, files: int, _subject: Subject) -> Finding:
    try:
        with open_root(path) as root, os.scandir(root.fd) as entries:
            os.stat(".", dir_fd=root.fd)  # a folder may be listed, and what is in it not opened
            empty = next(entries, None) is None
    except OSError as error:
        return Finding(FAIL, error.strerror or str(error))
    if empty and files:
        return Finding(FAIL, f"empty, though {files} of its files are indexed")
    return Finding(OK, "readable")


def _summed(checks: list[Check]) -> Finding:
    away = [check for check in checks if check.status != OK]
    states = {_shown(check): check.detail for check in checks}
    figures = {"roots": len(checks), "away": len(away), "states": states}
    if not away:
        return Finding(OK, f"{len(checks)} folders, all readable", figures)
    words = "; ".join(f"{_shown(check)}: {check.detail}" for check in away)
    do = "mount or restore what is away (its files stay searchable), or `beast roots remove` it"
    # With one folder left, the index is still kept up to date in part.
    return Finding(FAIL if len(away) == len(checks) else WARN, f"{words}: {do}", figures)


def _shown(check: Check) -> str:
    return show_path(os.fsencode(check.name))
