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
        Light per pixel in units of full scale: 0 is dark, 1 is `photons` photoelectrons. Values
        below 0 count as dark.
    photons
        Photoelectrons at full scale, above 0. The noise of a pixel of value v has the variance
        ``v / photons + (read_noise / photons)**2``.
    read_noise
        Standard deviation of the electronics, in electrons, 0 or more.
    rng
        Source of randomness.

    Returns
    -------
    Noisy image in the same units; dark pixels may be slightly negative.
    """
    if not photons > 0 or read_noise < 0:
        raise ValueError("photons must be above 0 and read_noise must not be negative")
    light = np.clip(np.asarray(image, dtype=np.float64), 0, None)
    electrons = rng.poisson(light * photons) + read_noise * rng.standard_normal(light.shape)
    return np.asarray(electrons / photons, dtype=np.float64)
