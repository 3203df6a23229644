"""The ledger's tables, for SQLite and PostgreSQL alike.

Paths are bytes, sizes and times (nanoseconds) are BigInteger, inodes are folded to signed 64 bits.
"""

import sqlalchemy as sa

from beast_assets.core.hashing import SETTLED_MARGIN_NS
from beast_assets.core.ledger_rows import FileRow

SCHEMA_VERSION = "2"
#: Schemas that become today's by adding the tables and indexes that they lack.
ADDED_TO = ("1",)

metadata = sa.MetaData()

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

roots = sa.Table(
    "roots",
    metadata,
    sa.Column("root_id", sa.String(16), primary_key=True),
    sa.Column("path", sa.LargeBinary, nullable=False),
    sa.Column("added_ns", sa.BigInteger, nullable=False),
)

files = sa.Table(
    "files",
    metadata,
    sa.Column("file_id", sa.String(32), primary_key=True),
    sa.Column("root_id", sa.String(16), nullable=False),
    sa.Column("path", sa.LargeBinary, nullable=False),
    # observed
    sa.Column("regular", sa.Boolean, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("ctime_ns", sa.BigInteger, nullable=False),
    sa.Column("inode", sa.BigInteger, nullable=False),
    sa.Column("hashed_ns", sa.BigInteger, nullable=False),
    sa.Column("content", sa.Text),
    # indexed
    sa.Column("indexed", sa.Text),
    sa.Column("status", sa.String(16)),
    sa.Column("reason", sa.Text),
    sa.Column("extractor", sa.String(32)),
    sa.Column("chunks", sa.Integer, nullable=False, default=0),
    sa.Column("rows_digest", sa.String(64)),
)

# Never more than one row, and none after any write to ``files``.
snapshot = sa.Table(
    "snapshot",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("ended_ns", sa.BigInteger, nullable=False),
    sa.Column("report", sa.Text, nullable=False),
)

ROW = [files.c[name] for name in FileRow._fields]
# Every row that an equal stat does not prove unchanged; NULL is spelled out, for a comparison with
# it is neither true nor false.
LOUD = sa.or_(
    sa.not_(files.c.regular),
    files.c.content.is_(None),
    files.c.indexed.is_(None),
    files.c.content != files.c.indexed,
    files.c.hashed_ns < files.c.mtime_ns + SETTLED_MARGIN_NS,
    files.c.hashed_ns < files.c.ctime_ns + SETTLED_MARGIN_NS,
)
_EXPLAINED = files.c.reason.is_not(None)
# Few rows among many: without these, each check reads all rows to find them.
INDEXES = [
    sa.Index("files_loud", files.c.file_id, sqlite_where=LOUD, postgresql_where=LOUD),
    sa.Index("files_reason", files.c.reason, sqlite_where=_EXPLAINED, postgresql_where=_EXPLAINED),
]
