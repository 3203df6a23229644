"""What the UI shows of a materialized bucket: what matters to the asset in question.

Numbers keep their names, so that Dagster plots them over time. All of it is in hand already: an
event takes about 20 ms, and nothing is read for it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import dagster as dg

from beast_assets.core.detail import Detail
from beast_assets.core.ledger_rows import FileRow
from beast_assets.core.markdown import chunk_preview, shown_path
from beast_assets.core.report import BucketReport, Report
from beast_assets.core.words import moment

Metadata = dict[str, Any]

_HASH_SHOWN: Final = 12


# What names files or quotes them. Dagster's records outlive `beast forget` and every deletion.
_PREVIEWS: Final = ("newest", "slowest", "preview")


def bucket_metadata(
    asset: str, bucket: BucketReport, report: Report, *, previews: bool
) -> Metadata:
    """Metadata of a materialization.

    Args:
        asset: one of ``names.ASSETS``.
        bucket: the partition.
        report: the run it belongs to.
        previews: with names of files and the beginnings of passages.
    """
    work = bucket.work
    found = {
        "added": work.added,
        "changed": work.changed,
        "removed": work.removed,
        "unchanged": bucket.unchanged,
        "digest": bucket.holding.digest,
        **_OF_ASSET[asset](bucket, report),
    }
    return {name: value for name, value in found.items() if previews or name not in _PREVIEWS}


def _manifest(bucket: BucketReport, _report: Report) -> Metadata:
    holding = bucket.holding
    share = holding.quarantined / holding.entries if holding.entries else 0.0
    return {
        "dagster/partition_row_count": holding.entries,
        "files": holding.files,
        "bytes": holding.bytes,
        "skipped": holding.skipped,
        "quarantined": holding.quarantined,
        "quarantined_share": round(share, 4),
        **_table("newest", holding.newest, _listed, _LISTED),
    }


def _file_hashes(bucket: BucketReport, _report: Report) -> Metadata:
    detail = bucket.detail
    return {
        "dagster/partition_row_count": bucket.holding.files,
        "bytes_hashed": bucket.work.bytes_hashed,
        **_rate("hash", bucket.work.bytes_hashed, "bytes", detail.hash_seconds),
        **_table("newest", bucket.holding.newest, _hashed, _HASHED),
    }


def _chunks(bucket: BucketReport, _report: Report) -> Metadata:
    work, holding, detail = bucket.work, bucket.holding, bucket.detail
    return {
        "dagster/partition_row_count": holding.chunks,
        "chunks": holding.chunks,
        "chunks_written": work.chunks_written,
        **_rate("cut", work.chunks_written, "chunks", detail.cut_seconds),
        "tokens_truncated": work.tokens_truncated,
        "skipped": holding.skipped,
        "quarantined": holding.quarantined,
        **_slowest(detail),
        **_preview(detail),
    }


def _embeddings(bucket: BucketReport, report: Report) -> Metadata:
    work = bucket.work
    return {
        "dagster/partition_row_count": bucket.holding.chunks,
        "embedded": work.embedded,
        "reused": work.reused,
        **_rate("embed", work.embedded, "embeddings", bucket.detail.embed_seconds),
        **({} if report.version is None else {"index_version": report.version}),
    }


_OF_ASSET: Final[Mapping[str, Callable[[BucketReport, Report], Metadata]]] = {
    "manifest": _manifest,
    "file_hashes": _file_hashes,
    "chunks": _chunks,
    "embeddings": _embeddings,
}


def _rate(stage: str, count: int, what: str, seconds: float) -> Metadata:
    """Seconds of a stage and, if there was work, how much of it a second did."""
    found: Metadata = {f"{stage}_seconds": round(seconds, 4)}
    if count and seconds > 0:
        found[f"{what}_per_second"] = round(count / seconds, 1)
    return found


_LISTED: Final = {"path": "string", "size": "int", "modified": "string", "status": "string"} | {
    "reason": "string"
}
_HASHED: Final = {"path": "string", "size": "int", "sha256": "string", "chunks": "int"}
_SLOW: Final = {"path": "string", "seconds": "float", "bytes": "int"}


def _listed(row: FileRow) -> Metadata:
    return {
        "path": shown_path(row.path),
        "size": row.size,
        "modified": str(moment(row.mtime_ns)),
        "status": row.status or "",
        "reason": row.reason or "",
    }


def _hashed(row: FileRow) -> Metadata:
    content = row.indexed or ""
    return {
        "path": shown_path(row.path),
        "size": row.size,
        "sha256": "" if content.startswith("!") else content[:_HASH_SHOWN],
        "chunks": row.chunks,
    }


def _slowest(detail: Detail) -> Metadata:
    def shown(slow: tuple[float, bytes, int]) -> Metadata:
        return {"path": shown_path(slow[1]), "seconds": round(slow[0], 4), "bytes": slow[2]}

    return _table("slowest", sorted(detail.slowest, reverse=True), shown, _SLOW)


def _table(
    name: str, rows: Sequence[Any], shown: Callable[[Any], Metadata], columns: Mapping[str, str]
) -> Metadata:
    if not rows:
        return {}
    schema = dg.TableSchema([dg.TableColumn(column, kind) for column, kind in columns.items()])
    records = [dg.TableRecord(shown(row)) for row in rows]
    return {name: dg.MetadataValue.table(records, schema)}


def _preview(detail: Detail) -> Metadata:
    if not detail.samples:
        return {}
    chunks = ((row.path, row.line_start, row.line_end, row.text) for row in detail.samples)
    return {"preview": dg.MetadataValue.md(chunk_preview(chunks))}
