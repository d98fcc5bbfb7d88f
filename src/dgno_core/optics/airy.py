r"""The pattern of light behind a perfect lens, in and out of focus.

For a point at a distance z from the focal plane, the intensity at a distance r from the axis is the
squared modulus of

    a(r) = 2 \int_0^1 J_0(2 pi NA r rho / lambda)
                      exp(2 pi i z / lambda (sqrt(n^2 - NA^2 rho^2) - n)) rho d rho,

a sum over the circular pupil of plane waves, each with its own path through the medium of index n
(scalar diffraction, even illumination of the pupil). In focus it is the Airy pattern.
"""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import j0

Floats = NDArray[np.float64]


def airy_intensity(
    radius: ArrayLike, wavelength: float, aperture: float, *, defocus: float = 0, index: float = 1
) -> Floats:
    """Intensity at distances from the axis, relative to the peak in focus.

    Parameters
    ----------
    radius
        Distances in the specimen, in the unit of `wavelength`; any shape.
    wavelength
        Wavelength of the light in vacuum.
    aperture
        Numerical aperture, above 0 and below `index`.
    defocus
        Distance z from the focal plane, in the unit of `wavelength`; its sign does not matter.
    index
        Refractive index of the medium.

    Returns
    -------
    Array of `radius`'s shape, 0 to 1.
    """
    _check_lens(wavelength, aperture, index)
    distances, inverse = np.unique(np.abs(np.asarray(radius, dtype=float)), return_inverse=True)
    scale = 2 * np.pi / wavelength
    path = index - sqrt(index**2 - aperture**2)
    phase = scale * (aperture * float(distances.max(initial=0)) + path * abs(defocus))
    nodes, weights = np.polynomial.legendre.leggauss(24 + ceil(phase))  # enough for the ripples
    amplitude = np.zeros(distances.shape, dtype=np.complex128)
    for rho, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        delay = scale * defocus * (sqrt(index**2 - (aperture * rho) ** 2) - index)
        amplitude += 2 * weight * rho * np.exp(1j * delay) * j0(scale * aperture * rho * distances)
    intensity = np.abs(amplitude) ** 2
    return np.asarray(intensity[inverse].reshape(np.shape(radius)))


def airy_psf(
    wavelength: float,
    aperture: float,
    pixel: float,
    *,
    defocus: float = 0,
    index: float = 1,
    reach: int | None = None,
) -> Floats:
    """Light that each pixel of a camera collects, normalised to sum 1.

    Parameters
    ----------
    wavelength, pixel, defocus
        Wavelength, size of a pixel in the specimen (size on the chip over magnification) and
        distance from the focal plane, in the same unit.
    aperture, index
        See `airy_intensity`.
    reach
        Half-width of the kernel in pixels. None takes the radius of the cone of rays and another
        5 wavelengths over the aperture; beyond lie about 2 % of the light.

    Returns
    -------
    Array of shape ``(2 reach + 1, 2 reach + 1)``.
    """
    _check_lens(wavelength, aperture, index)
    if not pixel > 0:
        raise ValueError(f"the size of a pixel must be above 0, not {pixel}")
    if reach is None:
        cone = abs(defocus) * aperture / sqrt(index**2 - aperture**2)
        reach = ceil((cone + 5 * wavelength / aperture) / pixel)
    side = 2 * reach + 1
    # Gauss's points within each pixel: enough of them for the pattern's finest ripple.
    points, shares = np.polynomial.legendre.leggauss(3 + ceil(4 * aperture * pixel / wavelength))
    axis = np.abs(np.arange(side)[:, None] - reach + points / 2).round(12).ravel()
    radius = pixel * np.hypot(axis[:, None], axis)
    intensity = airy_intensity(radius, wavelength, aperture, defocus=defocus, index=index)
    fine = intensity.reshape(side, len(points), side, len(points))
    collected = np.einsum("yixj,i,j->yx", fine, shares, shares)
    return np.asarray(collected / collected.sum())


def _check_lens(wavelength: float, aperture: float, index: float) -> None:
    if not (wavelength > 0 and 0 < aperture < index):
        raise ValueError(
            "the wavelength must be above 0 and the numerical aperture between 0 and the "
            f"refractive index, not {wavelength}, {aperture} and {index}"
        )
