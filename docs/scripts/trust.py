"""The experiment of docs/trust.md: whether the trust maps rank the true errors.

python docs/scripts/trust.py DATA                  table, figures and numbers into docs/
python docs/scripts/trust.py DATA --fit            the same, with both recipes fitted anew before
python docs/scripts/trust.py DATA --fit grey       only that for grey; --share 0.5: half the crops
python docs/scripts/trust.py DATA --side 256       looks at the middle of each image only
python docs/scripts/trust.py DATA --alarms         measures which images raise the alarm of blur

DATA holds the training images of the packaged lists and `EVAL.tsv`. The recipe of the expected
error is fitted on training images only, blurred by random draws; the table is of the evaluation
set, none of whose images is in the lists. To be run again, with --fit, when the weights change.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread
from trust_alarms import measure_alarms
from trust_figures import draw_examples, draw_ranks, save_jpeg
from trust_fit import KINDS, finish, fit, network_for, rank, smooth
from trust_page import LABELS, write_alarms, write_results, write_tried

from dgno_core.evaluation.public_set import EvaluationRow, read_public_set
from dgno_core.inference import Restorer
from dgno_core.inference.config import DEFAULTS
from dgno_core.interpretation.trust import SURROUNDINGS, TrustFound, trust_events
from dgno_core.interpretation.trust.examine import Examined, examine
from dgno_core.interpretation.trust.expected import PARTS, expected_error, load_recipe
from dgno_core.interpretation.trust.picture import trust_figure
from dgno_core.interpretation.trust.range_check import check_blur
from dgno_core.interpretation.view import View, read_view

DOCS = Path(__file__).resolve().parents[1]
NUMBERS, FITTED, ALARMS = (DOCS / f"trust{part}.json" for part in ("", "-fit", "-alarms"))

Floats = NDArray[np.float32]


def look(row: EvaluationRow, side: int) -> tuple[View, Examined, dict[str, Floats], Floats]:
    """Return the view, what was measured, all maps, and the true error."""
    images = row.load()
    colour = images.blurred.ndim == 3
    restorer = Restorer(axes="YXS" if colour else "YX")
    part = tuple(middle(length, side) for length in images.blurred.shape[:2])
    view = read_view(images.blurred, restorer, yx_slices=part)  # type: ignore[arg-type]
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
    maps["brightness"] = smooth(view.pixels)
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
                "objects": {k: rank(m[inside], averaged[inside]) for k, m in maps.items()},
                "partial": partial(maps["expected"], averaged, maps["brightness"]),
                "objects_share": round(float(inside.mean()), 3),
                "true_percent": 100 * float(averaged.mean()),
                "expected_percent": 100 * float(maps["expected"].mean()),
                "quantiles": quantiles(maps["expected"], averaged),
                "width_rank": rank(
                    maps["width"], row.load().width[window(view)].astype(np.float32)
                ),
                "shape": list(error.shape[1:]),
                "sharpest_edge_px": round(alarm.sharpest, 2),
                "doubts": list(alarm.warnings),
            }
        )
        examples.setdefault(row.group, (view, found, maps, averaged))
        print(row.name, results[-1]["smoothed"], flush=True)
    NUMBERS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_results(results, side)
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
        view = read_view(path, yx_slices=part, surroundings=SURROUNDINGS)
        second = network_for(1, "dgno-face-small") if with_second else None
        *_, found = trust_events(view, second)
        assert isinstance(found, TrustFound)
        figure = trust_figure(view.pixels[(..., *view.inner)], found, path.name)
        save_jpeg(figure, DOCS / "images" / f"trust-{name}.jpg", 80)


def partial(values: Floats, error: Floats, control: Floats) -> float:
    """Rank correlation of two maps with what both owe to a third taken out."""
    xy, xz, yz = rank(values, error), rank(values, control), rank(error, control)
    return round((xy - xz * yz) / float(np.sqrt((1 - xz**2) * (1 - yz**2))), 3)


def quantiles(values: Floats, error: Floats) -> list[tuple[float, float]]:
    """Mean expected and mean true error, in %, of ten equal parts of the pixels."""
    order = np.array_split(np.argsort(values.ravel()), 10)
    pairs = [(values.ravel()[part].mean(), error.ravel()[part].mean()) for part in order]
    return [(round(100 * float(a), 3), round(100 * float(b), 3)) for a, b in pairs]


def main() -> None:
    """Fit if asked to, then do the experiment."""
    parser = argparse.ArgumentParser(description="Whether the trust maps rank the true errors.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--fit", nargs="?", const="both", choices=[*KINDS, "both"])
    parser.add_argument("--share", type=float, default=1.0, help="of the crops that are fitted")
    parser.add_argument("--side", type=int, default=0, help="pixels; 0: whole images")
    parser.add_argument("--alarms", action="store_true", help="nothing but the alarms")
    chosen = parser.parse_args()
    if chosen.alarms:
        write_alarms(measure_alarms(chosen.data, ALARMS))
        return
    for kind, channels in KINDS.items():
        if chosen.fit in (kind, "both"):
            fit(chosen.data, channels, chosen.share, FITTED)
    if chosen.fit:
        write_tried(json.loads(FITTED.read_text(encoding="utf-8")))
    experiment(chosen.data, chosen.side)


if __name__ == "__main__":
    main()
