"""The two blur kernels of a defocused microscope: a Gaussian and a disk with a soft edge."""

from __future__ import annotations

from math import ceil
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

PsfKind: TypeAlias = Literal["gauss", "disk"]

GAUSSIAN_REACH = 4.0  # the kernel is cut to zero beyond this many sigmas, in each axis


def gaussian_radius(sigma: float) -> int:
    """Half-width of the sampled Gaussian's square support, in pixels."""
    return ceil(GAUSSIAN_REACH * sigma)


def disk_radius(radius: float) -> int:
    """Half-width of the sampled soft disk's support, in pixels."""
    return ceil(radius + 0.5)


def soft_disk(distance: ArrayLike, radius: ArrayLike) -> NDArray[np.float64]:
    """Weight of a disk at a distance from its centre: 1 inside, a 1 px linear edge, 0 outside.

    ``clip(radius + 1/2 - distance, 0, 1)``: the edge is at half height exactly at `radius`, so
    the disk grows smoothly with its radius instead of gaining whole rings of pixels at a time.
    """
    return np.asarray(np.clip(np.asarray(radius) + 0.5 - np.asarray(distance), 0.0, 1.0))


def _distances(reach: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    offsets = np.arange(-reach, reach + 1, dtype=np.float64)
    return offsets[:, None], offsets[None, :]


def gaussian_psf(sigma: float) -> NDArray[np.float64]:
    """Sample a Gaussian, normalised to sum 1.

    Parameters
    ----------
    sigma
        Standard deviation in pixels, above 0.

    Returns
    -------
    Array of shape ``(2 r + 1, 2 r + 1)`` with ``r = ceil(4 sigma)``.

    Examples
    --------
    >>> from dgno_core.optics import gaussian_psf
    >>> kernel = gaussian_psf(1.5)
    >>> kernel.shape, round(float(kernel.sum()), 6)
    ((13, 13), 1.0)
    """
    _check_width(sigma)
    y, x = _distances(gaussian_radius(sigma))
    kernel = np.exp(-(y**2 + x**2) / (2 * sigma**2))
    return np.asarray(kernel / kernel.sum(), dtype=np.float64)


def disk_psf(radius: float) -> NDArray[np.float64]:
    """Sample a disk with an anti-aliased edge, normalised to sum 1.

    Parameters
    ----------
    radius
        Radius in pixels, above 0.

    Returns
    -------
    Array of shape ``(2 r + 1, 2 r + 1)`` with ``r = ceil(radius + 1/2)``.

    Examples
    --------
    >>> from dgno_core.optics import disk_psf
    >>> kernel = disk_psf(3)
    >>> kernel.shape, round(float(kernel.sum()), 6)
    ((9, 9), 1.0)
    """
    _check_width(radius)
    y, x = _distances(disk_radius(radius))
    kernel = soft_disk(np.hypot(y, x), radius)
    return np.asarray(kernel / kernel.sum(), dtype=np.float64)


def make_psf(kind: PsfKind, width: float) -> NDArray[np.float64]:
    """Return the Gaussian (`width` = sigma) or the disk (`width` = radius), in pixels."""
    if kind == "gauss":
        return gaussian_psf(width)
    if kind == "disk":
        return disk_psf(width)
    raise ValueError(f"the kernel must be 'gauss' or 'disk', not {kind!r}")


def _check_width(width: float) -> None:
    if not (np.isfinite(width) and width > 0):
        raise ValueError(f"the blur width must be a positive number of pixels, not {width}")
