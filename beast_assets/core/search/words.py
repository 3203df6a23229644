"""Hits in words for a terminal."""

from beast_assets.core.search.hits import Hit
from beast_assets.core.words import one_line

_SHOWN = 200


def hit_lines(number: int, hit: Hit, *, scores: bool = False) -> list[str]:
    """Where a hit stands, and how it begins."""
    stale = " (the file has changed since)" if hit.stale else ""
    place = f" ({hit.place})" if hit.place else ""
    where = f"{one_line(hit.path)}:{hit.line_start}-{hit.line_end}{one_line(place)}"
    copies = f" (+{hit.copies} nearly the same)" if hit.copies else ""
    lines = [f"{number}. {where}{stale}{copies}", "   " + " ".join(hit.text.split())[:_SHOWN]]
    if scores:
        parts = ", ".join(f"{name} {value:g}" for name, value in hit.scores.items())
        lines.append(f"   {hit.score:g}: {parts}")
    return lines
