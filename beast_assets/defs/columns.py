"""Columns of the four assets, and which of them come of which."""

from typing import Any, Final

import dagster as dg

_COLUMNS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "manifest": {
        "path": ("bytes", "Below its root; any bytes but NUL."),
        "root": ("string", "The folder that is indexed, by its name in the ledger."),
        "size": ("int", "Bytes."),
        "mtime_ns": ("int", "Last change of the content, nanoseconds since the epoch."),
        "ctime_ns": ("int", "Last change of content or attributes; tells what mtime does not."),
        "inode": ("int", "The file's number on its disk."),
        "reason": ("string", "Why there is no content, as for links and unreadable files."),
    },
    "file_hashes": {
        "path": ("bytes", "As in the manifest."),
        "sha256": ("string", "Of the content; 64 hex digits."),
        "hashed_ns": ("int", "When reading began."),
    },
    "chunks": {
        "path": ("bytes", "As in the manifest."),
        "content_sha256": ("string", "The content that the chunk was cut from."),
        "text_sha256": ("string", "Of the text; a vector is kept under it."),
        "char_start": ("int", "First character in the file's text."),
        "char_end": ("int", "First character behind the chunk."),
        "line_start": ("int", "From 1, in its page, slide or sheet where there are such."),
        "line_end": ("int", "Included."),
        "place": ("string", "Page, slide, sheet or cell; empty where lines say enough."),
        "text": ("string", "The chunk."),
    },
    "embeddings": {
        "chunk_id": ("string", "The row's name: of its file, content, place and text."),
        "text_sha256": ("string", "As in the chunks."),
        "vector": ("float16[]", "Of length 1; as many numbers as the model gives."),
    },
}

_LINEAGE: Final[dict[str, dict[str, list[tuple[str, str]]]]] = {
    "file_hashes": {
        "path": [("manifest", "path")],
        "sha256": [("manifest", "path")],
    },
    "chunks": {
        "path": [("file_hashes", "path")],
        "content_sha256": [("file_hashes", "sha256")],
        "text": [("file_hashes", "sha256")],
        "text_sha256": [("file_hashes", "sha256")],
    },
    "embeddings": {
        "chunk_id": [("chunks", name) for name in ("path", "content_sha256", "char_start")]
        + [("chunks", name) for name in ("char_end", "text_sha256")],
        "text_sha256": [("chunks", "text_sha256")],
        "vector": [("chunks", "text")],
    },
}


def column_metadata(asset: str) -> dict[str, Any]:
    """Schema and lineage of an asset's columns, as Dagster shows them."""
    found: dict[str, Any] = {"dagster/column_schema": _schema(asset)}
    if asset in _LINEAGE:
        found["dagster/column_lineage"] = _lineage(asset)
    return found


def _schema(asset: str) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(name, kind, description)
            for name, (kind, description) in _COLUMNS[asset].items()
        ]
    )


def _lineage(asset: str) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(asset_key=dg.AssetKey(of), column_name=name) for of, name in deps
            ]
            for column, deps in _LINEAGE[asset].items()
        }
    )
