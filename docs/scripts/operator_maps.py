"""The pictures and numbers of docs/operator-maps.md, from the public evaluation set.

python docs/scripts/operator_maps.py DATA_FOLDER OUT_FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from dgno_core.evaluation.error_figure import draw_comparison
from dgno_core.evaluation.figures import save_picture
from dgno_core.evaluation.public_set import read_public_set
from dgno_core.evaluation.rank import operator_ranks
from dgno_core.evaluation.rank_figure import draw_ranks, summarise_ranks
from dgno_core.inference import Restorer, restore
from dgno_core.interpretation.operator_figure import draw_operator
from dgno_core.interpretation.operator_maps import operator_maps
from dgno_core.interpretation.view import View, read_view
from dgno_core.metrics.edges import band_psnr

MODELS = ("dgno-cell-small", "dgno-face-small")
PLACE = (slice(96, 352), slice(192, 448))
LIMIT = 380_000  # bytes


def look(path: Path, model: str) -> View:
    """View a nucleus-rich part of an image with a model."""
    return read_view(path, Restorer(model, device="cpu"), (), PLACE)


def main() -> None:
    """Write the pictures and print the numbers."""
    data, out = map(Path, sys.argv[1:])
    rows = [row for row in read_public_set(data) if row.group == "bbbc039"]
    paths = [data / "eval" / f"{row.name}.tif" for row in rows]
    views = {model: look(paths[0], model) for model in MODELS}
    for scale, name in (("half", "half"), ("full", "full")):
        maps = operator_maps(views[MODELS[0]], scale, 0)
        save_picture(draw_operator(views[MODELS[0]], maps), out / f"operator-{name}.jpg", LIMIT)
    for model, view in views.items():
        for scale in ("quarter", "half", "full"):
            maps = operator_maps(view, scale, 0)
            faces = maps.faces()
            inner = ~faces.is_boundary
            bright = nucleus_faces(view, faces.start, faces.end)[inner]
            ratio = np.nanmedian(maps.map("ratio").data)
            flux, jump = (
                values[inner][bright].mean() / values[inner][~bright].mean()
                for values in (faces.flux, faces.jump)
            )
            print(f"| {model} | {scale} | {ratio:.2f} | {flux:.1f} | {jump:.1f} |")
    ranks = {
        model: summarise_ranks(
            [
                operator_ranks(view.network, view.pixels)
                for view in (look(path, model) for path in paths)
            ]
        )
        for model in MODELS
    }
    save_picture(draw_ranks(ranks, len(paths)), out / "operator-rank.jpg", LIMIT)
    images = rows[0].load()
    first, second = (restore(images.blurred, model, device="cpu") for model in MODELS)
    for name, image in zip(("blurred", *MODELS), (images.blurred, first, second), strict=True):
        print(name, band_psnr(images.sharp, image))
    figure = draw_comparison(images.sharp, images.blurred, first, second, MODELS)
    save_picture(figure, out / "operator-compare.jpg", LIMIT)


def nucleus_faces(view: View, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Tell which faces touch something brighter than the background (Otsu)."""
    from skimage.filters import threshold_otsu

    image = view.pixels[0]
    bright = image > threshold_otsu(image)
    touched = []
    for (top, left), (bottom, right) in zip(start - view.origin, end - view.origin, strict=True):
        box = np.s_[
            max(int(np.floor(top)), 0) : int(np.ceil(bottom)) + 1,
            max(int(np.floor(left)), 0) : int(np.ceil(right)) + 1,
        ]
        touched.append(bright[box].any())
    return np.array(touched)


if __name__ == "__main__":
    main()
