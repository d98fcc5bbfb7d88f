"""Re-blur consistency: the local blur that leads from the restored image back to the recorded one.

A restored image is a claim: blurred as the optics blurred, it is the recorded image. Here it is
blurred at a bank of widths; around every pixel a window votes for the width that comes closest, up
to a local gain and offset. What is left over no blur explains: structure in the restored image
that was never recorded, or recorded light that is missing in it.

What agrees need not be true: two sharp images that differ in fine detail only become the same one
when they are blurred. The residual finds contradictions, not all errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter, zoom
from scipy.special import ndtr

from dgno_core.inference.noise import Noise, estimate_noise
from dgno_core.optics.psf import PsfKind, make_psf

Floats = NDArray[np.float32]

WIDEST = 12.0  # px: the end of the bank, where nothing else is said
GAIN_TOLERANCE = 0.05  # how far from 1 the local gain is expected
_MOST_GAIN = 3 * GAIN_TOLERANCE  # and how far at most: what needs more was not made by blur
SMOOTHING = 2.0  # px: over which the residual is averaged
_BLOCK = 4  # px: sums of windows are kept for blocks of this size
_WINDOW = 8.0  # px: sigma of the window that votes
# px: both images are smoothed before the vote. A network leaves some noise where it is; pixel by
# pixel, no blur at all would explain that best.
_PRESMOOTH = 1.5
# Flat places hold no information on the blur: they use wider windows, with a lower weight.
_TOO_LITTLE, _ENOUGH = 0.8, 0.98  # of a kernel's weight that lies inside the view
_WIDER = ((24.0, 0.05), (96.0, 0.002))


@dataclass(frozen=True)
class Reblurred:
    """What the best local blur makes of the restored image.

    Attributes
    ----------
    kernel
        The family that explains the whole view better.
    width
        ``(Y, X)``: standard deviation of the kernel along an axis in pixels, that is sigma of a
        Gaussian and half the radius of a disk. What the restoration took away: where that still
        is blurred, the image was more so.
    image
        ``(C, Y, X)``: the restored image, blurred with that width, with local gain and offset.
    residual
        ``(C, Y, X)``: recorded minus `image`, averaged over `SMOOTHING` pixels, in standard
        deviations of equally averaged noise. It fades towards the border, within about two
        widths: what light came from outside nobody knows.
    noise
        Of each channel of the recorded image.
    widest
        The largest width that was tried, in pixels: a width that reaches it may be any larger.
    """

    kernel: PsfKind
    width: Floats
    image: Floats
    residual: Floats
    noise: tuple[Noise, ...]
    widest: float = WIDEST


def bank(widest: float) -> tuple[float, ...]:
    """Return the widths that are tried, in pixels, from 0 to `widest`.

    They are standard deviations along an axis, sigma of a Gaussian and half the radius of a disk,
    so that those of both families mean the same. Half a pixel apart up to 4, twice that up to 8,
    twice that up to 16, and so on.
    """
    widths, step, end = [0.0], 0.5, 4.0
    while widths[-1] + step < widest:
        widths.append(widths[-1] + step)
        if widths[-1] >= end:
            step, end = 2 * step, 2 * end
    return (*widths, widest)


def reblur(
    observed: Floats, restored: Floats, step: float = 0.0, widest: float = WIDEST
) -> Reblurred:
    """Find the local blur that leads back, and what it leaves unexplained.

    Parameters
    ----------
    observed, restored
        ``(C, Y, X)``, on the same scale, about 0 ... 1.
    step
        Distance of neighbouring values of `observed` if it was rounded.
    widest
        The largest width to try, in pixels.

    Returns
    -------
    Reblurred
    """
    noise = tuple(estimate_noise(channel, step) for channel in observed)
    deviation = np.stack(
        [law.deviation(gaussian_filter(c, 2)) for law, c in zip(noise, observed, strict=True)]
    )
    widths = bank(widest)
    fits = [_fit(observed, restored, deviation, kernel, widths) for kernel in ("gauss", "disk")]
    best = min(fits, key=lambda fit: fit.misfit)
    width, image = best.solve(restored)
    difference = (observed - image) / deviation
    averaged = gaussian_filter(difference, (0, SMOOTHING, SMOOTHING), mode="reflect")
    # White noise averaged by a Gaussian of sigma s keeps 1 / (2 s sqrt(pi)) of its deviation.
    residual = averaged * np.float32(2 * SMOOTHING * np.sqrt(np.pi)) * _known(width)
    return Reblurred(best.kernel, width, image, residual, noise, widest)


def _known(width: Floats) -> Floats:
    """How far the blurred image follows from what lies inside the view: 0 at its border, to 1."""
    inside = np.ones_like(width)
    for axis, length in enumerate(width.shape):
        shape = [-1 if each == axis else 1 for each in (0, 1)]
        near = (np.arange(length, dtype=np.float32) + 0.5).reshape(shape)
        for distance in (near, length - near):
            inside = inside * ndtr(distance / np.maximum(width, 0.3))
    return np.clip((inside - _TOO_LITTLE) / (_ENOUGH - _TOO_LITTLE), 0, 1).astype(np.float32)


@dataclass(frozen=True)
class _Fit:
    """Votes for every width of one family, on a grid of blocks."""

    kernel: PsfKind
    widths: tuple[float, ...]
    cost: NDArray[np.float64]  # (widths, blocks of Y, of X)
    gain: NDArray[np.float64]  # (widths, C, blocks of Y, of X)
    offset: NDArray[np.float64]

    @property
    def misfit(self) -> float:
        """Total misfit with the best width everywhere."""
        return float(self.cost.min(axis=0).sum())

    def solve(self, restored: Floats) -> tuple[Floats, Floats]:
        """Return the widths, and the restored image blurred with them."""
        widths = np.asarray(self.widths)
        shape = restored.shape[1:]
        position = _enlarge(_vertex(self.cost), shape)
        width = np.interp(position, np.arange(len(widths)), widths).astype(np.float32)
        image = np.zeros_like(restored)
        for index, blurred in enumerate(_blur_bank(restored, self.kernel, self.widths)):
            share = _share(width, widths, index)
            if not share.any():
                continue
            for channel, plane in enumerate(blurred):
                gain = _enlarge(self.gain[index, channel], shape)
                offset = _enlarge(self.offset[index, channel], shape)
                image[channel] += share * (gain * plane + offset)
        return width, image


def _fit(
    observed: Floats,
    restored: Floats,
    deviation: Floats,
    kernel: PsfKind,
    widths: tuple[float, ...],
) -> _Fit:
    """Let the windows vote for the widths of one family."""
    weight = (2 * _PRESMOOTH * np.sqrt(np.pi) / deviation.astype(np.float64)) ** 2
    recorded = _presmooth(observed)
    total, sum_o, sum_oo = (_window(weight * power) for power in (1.0, recorded, recorded**2))
    # A Gaussian window of sigma s is worth 4 pi s^2 pixels; but neighbours that were smoothed
    # together are one witness, not many.
    pixels = (_WINDOW / _PRESMOOTH) ** 2
    mean_o = sum_o / total
    var_o = sum_oo / total - mean_o**2
    prior = 1 / GAIN_TOLERANCE**2
    costs, gains, offsets = [], [], []
    for blurred in map(_presmooth, _blur_bank(restored, kernel, widths)):
        mean_b = _window(weight * blurred) / total
        var_b = _window(weight * blurred**2) / total - mean_b**2
        both = _window(weight * blurred * recorded) / total - mean_b * mean_o
        evidence = total * pixels
        likely = (evidence * both + prior) / (evidence * var_b + prior)
        gain = np.clip(likely, 1 - _MOST_GAIN, 1 + _MOST_GAIN)
        cost = evidence * (var_o - 2 * gain * both + gain**2 * var_b) + prior * (gain - 1) ** 2
        costs.append(_listen(cost.sum(axis=0)))
        gains.append(gain)
        offsets.append(mean_o - gain * mean_b)
    return _Fit(kernel, widths, np.stack(costs), np.stack(gains), np.stack(offsets))


def _presmooth(image: Floats) -> NDArray[np.float64]:
    smooth = gaussian_filter(image, (0, _PRESMOOTH, _PRESMOOTH), mode="reflect")
    return np.asarray(smooth, dtype=np.float64)


def _window(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average ``(C, Y, X)`` over the window, for each block."""
    extra = [(0, -size % _BLOCK) for size in image.shape[1:]]
    padded = np.pad(image, [(0, 0), *extra], mode="edge")
    channels, rows, columns = padded.shape
    blocks = padded.reshape(channels, rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK)
    sigma = _WINDOW / _BLOCK
    return np.asarray(gaussian_filter(blocks.mean((2, 4)), (0, sigma, sigma), mode="reflect"))


def _listen(cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add the votes of wider windows, at a lower weight."""
    heard = cost.copy()
    for sigma, weight in _WIDER:
        pixels = (sigma / _WINDOW) ** 2
        heard += weight * pixels * gaussian_filter(cost, sigma / _BLOCK, mode="reflect")
    return heard


def _vertex(cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where along the bank the cost is lowest, by a parabola through three votes."""
    best = np.clip(cost.argmin(axis=0), 1, len(cost) - 2)
    left, middle, right = (
        np.take_along_axis(cost, (best + shift)[None], axis=0)[0] for shift in (-1, 0, 1)
    )
    bend = left - 2 * middle + right
    shift = np.where(bend > 0, (left - right) / (2 * np.where(bend > 0, bend, 1)), 0)
    shift = np.where(bend > 0, shift, np.where(left < right, -1, 1))
    return np.asarray(np.clip(best + np.clip(shift, -1, 1), 0, len(cost) - 1), np.float64)


def _share(width: Floats, widths: NDArray[np.float64], index: int) -> Floats:
    """How much a width of the bank counts at each pixel: linear in the squared width."""
    variances = widths**2
    hat = np.zeros(len(widths))
    hat[index] = 1
    return np.interp(width**2, variances, hat).astype(np.float32)


def _enlarge(blocks: NDArray[np.float64], shape: tuple[int, ...]) -> Floats:
    """Interpolate from blocks to pixels."""
    pixels = zoom(blocks, _BLOCK, order=1, mode="nearest", grid_mode=True)
    return np.asarray(pixels[: shape[0], : shape[1]], dtype=np.float32)


def _blur_bank(image: Floats, kernel: PsfKind, widths: tuple[float, ...]) -> list[Floats]:
    """Blur ``(C, Y, X)`` at every width of the bank; the image is reflected at its borders."""
    reach = min(int(3 * max(widths)), *(size - 1 for size in image.shape[1:]))
    padded = np.pad(image, [(0, 0), (reach, reach), (reach, reach)], mode="reflect")
    size = [fft.next_fast_len(length, real=True) for length in padded.shape[1:]]
    spectrum = fft.rfft2(padded, size)
    blurs = []
    for width in widths:
        if width == 0:
            blurs.append(image)
            continue
        psf = make_psf(kernel, width * (2 if kernel == "disk" else 1)).astype(np.float32)
        middle = psf.shape[0] // 2
        if middle > reach:
            psf = psf[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1]
            psf, middle = psf / psf.sum(), reach
        blurred = fft.irfft2(spectrum * fft.rfft2(psf, size), size)
        start = reach + middle
        blurs.append(blurred[:, start : start + image.shape[1], start : start + image.shape[2]])
    return blurs
