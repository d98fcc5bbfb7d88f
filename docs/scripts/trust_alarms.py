"""How wide the sharpest edges of images are; used by docs/scripts/trust.py --alarms.

No network is needed: the alarm looks at the recorded image.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread
from trust_fit import LISTS

from dgno_core.data.sharp_images import load_sharp_images, read_list
from dgno_core.evaluation.public_set import read_public_set
from dgno_core.inference.edges import edge_width
from dgno_core.inference.noise import estimate_noise

Floats = NDArray[np.float32]
SHARP = 40  # training images


def measure_alarms(data: Path, numbers: Path) -> Mapping[str, Sequence[float]]:
    """Measure defocused fields, the evaluation set, and sharp training images; keep the numbers."""
    kinds = {
        "BBBC006 at z = 00, defocused": map(imread, sorted(data.glob("bbbc006-miq/00_*.tif"))),
        "evaluation set, blurred": (row.load().blurred for row in read_public_set(data)),
        "training images, sharp": sharp_images(data),
    }
    found = {name: [sharpest(image) for image in images] for name, images in kinds.items()}
    numbers.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def sharp_images(data: Path) -> Iterator[Floats]:
    """Draw from the list of grey images."""
    names = read_list(LISTS / "grey.txt")
    for name in np.random.default_rng(7).choice(names, SHARP, replace=False):
        yield load_sharp_images(data, [str(name)], 1)[0]


def sharpest(image: NDArray[np.generic]) -> float:
    """Return the width of the sharpest edges in pixels, as the warning takes it."""
    pixels = np.atleast_3d(np.squeeze(np.asarray(image, np.float32)))
    channels = np.moveaxis(pixels, -1, 0)
    low, high = np.percentile(channels, (0.1, 99.9))
    scaled = ((channels - low) / (high - low)).astype(np.float32)
    widths = [edge_width(c, float(estimate_noise(c).deviation(0.5))) for c in scaled]
    return round(min((w for w in widths if np.isfinite(w)), default=float("nan")), 2)
