"""Light behind a perfect lens by the radial integral: another way to what the pupil gives."""

from __future__ import annotations

import numpy as np
from scipy.special import j0


def airy_intensity(
    radius: np.ndarray, wavelength: float, na: float, *, defocus: float = 0, index: float = 1
) -> np.ndarray:
    r"""Intensity at distances from the axis, 1 at the peak in focus; lengths in one unit.

    ``|2 \int_0^1 J_0(2 pi NA r rho / lambda) e^{2 pi i z / lambda (sqrt(n^2 - NA^2 rho^2) - n)}
    rho d rho|^2``.
    """
    scale = 2 * np.pi / wavelength
    nodes, weights = np.polynomial.legendre.leggauss(240)
    amplitude = np.zeros(np.shape(radius), complex)
    for rho, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        delay = scale * defocus * (np.sqrt(index**2 - (na * rho) ** 2) - index)
        amplitude += 2 * weight * rho * np.exp(1j * delay) * j0(scale * na * rho * radius)
    return np.abs(amplitude) ** 2
