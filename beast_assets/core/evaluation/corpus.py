"""The documents of a data set as files, and a home of their own in which they are indexed.

Both are kept below the user's home, so that a second evaluation embeds nothing: the files by what
is in them, a home for each recipe. Ids of documents may be anything; files are named by their hash.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from beast_assets.core.evaluation.beir import DataSet
from beast_assets.core.private import private_files
from beast_assets.core.recipe import current_recipe
from beast_assets.core.settings import Settings
from beast_assets.core.settings_table import sqlite_url

FOLDER = "eval"
_NAME_LENGTH = 32


def file_name(document: str) -> bytes:
    """The name of a document's file, which does not depend on how harmless its id is."""
    digest = hashlib.sha256(document.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{digest[:_NAME_LENGTH]}.txt".encode()


def prepare_corpus(settings: Settings, data: DataSet) -> Path:
    """Write the documents where they do not lie already; gives the folder.

    Raises:
        UsageError: the data set's corpus is not as the layout has it.
    """
    base = settings.home / FOLDER / data.digest[:_NAME_LENGTH]
    corpus = base / "corpus"
    if corpus.exists():
        return corpus
    with private_files():
        base.mkdir(parents=True, exist_ok=True)
        # Nothing half written is ever taken for a corpus, however many evaluations begin at once.
        partial = Path(tempfile.mkdtemp(prefix="corpus.", dir=base))
        try:
            _write(partial, data.documents())
            if not corpus.exists():
                partial.rename(corpus)
        except OSError:
            if not corpus.exists():
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return corpus


def _write(folder: Path, documents: Iterable[tuple[str, str]]) -> None:
    for document, text in documents:
        name = file_name(document).decode()
        parent = folder / name[:2]  # a folder of all documents would be slow to look at
        parent.mkdir(exist_ok=True)
        (parent / name).write_bytes(text.encode("utf-8", "replace"))


def corpus_settings(settings: Settings, corpus: Path) -> Settings:
    """The settings under which a corpus is indexed: the same recipe, a home of its own."""
    decisive = [current_recipe(settings), settings.backend, settings.max_text_bytes]
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    home = corpus.parent / digest[:16]
    return replace(
        settings,
        home=home,
        roots=(bytes(corpus),),
        ledger_url=sqlite_url(home / "ledger.sqlite"),
        index_uri=str(home / "index"),
    )
