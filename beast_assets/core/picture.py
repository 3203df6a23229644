"""Small bar charts as one SVG: drawn in no time and without a plotting library."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

_WIDTH: Final = 420
_HEIGHT: Final = 190
_WIDEST: Final = 64.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 12, 12, 46, 34
# Told apart by lightness too, and legible on white and on a dark page.
COLOURS: Final = ("#3b6fd4", "#e8a33d")
_INK, _FAINT = "#1f2937", "#6b7280"


class Bar(NamedTuple):
    """One bar; its parts are stacked, the first at the bottom."""

    label: str
    parts: tuple[float, ...]


class Panel(NamedTuple):
    """One chart; ``parts`` names what is stacked, if more than one thing is."""

    title: str
    bars: Sequence[Bar]
    parts: tuple[str, ...] = ()


def draw(panels: Sequence[Panel]) -> str:
    """An SVG of all panels, two in a row."""
    rows = (len(panels) + 1) // 2
    width, height = 2 * _WIDTH, rows * _HEIGHT
    drawn = "".join(
        f'<g transform="translate({number % 2 * _WIDTH},{number // 2 * _HEIGHT})">{_panel(one)}</g>'
        for number, one in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="#fff"/>{drawn}</svg>'
    )


def as_markdown(svg: str, title: str) -> str:
    """A picture within Markdown; ``title`` is ours and plain."""
    return f"![{title}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"


def _panel(panel: Panel) -> str:
    highest = max((sum(bar.parts) for bar in panel.bars), default=0)
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(panel.bars))
    # With many bars only some are labelled, lest the words lie over each other.
    every = max(1, -(-len(panel.bars) // 10))
    bars = "".join(
        _bar(bar, _LEFT + number * step, step, highest, labelled=number % every == 0)
        for number, bar in enumerate(panel.bars)
    )
    floor = _HEIGHT - _BOTTOM
    return (
        _text(_LEFT, 18, panel.title, _INK, "start", "bold 13px sans-serif")
        + _legend(panel.parts)
        + f'<path d="M{_LEFT} {floor}H{_WIDTH - _RIGHT}" stroke="{_FAINT}"/>'
        + (bars if highest else _text(_WIDTH / 2, _HEIGHT / 2, "nothing yet", _FAINT))
    )


def _legend(parts: Sequence[str]) -> str:
    return "".join(
        f'<rect x="{_LEFT + 90 * number}" y="25" width="9" height="9" fill="{colour}"/>'
        + _text(_LEFT + 90 * number + 13, 33, name, _FAINT, "start")
        for number, (name, colour) in enumerate(zip(parts, COLOURS, strict=False))
    )


def _bar(bar: Bar, left: float, step: float, highest: float, *, labelled: bool) -> str:
    top, drawn = float(_HEIGHT - _BOTTOM), ""
    for part, colour in zip(bar.parts, COLOURS, strict=False):
        size = part / highest * (_HEIGHT - _TOP - _BOTTOM) if highest else 0.0
        top -= size
        width = min(step * 0.8, _WIDEST)
        x = left + (step - width) / 2
        drawn += (
            f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{size:.1f}" '
            f'fill="{colour}"/>'
        )
    if labelled:
        drawn += _text(left + step / 2, _HEIGHT - _BOTTOM + 14, bar.label, _FAINT)
        drawn += _text(left + step / 2, top - 3, _short(sum(bar.parts)), _INK)
    return drawn


def _text(
    x: float, y: float, words: str, colour: str, anchor: str = "middle", font: str = ""
) -> str:
    style = f' style="font:{font}"' if font else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}"{style}>'
        f"{escape(words)}</text>"
    )


def _short(number: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e4)):
        if number >= size:
            return f"{number / min(size, 1e3 if unit == 'k' else size):.3g}{unit}"
    return f"{number:.0f}"
