"""The noise of a camera: photons that arrive by chance, and electronics that add to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import torch


@overload
def camera_noise(
    image: ArrayLike, photons: float, read_noise: float, rng: np.random.Generator
) -> NDArray[np.float64]: ...


@overload
def camera_noise(
    image: torch.Tensor, photons: float, read_noise: float, rng: torch.Generator
) -> torch.Tensor: ...


def camera_noise(
    image: ArrayLike | torch.Tensor,
    photons: float,
    read_noise: float,
    rng: np.random.Generator | torch.Generator,
) -> NDArray[np.float64] | torch.Tensor:
    """Add Poisson (shot) and Gaussian (read-out) noise.

    Parameters
    ----------
    image
        Noise-free intensities: 0 is dark, 1 stands for `photons` photons. Values below 0 count
        as dark. A tensor if `rng` is torch's.
    photons
        Photons at intensity 1, above 0. The noise of a pixel of value v has the variance
        ``v / photons + read_noise**2``.
    read_noise
        Standard deviation of the read-out, in units of intensity, 0 or more; for a camera with
        a read noise of e electrons, ``e / photons``.
    rng
        Source of randomness, numpy's or torch's. The two draw different numbers.

    Returns
    -------
    Noisy image in the same units; dark pixels may be slightly negative.
    """
    if not photons > 0 or read_noise < 0:
        raise ValueError("photons must be above 0 and read_noise must not be negative")
    if not isinstance(rng, np.random.Generator):
        return _on_tensors(image, photons, read_noise, rng)  # type: ignore[arg-type]
    light = np.clip(np.asarray(image, dtype=np.float64), 0, None)
    counts = rng.poisson(light * photons)
    noisy = counts / photons + read_noise * rng.standard_normal(light.shape)
    return np.asarray(noisy, dtype=np.float64)


def _on_tensors(
    image: torch.Tensor, photons: float, read_noise: float, generator: torch.Generator
) -> torch.Tensor:
    import torch  # needed for tensors only

    counts = torch.poisson(image.clamp_min(0) * photons, generator=generator)
    return counts / photons + read_noise * torch.randn(image.shape, generator=generator)
