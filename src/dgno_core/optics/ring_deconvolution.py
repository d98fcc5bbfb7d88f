"""Ring deconvolution: the image whose ring convolution is nearest to the measured one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dgno_core.optics.ring import RingBlur

Floats = NDArray[np.floating]


def ring_deconvolve(
    image: ArrayLike,
    blur: RingBlur,
    *,
    iterations: int = 150,
    step: float = 5e-2,
    tv: float = 1e-10,
    l2: float = 1e-10,
    l1: float = 0.0,
    upper: float | None = None,
) -> Floats:
    """Restore an image blurred by a known revolution-invariant lens.

    Minimises ``mean((A x - y)^2) + tv sum(|dx| + |dy|) + l2 ||x|| + l1 sum|x|`` over x >= 0 with
    Adam on the pixels, from x = y on; the defaults are the released code's.

    Parameters
    ----------
    image
        ``(N, N)``, any scale.
    blur
        The lens, from `ring_blur`; its form decides how the result is scaled.
    iterations
        Steps of Adam.
    step
        Length of a step, in units of the largest value (``released``: of `image` as it is).
    tv, l2, l1
        Weights of the penalties, in the same units.
    upper
        Largest value allowed, in the same units; None for no limit.

    Returns
    -------
    ``(N, N)``. ``corrected``: in `image`'s units; the weakly determined corners may overshoot, so
    clip if the range matters. ``released``: stretched to 0 ... 1.
    """
    measured = np.asarray(image, dtype=blur.transfer.dtype)
    released = blur.form == "released"
    scale = 1.0 if released else float(measured.max())
    if scale <= 0:
        return np.zeros_like(measured)  # there is no light to restore
    measured = measured / scale
    estimate, adam = measured.copy(), _Adam(measured)
    for _ in range(iterations):
        residual = blur.convolve(estimate) - measured
        gradient = blur.adjoint(residual) * (2 / residual.size)
        gradient += _penalty_gradient(estimate, tv, l2, l1)
        estimate = np.clip(estimate - adam.update(gradient, step), 0, upper)
    return stretch(estimate) if released else estimate * scale


def stretch(image: Floats) -> Floats:
    """Bring an image's smallest value to 0 and its largest to 1; a constant image to 0."""
    low, high = image.min(), image.max()
    return np.asarray((image - low) / (high - low if high > low else 1))


def _penalty_gradient(x: Floats, tv: float, l2: float, l1: float) -> Floats:
    gradient = np.asarray(l1 * np.sign(x), dtype=x.dtype)
    norm = float(np.linalg.norm(x))
    if norm:
        gradient += (l2 / norm) * x
    for axis in (0, 1):
        rise = tv * np.sign(np.diff(x, axis=axis))
        none = [(int(a == axis), 0) for a in (0, 1)]
        gradient += np.pad(rise, none) - np.pad(rise, [pad[::-1] for pad in none])
    return gradient


class _Adam:
    """The optimiser of Kingma and Ba (2015) on one array."""

    decay, decay_squares, guard = 0.9, 0.999, 1e-8

    def __init__(self, like: Floats) -> None:
        self.mean, self.square, self.count = np.zeros_like(like), np.zeros_like(like), 0

    def update(self, gradient: Floats, step: float) -> Floats:
        self.count += 1
        self.mean += (1 - self.decay) * (gradient - self.mean)
        self.square += (1 - self.decay_squares) * (gradient**2 - self.square)
        root = np.sqrt(self.square / (1 - self.decay_squares**self.count)) + self.guard
        return np.asarray((step / (1 - self.decay**self.count)) * self.mean / root)
