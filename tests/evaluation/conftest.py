"""A public evaluation set in miniature, written as the real one is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from dgno_core.optics import blur_varying, camera_noise, focal_stack, smooth_map

HEADER = "sharp\tblurred\twidth\tlabels\tpsf\tmap\tmax_px"


def write_set(folder: Path, images: dict[str, NDArray[np.integer]], psf: str = "gauss") -> None:
    """Blur images and write them with a table that names them."""
    (folder / "eval").mkdir(parents=True)
    lines = ["# a comment", HEADER]
    for name, sharp in images.items():
        rng = np.random.default_rng(len(lines))
        width = np.rint(1000 * smooth_map(sharp.shape[:2], (0.6, 3.0), rng))
        soft = blur_varying(sharp, width / 1000, "gauss" if psf == "gauss" else "disk")
        full = float(sharp.max())
        noisy = full * camera_noise(soft / full, 2000, 0.001, rng)
        top = np.iinfo(sharp.dtype).max
        paths = f"{name}.sharp.tif", f"eval/{name}.tif", f"eval/{name}.width.tif"
        tifffile.imwrite(folder / paths[0], sharp)
        tifffile.imwrite(folder / paths[1], np.clip(np.rint(noisy), 0, top).astype(sharp.dtype))
        tifffile.imwrite(folder / paths[2], width.astype(np.uint16))
        lines.append("\t".join([*paths, f"{name}.labels.png", psf, "smooth", "3.0"]))
    (folder / "EVAL.tsv").write_text("\n".join(lines) + "\n")


@pytest.fixture
def public_set(tmp_path: Path) -> Path:
    """Two grey images of one group, and a colour image of another."""
    folder = tmp_path / "data"
    grey = [focal_stack((1, 72, 104), seed=seed).sharp for seed in (1, 2)]
    red, green = ((image // 16).astype(np.uint8) for image in grey)
    colour = np.stack([red, green, red[::-1]], axis=-1)
    write_set(folder, {"bbbc039_00": grey[0], "bbbc039_01": grey[1], "stained_00": colour})
    return folder
