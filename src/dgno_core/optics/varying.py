r"""Blur whose width changes from pixel to pixel, exactly.

The *gather* form: each output pixel p averages the sharp image h with its own kernel,

    g(p) = sum_q k(q - p; w(p)) h(q),        sum_q k(q; w) = 1,

so a constant image stays constant. Beyond the border the image is mirrored, the edge pixel
repeated (numpy's ``symmetric``).

No kernel is built per pixel. The loop runs over kernel offsets and treats all pixels at once,
and offsets whose weight is equal share one multiplication:

* Gaussian: the weight of offset (a, b) is the product w_a(p) w_b(p), so with S_ab the sum of the
  (up to four) copies of h shifted by (+-a, +-b)

      g = 1/Z^2  sum_a w_a ( sum_b w_b S_ab ),      Z = w_0 + 2 sum_{d>=1} w_d.

* disk: the weight depends on the distance only, so the (up to eight) mirrored and transposed
  copies are summed first.

Two one-dimensional passes would be cheaper, but they are not exact where the width changes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dgno_core.optics.psf import GAUSSIAN_REACH, PsfKind, disk_radius, gaussian_radius, soft_disk

Floats = NDArray[np.floating]


def blur_varying(image: ArrayLike, width: ArrayLike, psf: PsfKind = "gauss") -> Floats:
    """Blur an image with its own kernel width at every pixel.

    Parameters
    ----------
    image
        ``(Y, X)`` or, in colour, ``(Y, X, S)``; any numeric type.
    width
        ``(Y, X)`` or one number: sigma (``"gauss"``) or radius (``"disk"``) in pixels, above 0.
    psf
        The kernel; see `dgno_core.optics.psf` for its sampling.

    Returns
    -------
    Array of `image`'s shape: float32 for float32 input, otherwise float64.

    Raises
    ------
    ValueError
        If the shapes do not fit, a width is not positive, or the kernel's name is unknown.

    Examples
    --------
    A speck, blurred by a Gaussian of 2 pixels; its light stays the same:

    >>> import numpy as np
    >>> from dgno_core.optics import blur_varying
    >>> speck = np.zeros((33, 33))
    >>> speck[16, 16] = 1
    >>> round(float(blur_varying(speck, 2.0).sum()), 6)
    1.0
    """
    pixels = np.asarray(image)
    if pixels.ndim not in (2, 3):
        raise ValueError(f"the image must be (Y, X) or (Y, X, S), not of shape {pixels.shape}")
    dtype = np.float32 if pixels.dtype == np.float32 else np.float64
    widths = np.broadcast_to(np.asarray(width, dtype=dtype), pixels.shape[:2])
    if not (np.isfinite(widths).all() and (widths > 0).all()):
        raise ValueError("every blur width must be a positive number of pixels")
    blur = {"gauss": _blur_gauss, "disk": _blur_disk}.get(psf)
    if blur is None:
        raise ValueError(f"the kernel must be 'gauss' or 'disk', not {psf!r}")
    if pixels.ndim == 2:
        return blur(pixels.astype(dtype), widths)
    # Channel by channel: the weights are worked out again, but memory stays at one channel's.
    channels = [blur(pixels[..., c].astype(dtype), widths) for c in range(pixels.shape[2])]
    return np.stack(channels, axis=-1)


def _shift_y(padded: Floats, offset: int, reach: int) -> Floats:
    """Rows of the padded image that lie `offset` below the output's rows."""
    return padded[reach + offset : padded.shape[0] - reach + offset]


def _shift_x(padded: Floats, offset: int, reach: int) -> Floats:
    return padded[:, reach + offset : padded.shape[1] - reach + offset]


def _both_signs(shift: Floats, mirrored: Floats, offset: int) -> Floats:
    """Sum of the two copies at +offset and -offset; offset 0 is counted once."""
    return shift + mirrored if offset else shift


def _blur_gauss(image: Floats, sigma: Floats) -> Floats:
    reach = gaussian_radius(float(sigma.max()))
    padded = np.pad(image, reach, mode="symmetric")
    own_radius = np.ceil(GAUSSIAN_REACH * sigma)
    exponent = -0.5 / sigma**2
    weights = [np.where(d <= own_radius, np.exp(exponent * d**2), 0) for d in range(reach + 1)]

    total = np.zeros_like(image)
    for a in reversed(range(reach + 1)):  # small weights first: the least rounding
        rows = _both_signs(_shift_y(padded, a, reach), _shift_y(padded, -a, reach), a)
        inner = np.zeros_like(image)
        for b in reversed(range(reach + 1)):
            copies = _both_signs(_shift_x(rows, b, reach), _shift_x(rows, -b, reach), b)
            inner += weights[b] * copies
        total += weights[a] * inner
    norm = weights[0] + 2 * sum(weights[1:])
    return np.asarray(total / norm**2)


def _blur_disk(image: Floats, radius: Floats) -> Floats:
    reach = disk_radius(float(radius.max()))
    padded = np.pad(image, reach, mode="symmetric")

    def copies(a: int, b: int) -> Floats:
        rows = _both_signs(_shift_y(padded, a, reach), _shift_y(padded, -a, reach), a)
        return _both_signs(_shift_x(rows, b, reach), _shift_x(rows, -b, reach), b)

    total = np.zeros_like(image)
    norm = np.zeros_like(image)
    for a in range(reach + 1):
        for b in range(a + 1):
            distance = float(np.hypot(a, b))
            if distance >= reach:
                continue  # outside the largest disk
            weight = soft_disk(distance, radius).astype(image.dtype)
            summed = copies(a, b) if a == b else copies(a, b) + copies(b, a)
            total += weight * summed
            norm += weight * (_count(a) * _count(b) * (1 if a == b else 2))
    return np.asarray(total / norm)


def _count(offset: int) -> int:
    return 2 if offset else 1
