"""The tables of docs/trust.md, put between their marks; used by docs/scripts/trust.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).resolve().parents[1] / "trust.md"
LABELS = {
    "expected": "**expected error**",
    "brightness": "brightness of the input",
    "spread": "spread over flips",
    "sensitivity": "slope times blur",
    "change": "what was put back",
    "difference": "from the second model",
    "residual": "unexplained by blur",
    "noise": "noise",
    "width": "blur width",
}
ALONE = ("brightness", "residual", "spread", "sensitivity", "change", "noise")
Row = dict[str, Any]


def put(mark: str, lines: Sequence[str]) -> None:
    """Replace what is between two marks of the page."""
    begin, end = f"<!-- {mark}: docs/scripts/trust.py -->", f"<!-- end of {mark} -->"
    before, rest = PAGE.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    text = "\n".join(lines)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def write_results(results: list[Row], side: int) -> None:
    """Write how well each map ranks the errors of the evaluation set."""
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for result in results:
        groups[result["group"]].append(result)
        groups["all"].append(result)
    order = [*(name for name in groups if name != "all"), "all"]
    heads = [f"{name} ({len(groups[name])})" for name in order]
    lines = [f"| map | {' | '.join(heads)} |", "|---|" + "---|" * len(order)]

    def add(label: str, value: Callable[[Row], float | None]) -> None:
        cells = [cell([value(row) for row in groups[name]]) for name in order]
        lines.append(f"| {label} | {' | '.join(cells)} |")

    for key, label in LABELS.items():
        add(label, lambda row, key=key: row["smoothed"].get(key))  # type: ignore[misc]
    inside = "inside the labelled objects only"
    add(f"**expected error, {inside}**", lambda row: row["objects"]["expected"])
    add(f"brightness of the input, {inside}", lambda row: row["objects"]["brightness"])
    add("expected error, at equal brightness (partial)", lambda row: row["partial"])
    add("expected error, single pixels", lambda row: row["pixel"]["expected"])
    for label, key in (("true", "true_percent"), ("expected", "expected_percent")):
        means = [f"{np.mean([r[key] for r in groups[name]]):.2f} %" for name in order]
        lines.append(f"| mean {label} error | {' | '.join(means)} |")
    ratios = [row["expected_percent"] / row["true_percent"] for row in results]
    looked = f"the middle {side} x {side} pixels of each image" if side else "whole images"
    hashes = sorted({f"`{r['model']}` {r['weights_sha256'][:8]}" for r in results})
    lines += [
        "",
        f"Of {looked}, with the weights {' and '.join(hashes)}. The mean expected error of an "
        f"image was {min(ratios):.1f} to {max(ratios):.1f} times its mean true error.",
    ]
    put("table", lines)


def write_tried(fitted: Mapping[str, Row]) -> None:
    """Write how well other choices rank the errors of the training crops."""
    kinds = [fitted[key] for key in sorted(fitted)]
    names = [{"1": "grey", "3": "colour"}[key] for key in sorted(fitted)]
    heads = [f"{name} ({each['images']})" for name, each in zip(names, kinds, strict=True)]
    lines = [f"| recipe | {' | '.join(heads)} |", "|---|" + "---|" * len(kinds)]
    labels = {key: f"{LABELS[key]}, alone" for key in ALONE}
    labels |= {f"without {k}": f"all but {LABELS[k]}" for k in ALONE if k in kinds[0]["parts"]}
    labels["all"] = "**all four, as taken**"
    for key, label in labels.items():
        values = [f"{each['tried'][key]:.2f}" for each in kinds]
        lines.append(f"| {label} | {' | '.join(values)} |")
    factors = [f"{each['level_factor']:.2f}" for each in kinds]
    lines.append(f"| factor by which the level of a crop is off | {' | '.join(factors)} |")
    hashes = [f"`{each['model']}` {each['weights_sha256'][:8]}" for each in kinds]
    put("tried", [*lines, "", f"With the weights {' and '.join(hashes)}."])


def write_alarms(alarms: Mapping[str, Sequence[float]]) -> None:
    """Write how wide the sharpest edges of each kind of image are."""
    lines = ["| images | sharpest edges, px | wider than 8 px |", "|---|---|---|"]
    for name, widths in alarms.items():
        known = np.array([width for width in widths if np.isfinite(width)])
        spread = f"{known.min():.1f} to {known.max():.1f}"
        lines.append(f"| {name} | {spread} | {(known > 8).sum()} of {len(widths)} |")
    put("alarms", lines)


def cell(values: list[float | None]) -> str:
    """Mean and range."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    return f"{np.mean(known):.2f} ({min(known):.2f} to {max(known):.2f})"
