"""The engine, in plain Python: nothing here knows of Dagster.

One idea a file. Heavy libraries (lancedb, torch, sentence_transformers, pandas) are imported
inside the functions that use them.
"""
