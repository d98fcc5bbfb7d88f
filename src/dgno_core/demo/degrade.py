"""What a poor focus and a camera do to a sharp image, by a known amount."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.optics import blur_varying, camera_noise, smooth_map
from dgno_core.optics.maps import Range
from dgno_core.optics.psf import PsfKind

WIDTHS: Range = (0.6, 4.0)  # px, from sharp to clearly out of focus, within one field
PHOTONS = 1500.0  # of a pixel at full scale
READ_NOISE = 4 / PHOTONS  # of full scale; 4 electrons


@dataclass(frozen=True)
class Degraded:
    """A blurred image, and the true width of its blur at every pixel."""

    blurred: NDArray[Any]
    width: NDArray[np.float64]
    psf: PsfKind


def degrade(
    sharp: NDArray[Any], seed: int, psf: PsfKind = "gauss", widths: Range = WIDTHS
) -> Degraded:
    """Blur with a smooth random width map and add camera noise; the dtype is kept.

    Parameters
    ----------
    sharp
        ``(Y, X)`` or ``(Y, X, 3)``, of an unsigned integer type.
    seed
        The same seed gives the same result.
    psf
        ``"gauss"`` or ``"disk"``.
    widths
        Lowest and highest width of the blur, in pixels: sigma, or the radius of the disk.
    """
    rng = np.random.default_rng(seed)
    height, width = sharp.shape[:2]
    each = smooth_map((height, width), widths, rng)
    full_scale = float(sharp.max())
    light = blur_varying(sharp / full_scale, each, psf)
    counts = np.rint(full_scale * camera_noise(light, PHOTONS, READ_NOISE, rng))
    top = np.iinfo(sharp.dtype).max
    return Degraded(np.clip(counts, 0, top).astype(sharp.dtype), each, psf)
