"""One picture a benchmark: ratios with their spread, and what they are to reach."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

_GOOD, _BAD, _PLAIN = "#2a7f62", "#b5483a", "#3b6ea5"
_LABEL_WIDTH = 46


def draw(result: Mapping[str, Any], machine: Mapping[str, Any], folder: Path) -> Path:
    """Draw a result (``Result.to_dict``) as ``folder/NAME.png``.

    Ratios get a panel; where there are none, other figures get one a unit.

    Raises:
        RuntimeError: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise RuntimeError("plots need matplotlib: pip install matplotlib") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    groups = panels(result["lines"])
    heights = [len(lines) for lines in groups.values()]
    figure, all_axes = pyplot.subplots(
        len(groups),
        1,
        figsize=(8, 1.5 + 0.62 * sum(heights) + 0.5 * len(heights)),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for axes, (unit, lines) in zip(all_axes[:, 0], groups.items(), strict=True):
        (_counts if unit == "texts" else _panel)(axes, unit, lines)
    figure.suptitle(result["title"], fontsize=12, fontweight="bold")
    figure.supxlabel(_caption(machine), fontsize=7, color="#666666")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['name']}.png"
    figure.savefig(path, dpi=100, metadata={"Software": None})
    pyplot.close(figure)
    return path


def panels(lines: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Lines by unit, ratios first; beside ratios only counts of texts are drawn."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for line in sorted(lines, key=lambda line: line["unit"] != "×"):
        groups.setdefault(line["unit"], []).append(line)
    drawn = [unit for unit in ("×", "texts") if unit in groups]
    return {unit: groups[unit] for unit in drawn} if drawn else groups


def _panel(axes: Any, unit: str, lines: Sequence[Mapping[str, Any]]) -> None:
    for place, line in enumerate(lines):
        value = line["value"]
        colour = {None: _PLAIN, True: _GOOD, False: _BAD}[line["met"]]
        low, high = value["median"] - value["low"], value["high"] - value["median"]
        axes.barh(place, value["median"], 0.5, color=colour, alpha=0.85)
        axes.errorbar(value["median"], place, xerr=[[low], [high]], color="#222222", capsize=3)
        axes.text(value["high"], place, f"  {value['median']:.3g} {unit}", va="center", fontsize=9)
        if line["reach"]:
            reach = line["reach"]
            axes.plot([reach["value"]] * 2, [place - 0.38, place + 0.38], color="black", lw=2)
    labels = [_label(line) for line in lines]
    axes.set_yticks(range(len(lines)), labels, fontsize=8)
    axes.invert_yaxis()
    if unit == "×":
        axes.axvline(1.0, color="#888888", lw=1, ls=":")
    most = max(line["value"]["high"] for line in lines)
    least = min(line["value"]["low"] for line in lines)
    if unit == "×" and least > 0 and most / least > 30:
        axes.set_xscale("log")
        axes.set_xlim(min(least, 1) / 1.5, most * 3)
    else:
        axes.set_xlim(0, most * 1.2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("times (dotted: as much; black mark: to reach)" if unit == "×" else unit)


def _counts(axes: Any, unit: str, lines: Sequence[Mapping[str, Any]]) -> None:
    """A bar for each of those that were counted, grouped by what happened."""
    names = list(lines[0]["parts"])
    height = 0.8 / len(names)
    for number, name in enumerate(names):
        places = [place - 0.4 + (number + 0.5) * height for place in range(len(lines))]
        values = [line["parts"].get(name, {"median": 0})["median"] for line in lines]
        bars = axes.barh(places, values, height, label=name, color=f"C{number}")
        axes.bar_label(bars, fmt="%d", fontsize=6, padding=2)
    axes.set_yticks(range(len(lines)), [fill(line["label"], 40) for line in lines], fontsize=8)
    axes.invert_yaxis()
    axes.legend(fontsize=8, loc="center right")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("texts given to the model")


def _label(line: Mapping[str, Any]) -> str:
    words = line["label"]
    if line["against"]:
        words += f" — {line['against']}"
    return fill(words, _LABEL_WIDTH)


def _caption(machine: Mapping[str, Any]) -> str:
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python"
        f" {machine['python']}, {machine['at'][:10]}, load before {machine['load_1m']};"
        " medians with least and most"
    )
