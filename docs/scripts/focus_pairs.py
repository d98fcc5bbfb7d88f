"""The table and the pictures of docs/focus-pairs.md, from a focal stack.

python docs/scripts/focus_pairs.py STACK OUT_FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from dgno_core.data.pair_preview import contact_sheet
from dgno_core.data.registration import estimate_stack_registration, register
from dgno_core.data.stack_planes import stack_planes
from dgno_core.data.transform import Transform
from dgno_core.focus.curve import focus_curve, peak, plot_focus_curve
from dgno_core.focus.pairs import stack_pairs
from dgno_core.focus.sharpness import MEASURES
from dgno_core.metrics import psnr


def main() -> None:
    """Print the table and write the pictures."""
    folder, out = map(Path, sys.argv[1:])
    planes = stack_planes(folder)
    curves = {name: focus_curve(planes, name) for name in MEASURES}
    reference = peak(curves["tenengrad"]).index
    depths = np.arange(len(planes)) - reference
    plot_focus_curve(curves, out / "focus-curve.png", positions=depths)
    for name, curve in curves.items():
        found = peak(curve)
        print(f"{name}: best {found.position - reference:+.2f}, confidence {found.confidence:.2f}")
    sharp = planes[reference].read()
    registrations = estimate_stack_registration(planes, reference)
    for index, found in registrations.items():
        if index == reference:
            continue
        moving = planes[index].read()
        result = register(moving, sharp, found)
        common = (result.region & Transform().region(moving.shape, sharp.shape)).index
        plain = Transform().warp(moving, sharp.shape)
        scores = [psnr(sharp[common], image[common]) for image in (plain, result.image)]
        print(
            f"| {depths[index]:+d} | {found.magnification:.4f} | {found.rotation:+.2f} | "
            f"{found.shift[0]:+.1f}, {found.shift[1]:+.1f} | {found.residual:.2f} | "
            f"{found.expected:.2f} | {found.uncertainty:.2f} | {scores[0]:.1f} | {scores[1]:.1f} |"
        )
    pairs = stack_pairs(planes, folder.name, offsets=[-6, -3, 3, 6]).pairs
    contact_sheet(pairs, out / "focus-pairs.png")


if __name__ == "__main__":
    main()
