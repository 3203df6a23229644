"""Keeps folders of files searchable by meaning, and never does the same work twice.

``core`` is the plain-Python engine (scan, hash, chunk, embed, index, search), ``defs`` presents
it as Dagster assets, and ``cli`` is the ``beast`` command.
"""

__version__ = "0.1.0"
