"""An evaluation in words for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from beast_assets.core.errors import UsageError
from beast_assets.core.evaluation.evaluate import COMPARED, MODES


def parse_variables(words: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE`` words as a mapping.

    Raises:
        UsageError: a word has no ``=``.
    """
    pairs = [word.partition("=") for word in words]
    if wrong := [name for name, sign, _ in pairs if not sign or not name]:
        raise UsageError(f"{wrong[0]!r} sets nothing: write NAME=VALUE")
    return {name: value for name, _, value in pairs}


def evaluation_lines(found: Mapping[str, Any]) -> list[str]:
    """Tables of the figures, and what is to be made of a difference."""
    asked = f"{found['queries']} queries ({found['split']})"
    lines = [asked, *_table(found)]
    if "against" in found:
        other = found["against"]
        named = " ".join(f"{name}={value}" for name, value in other["settings"].items())
        lines += ["", f"against {named}", *_table(other), ""]
        lines += [_compared(mode, found["comparison"][mode]) for mode in MODES]
    return lines


def _table(found: Mapping[str, Any]) -> list[str]:
    counts = "{documents} documents ({without_text} without text), {chunks} chunks".format_map(
        found
    )
    names = list(found[MODES[0]])
    rows = [f"{'':8}" + "".join(f"{name:>12}" for name in names)]
    for mode in MODES:
        rows.append(f"{mode:8}" + "".join(f"{found[mode][name]:12.4f}" for name in names))
    return [counts, *rows]


def _compared(mode: str, found: Mapping[str, Any]) -> str:
    low, high = found["interval"]
    return (
        f"{mode:8} {COMPARED} {found['difference']:+.4f}"
        f" (95 %: {low:+.4f} to {high:+.4f}), p = {found['p']:.4f}"
    )
