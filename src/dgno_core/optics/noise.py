"""The noise of a camera: photons that arrive by chance, and electronics that add to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def camera_noise(
    image: ArrayLike, photons: float, read_noise: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Add Poisson (shot) and Gaussian (read-out) noise.

    Parameters
    ----------
    image
        Noise-free intensities: 0 is dark, 1 stands for `photons` photons. Values below 0 count
        as dark.
    photons
        Photons at intensity 1, above 0. The noise of a pixel of value v has the variance
        ``v / photons + read_noise**2``.
    read_noise
        Standard deviation of the read-out, in units of intensity, 0 or more; for a camera with
        a read noise of e electrons, ``e / photons``.
    rng
        Source of randomness.

    Returns
    -------
    Noisy image in the same units; dark pixels may be slightly negative.
    """
    if not photons > 0 or read_noise < 0:
        raise ValueError("photons must be above 0 and read_noise must not be negative")
    light = np.clip(np.asarray(image, dtype=np.float64), 0, None)
    counts = rng.poisson(light * photons)
    noisy = counts / photons + read_noise * rng.standard_normal(light.shape)
    return np.asarray(noisy, dtype=np.float64)
