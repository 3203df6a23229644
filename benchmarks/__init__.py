"""Benchmarks: each a ratio, measured in one run, against what one would use otherwise.

They come with the checkout and are not installed. ``beast bench`` and ``python -m benchmarks`` run
them; `benchmarks.registry` says what a benchmark is, `benchmarks.harness` how one measures.
"""
