"""Filters of a search, as one expression that LanceDB applies before it ranks anything."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from beast_assets.core.errors import UsageError
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Root
from beast_assets.core.search.options import SearchOptions, moment_ns


def condition(options: SearchOptions, ledger: Ledger) -> Any:
    """What a row has to fulfil, as an expression of LanceDB; None where every row does.

    What a name or a time decides is looked up in the ledger and becomes a condition on the files'
    names, hex digits all of them: no path and no pattern ever reaches LanceDB.

    Raises:
        UsageError: a root is not one of ours, or a glob cannot be read.
    """
    from lancedb.expr import col

    parts = []
    if options.roots:
        parts.append(col("root_id").isin(_root_ids(options.roots, ledger.roots())))
    if options.content:
        parts.append(col("content_sha256").isin(list(options.content)))
    if options.filters_files:
        parts.append(_files(options, ledger))
    if not parts:
        return None
    together = parts[0]
    for part in parts[1:]:
        together = together & part
    return together


def _root_ids(paths: Sequence[str], roots: Sequence[Root]) -> list[str]:
    known = {root.path: root.root_id for root in roots}
    for path in paths:
        if _absolute(path) not in known:
            raise UsageError(f"{path} is not indexed: `beast roots list` names the folders")
    return [known[_absolute(path)] for path in paths]


def _absolute(path: str) -> bytes:
    return os.path.abspath(os.fsencode(path))  # noqa: PTH100 links are kept


def _files(options: SearchOptions, ledger: Ledger) -> Any:
    from lancedb.expr import col

    matches = {root.root_id: _globs(options.paths, root.path) for root in ledger.roots()}
    endings = tuple(b"." + os.fsencode(name.lstrip(".").lower()) for name in options.extensions)
    after, before = moment_ns(options.after), moment_ns(options.before)
    within: list[str] = []
    without: list[str] = []
    for file_id, root_id, path, mtime_ns in ledger.searchable():
        fits = (
            root_id in matches
            and (not endings or path.lower().endswith(endings))
            and (after is None or mtime_ns >= after)
            and (before is None or mtime_ns <= before)
            and matches[root_id](os.fsdecode(path))
        )
        (within if fits else without).append(file_id)
    # The shorter list: 50,000 names cost half a second, 1,000 nothing that can be seen.
    if len(within) <= len(without):
        return col("file_id").isin(within)
    return ~col("file_id").isin(without)


def _globs(patterns: Sequence[str], root: bytes) -> Callable[[str], bool]:
    from pathspec import GitIgnoreSpec

    if not patterns:
        return lambda path: True
    try:
        spec = GitIgnoreSpec.from_lines(_below(patterns, os.fsdecode(root)))
    except ValueError as error:
        raise UsageError(f"a path is no pattern as in .gitignore: {error}") from error
    return spec.match_file


def _below(patterns: Sequence[str], root: str) -> Iterator[str]:
    """The patterns as they stand in this root: an absolute path counts in its own only."""
    for pattern in patterns:
        if pattern.rstrip("/") == root:
            yield "*"
        elif pattern.startswith(root + "/"):
            yield pattern.removeprefix(root)
        else:
            yield pattern
