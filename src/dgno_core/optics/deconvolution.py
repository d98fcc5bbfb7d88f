"""Classical deconvolution with one known kernel: Wiener filter and Richardson-Lucy.

scikit-image does the work. What is added here is what its functions leave to the caller: mirrored
borders (a Fourier transform wraps around and a plain convolution sees darkness beyond the image;
both ruin a frame as wide as the kernel), colour images, and no clipping to [-1, 1].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def wiener(image: ArrayLike, psf: Floats, balance: float = 0.1) -> Floats:
    """Restore with a Wiener filter that penalises the Laplacian.

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Y, X, S)``, any intensity scale (the filter is linear).
    psf
        Kernel with odd sides and sum 1.
    balance
        Weight of smoothness against fidelity, above 0.

    Returns
    -------
    Restored image, float64, in `image`'s units; not clipped.
    """
    from skimage.restoration import wiener as filter_plane

    def restore(plane: Floats) -> Floats:
        filtered = filter_plane(plane, psf, balance, clip=False)  # type: ignore[no-untyped-call]
        return np.asarray(filtered, dtype=np.float64)

    return _mirrored(image, psf, restore)


def richardson_lucy(image: ArrayLike, psf: Floats, iterations: int = 5) -> Floats:
    """Restore by Richardson-Lucy iterations (maximum likelihood for photon noise).

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Y, X, S)``. Negative pixels, which no photon count can have, count as 0.
    psf
        Kernel with odd sides and sum 1.
    iterations
        Number of updates; more of them sharpen more and amplify noise.

    Returns
    -------
    Restored image, float64, non-negative, in `image`'s units; not clipped above.
    """
    from skimage.restoration import richardson_lucy as iterate

    def restore(plane: Floats) -> Floats:
        plane = np.clip(plane, 0, None)
        scale = float(plane.max())
        if scale == 0:
            return plane  # darkness stays dark
        # scikit-image guards its division by an absolute 1e-12, so bring the plane near 1 first.
        estimate = iterate(plane / scale, psf, iterations, clip=False)  # type: ignore[no-untyped-call]
        return np.asarray(estimate, dtype=np.float64) * scale

    return _mirrored(image, psf, restore)


def _mirrored(image: ArrayLike, psf: Floats, restore: Callable[[Floats], Floats]) -> Floats:
    """Run `restore` on each channel, with the border mirrored far enough and cut off after."""
    if psf.ndim != 2 or any(side % 2 == 0 for side in psf.shape):
        raise ValueError(f"the kernel must be two-dimensional with odd sides, not {psf.shape}")
    pixels = np.asarray(image, dtype=np.float64)
    if pixels.ndim not in (2, 3):
        raise ValueError(f"the image must be (Y, X) or (Y, X, S), not of shape {pixels.shape}")
    # An inverse filter reaches further than the kernel: twice its full width on each side.
    frame = [(2 * side, 2 * side) for side in psf.shape]
    inside = tuple(slice(before, -before) for before, _ in frame)

    def plane(one: Floats) -> Floats:
        return restore(np.pad(one, frame, mode="symmetric"))[inside]

    if pixels.ndim == 2:
        return plane(pixels)
    return np.stack([plane(pixels[..., c]) for c in range(pixels.shape[2])], axis=-1)
