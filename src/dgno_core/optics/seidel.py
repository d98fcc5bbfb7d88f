r"""Point spread functions of a lens with Seidel aberrations, anywhere in its field.

A field point (x to the right, y up) counts in pixels from the optical axis, which passes through
pixel (N/2, N/2) of an N x N frame. With h = hypot(x, y) / (N/2), phi the direction of (x, -y), the
pupil point (X, Y) in units of the aperture's radius, and X_r = X cos phi + Y sin phi, the wavefront
in waves is

    W = W040 rho^4 + W131 h rho^2 X_r + W222 h^2 X_r^2 + W220 h^2 rho^2 + W311 h^3 X_r + W_d rho^2,

and the point spread function is the squared modulus of the Fourier transform of
exp(-2 pi i W) over the disk rho <= 1. Wavelength and aperture matter only through the size of a
pixel (`pupil_extent`). The signs of the axes, the pupil's grid (both of its ends included) and the
order of the terms are those of the released code of ring deconvolution microscopy
(Kohli et al., 2025).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

Floats = NDArray[np.floating]

NYQUIST = 2.0  # half the pupil's grid in aperture radii where the intensity is just resolved


@dataclass(frozen=True)
class Seidel:
    """Aberrations in waves, at the edge of the pupil and (but for the first and last) of the field.

    The field's edge is the middle of a side of the frame: the corners lie at sqrt 2 times that.
    """

    spherical: float = 0.0
    coma: float = 0.0
    astigmatism: float = 0.0
    field_curvature: float = 0.0
    distortion: float = 0.0
    defocus: float = 0.0

    @property
    def rotation_symmetric(self) -> bool:
        """Whether every point spread function is a round spot about its own centre."""
        return not (self.coma or self.astigmatism or self.distortion)

    def wavefront(self, pupil: tuple[Floats, Floats], height: Floats, direction: Floats) -> Floats:
        """Wavefront error in waves at pupil points, for field points given as h and phi."""
        x, y = pupil
        across = x * np.cos(direction) + y * np.sin(direction)
        rho2, h = x**2 + y**2, height
        return np.asarray(
            (self.spherical * rho2 + self.defocus + self.field_curvature * h**2) * rho2
            + (self.coma * rho2 + self.astigmatism * h * across + self.distortion * h**2)
            * (h * across)
        )


def pupil_extent(wavelength: float, aperture: float, pixel: float) -> float:
    """Half-width of the pupil's grid for a pixel size, in aperture radii.

    Parameters
    ----------
    wavelength, pixel
        Wavelength and size of a pixel in the specimen, in the same unit.
    aperture
        Numerical aperture. The relation is the paraxial one: ``wavelength / (2 aperture pixel)``.

    Returns
    -------
    2 (`NYQUIST`) for a pixel of ``wavelength / (4 aperture)``; smaller pixels give more.
    """
    return wavelength / (2 * aperture * pixel)


def seidel_psf(
    seidel: Seidel, size: int, x: ArrayLike = 0, y: ArrayLike = 0, *, extent: float = NYQUIST
) -> Floats:
    """Sample the point spread functions of field points, each in the middle of its own frame.

    Parameters
    ----------
    seidel
        The aberrations.
    size
        Side N of the frame in pixels, even.
    x, y
        Field points in pixels from the optical axis, x to the right and y up; any (equal) shape.
    extent
        See `pupil_extent`; at least 2, below which the pattern is finer than the pixels.

    Returns
    -------
    Array ``(..., N, N)`` with the shape of `x` first, float64, each of sum 1, centred on pixel
    (N/2, N/2).

    Raises
    ------
    ValueError
        If the side is odd or the pixels are too coarse.
    """
    check_side(size)
    if not extent >= NYQUIST:
        raise ValueError(
            "the pixels are larger than a quarter wavelength over the numerical aperture, "
            f"too large to sample the light's pattern (extent {extent:.3g}, needed: 2)"
        )
    u, v = np.broadcast_arrays(np.asarray(x) / (size / 2), -np.asarray(y) / (size / 2))
    axis = -np.linspace(-extent, extent, size)
    inside = axis[:, None] ** 2 + axis**2 <= 1
    rows, columns = np.nonzero(inside)
    waves = seidel.wavefront(
        (axis[columns], axis[rows]), np.hypot(u, v)[..., None], np.arctan2(v, u)[..., None]
    )
    pupil = np.zeros((*u.shape, size, size), dtype=np.complex128)
    pupil[..., rows, columns] = np.exp(-2j * np.pi * waves)
    field = fft.ifft2(fft.ifftshift(pupil, axes=(-2, -1)), overwrite_x=True)
    intensity = fft.fftshift(field.real**2 + field.imag**2, axes=(-2, -1))
    return np.asarray(intensity / intensity.sum((-2, -1), keepdims=True))


def blur_exact(image: ArrayLike, seidel: Seidel, *, extent: float = NYQUIST) -> Floats:
    """Let every pixel spread its light with its own point spread function, approximating nothing.

    It costs N^2 Fourier transforms (0.6 s at 64 x 64, 15 s at 128 x 128, an hour at 512 x 512) and
    is what the fast forms are measured against.

    Parameters
    ----------
    image
        ``(N, N)`` or several images ``(B, N, N)``, which take hardly longer than one; N even.
    seidel
        The aberrations.
    extent
        See `pupil_extent`.

    Returns
    -------
    float64 of `image`'s shape. Light that leaves the frame is lost; none comes in.
    """
    pixels = np.asarray(image, dtype=np.float64)
    if pixels.ndim not in (2, 3) or pixels.shape[-1] != pixels.shape[-2]:
        raise ValueError(f"the images must be square, (N, N) or (B, N, N), not {pixels.shape}")
    side = pixels.shape[-1]
    blurred = np.zeros_like(pixels)
    for row in range(side):
        lit = np.flatnonzero(pixels[..., row, :].reshape(-1, side).any(axis=0))
        right, down = lit - side // 2, row - side // 2
        spots = seidel_psf(seidel, side, right, np.full(lit.shape, -down), extent=extent)
        for column, spot in zip(lit, spots, strict=True):
            to, source = overlap(spot.shape, down, int(column) - side // 2)
            blurred[(..., *to)] += pixels[..., row, column, None, None] * spot[source]
    return blurred


def move(psf: Floats, down: float, right: float, *, exact: bool = True, margin: int = 0) -> Floats:
    """Move an image by any distance; light that leaves the (enlarged) frame is lost.

    Parameters
    ----------
    psf
        ``(Y, X)``.
    down, right
        Distances in pixels.
    exact
        Move by fractions of a pixel in the Fourier domain, which is exact for an intensity that
        the pixels resolve. Otherwise interpolate linearly, as the released code does: that blurs.
    margin
        Pixels by which the frame is enlarged on every side.
    """
    whole, part = (floor(down), floor(right)), (down - floor(down), right - floor(right))
    if exact and any(part):
        tilt = (
            np.exp(-2j * np.pi * part[0] * fft.fftfreq(psf.shape[0]))[:, None],
            np.exp(-2j * np.pi * part[1] * fft.rfftfreq(psf.shape[1])),
        )
        psf, part = fft.irfft2(fft.rfft2(psf) * tilt[0] * tilt[1], s=psf.shape), (0.0, 0.0)
    psf = np.pad(psf, margin)
    moved = np.zeros_like(psf)
    for step_y, share_y in ((0, 1 - part[0]), (1, part[0])):
        for step_x, share_x in ((0, 1 - part[1]), (1, part[1])):
            if share_y and share_x:
                to, source = overlap(psf.shape, whole[0] + step_y, whole[1] + step_x)
                moved[to] += share_y * share_x * psf[source]
    return moved


Window = tuple[slice, slice]


def overlap(shape: tuple[int, ...], down: int, right: int) -> tuple[Window, Window]:
    """Where a frame that is moved by whole pixels lands in itself, and what lands there."""

    def along(side: int, shift: int) -> tuple[slice, slice]:
        first, last = max(shift, 0), max(min(side + shift, side), 0)
        return slice(first, max(first, last)), slice(first - shift, max(first, last) - shift)

    (to_y, from_y), (to_x, from_x) = along(shape[0], down), along(shape[1], right)
    if to_y.start >= to_y.stop or to_x.start >= to_x.stop:
        nothing = (slice(0, 0), slice(0, 0))
        return nothing, nothing
    return (to_y, to_x), (from_y, from_x)


def check_side(size: int) -> None:
    """Refuse a frame that has no pixel N/2 on the optical axis."""
    if size < 2 or size % 2:
        raise ValueError(f"the frame must be square with an even side, not of side {size}")
