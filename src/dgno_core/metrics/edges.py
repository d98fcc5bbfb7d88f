"""Where one restoration is closer to the sharp image than another (DGNO paper, Fig. 6).

The band around edges is that of the sharp image, the same for all methods: only differences under
one definition of it mean anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dgno_core.errors import DGNOError
from dgno_core.metrics.fidelity import Floats, psnr_of, scale_by_reference

SIGMA, SHARE, DILATION = 1.0, 0.1, 2


@dataclass(frozen=True)
class EdgeScore:
    """Fidelity near edges and elsewhere.

    Attributes
    ----------
    area
        Share of the pixels that belong to the band, 0 to 1.
    band, rest, whole
        PSNR in dB within the band, outside it, and of all pixels. Infinite where nothing differs;
        NaN for a region without pixels.
    """

    area: float
    band: float
    rest: float
    whole: float


def edge_band(
    sharp: ArrayLike, *, sigma: float = SIGMA, share: float = SHARE, dilation: int = DILATION
) -> NDArray[np.bool_]:
    """Band around the edges of an image: its steepest pixels and what is near them.

    Parameters
    ----------
    sharp
        ``(Y, X)``, or ``(Y, X, C)`` whose channels are averaged.
    sigma
        Gaussian smoothing before the Sobel gradient, in pixels.
    share
        Of the pixels that count as steepest, 0 to 1. A share, not a part of the largest gradient:
        one bright speck would change that several times over.
    dilation
        By how many pixels the band is widened (steps of the 4-neighbour cross).

    Returns
    -------
    numpy.ndarray
        ``(Y, X)``, True in the band. Empty where the image is constant.
    """
    from scipy.ndimage import binary_dilation, gaussian_filter, sobel

    image = np.asarray(sharp, dtype=np.float64)
    image = image.mean(axis=-1) if image.ndim == 3 else image
    smooth = gaussian_filter(image, sigma)
    steepness = np.hypot(sobel(smooth, 0), sobel(smooth, 1))
    band: NDArray[np.bool_] = steepness > np.quantile(steepness, 1 - share)
    return binary_dilation(band, iterations=dilation) if dilation else band


def band_psnr(
    sharp: ArrayLike, image: ArrayLike, band: NDArray[np.bool_] | None = None
) -> EdgeScore:
    """PSNR in the edge band and elsewhere, both images scaled by the range of the sharp one.

    Parameters
    ----------
    sharp, image
        ``(Y, X)`` or ``(Y, X, C)``, in the same units.
    band
        ``(Y, X)``; by default `edge_band` of the sharp image.

    Raises
    ------
    DGNOError
        If the shapes differ or the sharp image is constant.
    """
    reference, other = _scaled(sharp, image)
    where = edge_band(reference) if band is None else band
    if where.shape != reference.shape[:2]:
        raise DGNOError(f"The band has the shape {where.shape}, the image {reference.shape[:2]}.")
    squared = np.square(other - reference)
    return EdgeScore(
        float(where.mean()), *(psnr_of(part) for part in (squared[where], squared[~where], squared))
    )


def error_difference(sharp: ArrayLike, first: ArrayLike, second: ArrayLike) -> Floats:
    """``|e_A| - |e_B|`` in units of the sharp image's range: positive where the second is closer.

    Parameters
    ----------
    sharp, first, second
        ``(Y, X)`` or ``(Y, X, C)``, in the same units.

    Returns
    -------
    numpy.ndarray
        ``(Y, X)``, averaged over channels; -1 to 1 for images within the sharp one's range.

    Raises
    ------
    DGNOError
        If the shapes differ or the sharp image is constant.
    """
    reference, a, b = _scaled(sharp, first, second)
    difference = np.abs(a - reference) - np.abs(b - reference)
    return difference.mean(axis=-1) if difference.ndim == 3 else difference


def _scaled(sharp: ArrayLike, *images: ArrayLike) -> tuple[Floats, ...]:
    shapes = {np.shape(image) for image in (sharp, *images)}
    if len(shapes) > 1:
        listed = " and ".join(str(np.shape(image)) for image in (sharp, *images))
        raise DGNOError(f"Images of the shapes {listed} cannot be compared; they must be alike.")
    return scale_by_reference(sharp, *images)
