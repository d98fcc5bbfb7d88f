r"""Blur of some objects of a scene that lie before or behind the others (CaDISBlur).

The MPT paper makes pairs for surgical microscopy from sharp images and their labels: either the
instruments are out of focus or the anatomy is. It gives no formula; this is ours. With K the blur,
I the image, m = 1 on the objects in front and 0 on those behind:

* Front out of focus: each point of an instrument spreads its light, and hides in the same measure
  what is behind it: ``K(m I) + (1 - K m) B``. The border is soft on both sides of the outline. B,
  the sharp background, is I where it can be seen. Under the instrument it is unknown; there, the
  mean of what the kernel sees of it stands in, ``K((1-m) I) / K(1-m)``.
* Back out of focus: the instruments stay sharp, and none of their light spreads over the anatomy,
  since rays from a point in focus meet again in one pixel. What the anatomy behind them would add
  is unknown, so the kernel counts what it sees of the anatomy only, ``K((1-m) I) / K(1-m)``.

Blurring the whole image and pasting by the mask does neither: in the first case the border
stays sharp, in the second a halo of the instrument's colour surrounds it.

Labels are hard and the image's own edges are not, so pixels up to `rim` beyond the outline count as
mixed: they are no anatomy to spread, and the transition runs over them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt
from scipy.signal import fftconvolve

from dgno_core.optics.psf import PsfKind, make_psf

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LayeredBlur:
    """Which objects are out of focus and how much: all that `blur_layers` needs.

    Parameters
    ----------
    classes
        Labels of the blurred objects.
    width
        Gaussian sigma or disk radius in pixels.
    in_front
        Whether the blurred objects lie in front of all others (instruments before anatomy), or
        behind them.
    psf
        The kernel.
    rim
        Pixels beyond the outline of the front objects that are counted as mixed.
    """

    classes: tuple[int, ...]
    width: float
    in_front: bool = True
    psf: PsfKind = "disk"
    rim: float = 1.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))  # a list, when read from JSON
        if self.rim < 0:
            raise ValueError(f"the rim must not be negative, but is {self.rim}")


def draw_layered_blur(
    seed: int,
    classes: tuple[int, ...],
    *,
    in_front: bool,
    widths: tuple[float, float] = (2.0, 8.0),
    psfs: tuple[PsfKind, ...] = ("gauss", "disk"),
) -> LayeredBlur:
    """Draw a kernel and its width, evenly between the ends of `widths`; the seed decides."""
    rng = np.random.default_rng(seed)
    psf = psfs[int(rng.integers(len(psfs)))]
    return LayeredBlur(tuple(classes), float(rng.uniform(*widths)), in_front, psf)


def blur_layers(image: ArrayLike, labels: ArrayLike, blur: LayeredBlur) -> Floats:
    """Blur the chosen objects of an image. The record decides all: the same one, the same image.

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Y, X, S)``.
    labels
        ``(Y, X)``, integers.
    blur
        What to blur.

    Returns
    -------
    float64 of `image`'s shape, in its units.
    """
    pixels, regions = np.asarray(image, dtype=np.float64), np.asarray(labels)
    if pixels.ndim not in (2, 3) or pixels.shape[:2] != regions.shape:
        raise ValueError(
            f"the labels {regions.shape} must be (Y, X) like the image, {pixels.shape}"
        )
    chosen = np.isin(regions, blur.classes)
    front = chosen if blur.in_front else ~chosen
    if not chosen.any():
        return pixels.copy()
    kernel = make_psf(blur.psf, blur.width)
    if chosen.all():
        return _convolve(pixels, kernel)

    beyond = np.asarray(distance_transform_edt(~front))
    flat = pixels if pixels.ndim == 3 else pixels[..., None]
    seen = (beyond > blur.rim).astype(np.float64)[..., None]  # purely of the back
    share = _convolve(seen, kernel).clip(0, 1)
    spread = _convolve(seen * flat, kernel)
    back = np.where(share > 1e-6, spread / np.maximum(share, 1e-6), flat)
    if blur.in_front:
        background = np.where(seen > 0, flat, back)
        result = _convolve((1 - seen) * flat, kernel) + share * background
    else:
        cover = np.clip(1 - beyond / (1 + blur.rim), 0, 1)[..., None]
        result = cover * flat + (1 - cover) * back
    return result.reshape(pixels.shape)


def _convolve(image: Floats, kernel: Floats) -> Floats:
    """Convolve ``(Y, X)`` or ``(Y, X, S)``; the border is mirrored, its pixel repeated."""
    reach = kernel.shape[0] // 2
    colour = image.ndim - 2
    padded = np.pad(image, [(reach, reach)] * 2 + [(0, 0)] * colour, mode="symmetric")
    kernel = kernel.reshape(*kernel.shape, *[1] * colour)
    return np.asarray(fftconvolve(padded, kernel, mode="valid", axes=(0, 1)))
