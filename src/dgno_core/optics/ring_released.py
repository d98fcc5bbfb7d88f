"""Two more steps of the released ring deconvolution code, to repeat published numbers with."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from dgno_core.optics.ring_deconvolution import stretch

Floats = NDArray[np.floating]


def prepare_released(image: ArrayLike) -> Floats:
    """Prepare an image as the released code does by default.

    Negative values and the outermost pixels become 0, and the result is stretched to 0 ... 0.9.
    That spoils the radiometry: a score against an image that was not prepared means nothing.
    The released code alters its caller's array; this does not.
    """
    prepared = np.clip(np.asarray(image, dtype=np.float64), 0, None)
    inside = prepared[1:-1, 1:-1].copy()
    prepared[...] = 0
    prepared[1:-1, 1:-1] = inside
    return 0.9 * stretch(prepared)


def wiener_released(image: ArrayLike, psf: Floats, balance: float = 3e-4) -> Floats:
    """Restore with one point spread function, as the released code's baseline does.

    A Wiener filter with a Laplacian penalty and periodic borders, on intensities 0 ... 1 moved to
    -1 ... 1 and clipped there. `dgno_core.optics.wiener` is the one to use: it mirrors
    the border and keeps the range.

    Parameters
    ----------
    image
        ``(Y, X)``, 0 ... 1.
    psf
        ``(Y, X)``, centred on pixel (Y/2, X/2), such as `RingBlur.centre`.
    balance
        Weight of the penalty.
    """
    pixels = np.asarray(image, dtype=np.float64)
    laplacian = np.zeros(pixels.shape)
    laplacian[0, 0] = 4
    laplacian[[0, 0, 1, -1], [1, -1, 0, 0]] = -1
    transfer = fft.rfft2(fft.ifftshift(psf))
    power = np.abs(transfer) ** 2 + balance * np.abs(fft.rfft2(laplacian)) ** 2
    spectrum = transfer.conj() / power * fft.rfft2(2 * pixels - 1)
    return np.asarray(np.clip(fft.irfft2(spectrum, s=pixels.shape), -1, 1) / 2 + 0.5)
