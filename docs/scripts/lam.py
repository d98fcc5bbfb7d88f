"""The picture and the numbers of docs/lam.md, from blurred images of the evaluation set.

python docs/scripts/lam.py EVAL_FOLDER OUT_FOLDER

Takes about fifteen minutes on two free CPU cores.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from dgno_core.inference import Restorer
from dgno_core.interpretation.lam import (
    Attribution,
    Effort,
    LamFound,
    LamSettings,
    Window,
    compare_lam,
    lam_events,
    read_neighbourhood,
)

MODELS = ("dgno-cell-small", "dgno-face-small")
EFFORTS: tuple[Effort, Effort] = ("quick", "full")
SHOWN = ("bbbc039_00.tif", Window.square(343, 150))  # where two nuclei touch
STEEPEST = (
    ("bbbc039_00.tif", Window.square(300, 87)),
    ("bbbc039_03.tif", Window.square(271, 580)),
    ("cytology_01.tif", Window.square(602, 786)),
)


def explain(path: Path, window: Window, name: str, settings: LamSettings) -> Attribution:
    """The map of one model."""
    view = read_neighbourhood(str(path), window, settings, Restorer(name, device="cpu"))
    last = list(lam_events(view, window, settings))[-1]
    assert isinstance(last, LamFound)
    return last.attribution


def compare_efforts(path: Path, window: Window) -> list[Attribution]:
    """Print a line for each model; return the maps of full effort."""
    maps = []
    for name in MODELS:
        quick, full = (explain(path, window, name, LamSettings(effort=e)) for e in EFFORTS)
        likeness = np.corrcoef(quick.absolute.ravel(), full.absolute.ravel())[0, 1]
        print(
            f"| {path.stem} ({window.y}, {window.x}) | {name} | {full.diffusion_index:.2f} | "
            f"{quick.diffusion_index:.2f} | {likeness:.4f} | {full.reach():.0f} | "
            f"{full.completeness_error:+.1%} | {full.seconds:.0f} s, {quick.seconds:.0f} s |",
            flush=True,
        )
        maps.append(full)
    return maps


def main() -> None:
    """Write the picture and print the table."""
    folder, out = map(Path, sys.argv[1:])
    name, window = SHOWN
    figure = compare_lam(compare_efforts(folder / name, window))
    picture = BytesIO()
    figure.savefig(picture, dpi=110)
    # 256 colours are less than half of the bytes.
    full = Image.open(picture).convert("RGB")
    palette = full.quantize(256, method=Image.Quantize.MAXCOVERAGE)
    few = full.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    few.save(out / "lam.png", optimize=True)
    for name, window in STEEPEST:
        compare_efforts(folder / name, window)


if __name__ == "__main__":
    main()
