r"""The pattern of light behind a lens with aberrations, in and out of focus: the scalar pupil.

A point at a distance z from the focal plane gives, with frequencies f in cycles per um, the
amplitude

    a(x) = \int_{|f| <= NA / lambda} exp(2 pi i [z W_z(f) + W(rho, phi)]) exp(2 pi i f x) df,
    W_z(f) = sqrt((n / lambda)^2 - |f|^2) - n / lambda,

the sum of the plane waves that the objective takes in, each with its own path through the medium of
index n. W are the aberrations, in waves: Zernike polynomials of the pupil's radius rho = |f| lambda
/ NA and angle phi, with their largest value 1,

    spherical  6 rho^4 - 6 rho^2 + 1,   coma  (3 rho^3 - 2 rho) (sin phi, cos phi),
    astigmatism  rho^2 (cos 2 phi, sin 2 phi).

A camera's pixel collects |a|^2 over its area (Goodman, Introduction to Fourier Optics, ch. 6). In
focus and without aberrations it is the Airy pattern; far out of focus the geometric disk of
radius |z| tan(asin(NA / n)).
"""

from __future__ import annotations

from math import ceil, floor, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Floats = NDArray[np.float64]

_SAMPLES = 5  # of the light across a pixel, at least; odd, so that one lies at its centre
_MARGIN = 64  # pixels about the geometric disk: the rings reach far


def pupil_psf(
    shape: tuple[int, int],
    *,
    defocus_um: float,
    na: float,
    wavelength_um: float,
    pixel_um: float,
    index: float = 1.0,
    spherical: float = 0.0,
    coma: tuple[float, float] = (0.0, 0.0),
    astigmatism: tuple[float, float] = (0.0, 0.0),
) -> Floats:
    """Light that each pixel of a camera collects from a point, normalised to sum 1.

    Parameters
    ----------
    shape
        Rows and columns of the kernel. What falls outside is left out; the geometric disk needs
        ``2 defocus_um tan(asin(na / index)) / pixel_um`` pixels.
    defocus_um
        Distance of the point from the focal plane in um. With spherical aberration its sign
        matters.
    na
        Numerical aperture, above 0 and below `index`.
    wavelength_um
        Wavelength of the light in vacuum, in um.
    pixel_um
        Size of a pixel in the specimen (size on the chip over magnification), in um.
    index
        Refractive index of the medium.
    spherical
        Spherical aberration in waves.
    coma
        Coma along Y and X, in waves.
    astigmatism
        Astigmatism with its axis along X, and at 45 degrees, in waves.

    Returns
    -------
    numpy.ndarray
        ``shape``, float64, at least 0, the point at ``(shape[0] // 2, shape[1] // 2)``.

    Raises
    ------
    ValueError
        If a length is not above 0, the aperture not between 0 and the index, or a number not
        finite.

    Examples
    --------
    >>> from dgno_core.optics import pupil_psf
    >>> kernel = pupil_psf((33, 33), defocus_um=4, na=0.5, wavelength_um=0.52, pixel_um=0.3)
    >>> kernel.shape, round(float(kernel.sum()), 6)
    ((33, 33), 1.0)
    """
    numbers = (defocus_um, na, wavelength_um, pixel_um, index, spherical, *coma, *astigmatism)
    if not np.isfinite(numbers).all():
        raise ValueError(f"the lens needs finite numbers, not {numbers}")
    if not (wavelength_um > 0 and pixel_um > 0 and 0 < na < index and min(shape) > 0):
        raise ValueError(
            "the shape, the wavelength and the pixel must be above 0 and the numerical aperture "
            f"between 0 and the refractive index, not {shape}, {wavelength_um}, {pixel_um}, {na} "
            f"and {index}"
        )
    # The intensity has twice the pupil's frequencies, and sampling it needs twice that again.
    samples = max(_SAMPLES, ceil(4 * na * pixel_um / wavelength_um))
    samples += 1 - samples % 2
    step = pixel_um / samples
    # On a grid that the blurred point does not fill, its light would come back from the other side.
    disk = 2 * abs(defocus_um) * na / sqrt(index**2 - na**2) / pixel_um
    side = _grid_side(max(max(shape) + 1, ceil(2 * disk) + _MARGIN), samples)

    frequency = fft.fftfreq(side, step)
    fy, fx = frequency[:, None], frequency[None, :]
    rho = np.hypot(fy, fx) * (wavelength_um / na)
    axial = np.sqrt(np.maximum((index / wavelength_um) ** 2 - fy**2 - fx**2, 0))
    phase = defocus_um * (axial - index / wavelength_um)
    phase += _aberrations(rho, np.arctan2(fy, fx), spherical, coma, astigmatism)
    waves = np.where(rho <= 1, np.exp(2j * np.pi * phase), 0)
    intensity = np.abs(fft.fftshift(fft.ifft2(waves, overwrite_x=True))) ** 2
    kernel = _collect(intensity, shape, samples)
    return np.asarray(kernel / kernel.sum())


def _grid_side(pixels: int, samples: int) -> int:
    """Number of samples across at least so many pixels, whose FFT is fast."""
    side = pixels * samples
    while fft.next_fast_len(side) != side:
        side += samples
    return side


def _aberrations(
    rho: Floats,
    phi: Floats,
    spherical: float,
    coma: tuple[float, float],
    astigmatism: tuple[float, float],
) -> Floats:
    """Sum the aberrations of the pupil, in waves."""
    waves = spherical * (6 * rho**4 - 6 * rho**2 + 1)
    if any(coma):
        waves += (3 * rho**3 - 2 * rho) * (coma[0] * np.sin(phi) + coma[1] * np.cos(phi))
    if any(astigmatism):
        waves += rho**2 * (astigmatism[0] * np.cos(2 * phi) + astigmatism[1] * np.sin(2 * phi))
    return waves


def _collect(intensity: Floats, shape: tuple[int, int], samples: int) -> Floats:
    """Sum the samples of each pixel; the point lies at the middle of its own one."""
    centre = intensity.shape[0] // 2
    rows, columns = (
        slice(start, start + samples * size)
        for size in shape
        for start in [centre - floor(samples / 2) - samples * (size // 2)]
    )
    fine = intensity[rows, columns].reshape(shape[0], samples, shape[1], samples)
    return np.asarray(fine.sum(axis=(1, 3)))
