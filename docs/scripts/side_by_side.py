"""Pictures of images beside their restored versions, in one window of brightness.

python docs/scripts/side_by_side.py OUT.jpg INPUT RESTORED [INPUT RESTORED ...]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dgno_core import read_image

GAP = 6


def pair(before: Path, after: Path) -> NDArray[np.uint8]:
    """Return both grey images side by side, scaled by the brightest of the two."""
    images = [np.asarray(read_image(path).data, dtype=np.float64) for path in (before, after)]
    low = min(np.percentile(image, 0.1) for image in images)
    high = max(np.percentile(image, 99.95) for image in images)
    gap = np.full((len(images[0]), GAP), high)
    row = np.concatenate([images[0], gap, images[1]], axis=1)
    return (np.clip((row - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def main() -> None:
    """Write the picture."""
    out, *paths = map(Path, sys.argv[1:])
    rows = [pair(*paths[i : i + 2]) for i in range(0, len(paths), 2)]
    width = max(row.shape[1] for row in rows)
    padded = [
        np.pad(row, ((0, GAP), (0, width - row.shape[1])), constant_values=255) for row in rows
    ]
    Image.fromarray(np.concatenate(padded)).save(out, quality=85)


if __name__ == "__main__":
    main()
