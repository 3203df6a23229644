"""Hits in words for a terminal and for a notebook."""

from html import escape

from beast_assets.core.search.hits import Hit, Hits
from beast_assets.core.words import one_line, printable

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


def hits_text(hits: Hits) -> str:
    """An answer as a terminal shows it; control characters are escaped."""
    lines = [line for number, hit in enumerate(hits, 1) for line in hit_lines(number, hit)]
    return printable("\n".join(lines)) or "nothing found"


def hits_html(hits: Hits) -> str:
    """An answer as a table; nothing in a file's name or text is taken for HTML."""
    rows = []
    for number, hit in enumerate(hits, 1):
        where, text = (escape(printable(line)) for line in hit_lines(number, hit))
        rows.append(f"<tr><td style='text-align:left'>{where}<br>{text}</td></tr>")
    return f"<table>{''.join(rows)}</table>" if rows else "nothing found"
