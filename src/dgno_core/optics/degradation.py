"""Degradations drawn from a seed and kept as a record from which they can be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dgno_core.optics.maps import MapKind, Range, width_map
from dgno_core.optics.noise import camera_noise
from dgno_core.optics.psf import PsfKind
from dgno_core.optics.varying import blur_varying

_DRAWS, _MAP, _NOISE = range(3)  # independent streams of one seed


@dataclass(frozen=True)
class Degradation:
    """All that was drawn to degrade one image. Plain numbers and names, so JSON keeps it exactly.

    Parameters
    ----------
    seed
        Seed of the width map and of the noise, which are streams of their own: a record with
        other `photons` has the same map.
    psf
        The kernel.
    kind
        Smooth map, or regions with jumps.
    widths
        Lowest and highest width of the map, in pixels.
    photons
        Photons at intensity 1; None for no noise at all.
    read_noise
        Standard deviation of the read-out, in units of intensity.
    """

    seed: int
    psf: PsfKind
    kind: MapKind
    widths: Range
    photons: float | None = None
    read_noise: float = 0.0

    def __post_init__(self) -> None:
        low, high = self.widths
        object.__setattr__(self, "widths", (low, high))  # a list, when read from JSON


@dataclass(frozen=True)
class DegradationRanges:
    """Ranges that `degrade_randomly` draws from: evenly, but photons evenly in their logarithm."""

    psfs: tuple[PsfKind, ...] = ("gauss", "disk")
    kinds: tuple[MapKind, ...] = ("smooth", "regions")
    lowest: Range = (0.4, 1.5)
    highest: Range = (2.0, 8.0)
    photons: Range | None = (150.0, 8000.0)
    read_noise: Range = (0.0, 0.01)


@dataclass(frozen=True)
class Degraded:
    """A degraded image, the blur width at each of its pixels, and how both were made."""

    image: NDArray[np.floating]
    widths: NDArray[np.float64]
    record: Degradation


def degrade_randomly(
    sharp: ArrayLike, seed: int, ranges: DegradationRanges | None = None
) -> Degraded:
    """Blur an image and add noise as the seed decides.

    Parameters
    ----------
    sharp
        ``(Y, X)`` or ``(Y, X, S)``, intensities about 0 ... 1.
    seed
        0 or more.
    ranges
        What may be drawn.
    """
    ranges = ranges or DegradationRanges()
    rng = np.random.default_rng((seed, _DRAWS))
    psf = ranges.psfs[int(rng.integers(len(ranges.psfs)))]
    kind = ranges.kinds[int(rng.integers(len(ranges.kinds)))]
    widths = float(rng.uniform(*ranges.lowest)), float(rng.uniform(*ranges.highest))
    photons, read_noise = None, 0.0
    if ranges.photons is not None:
        fewest, most = ranges.photons
        photons = exp(rng.uniform(log(fewest), log(most)))
        read_noise = float(rng.uniform(*ranges.read_noise))
    return replay(Degradation(seed, psf, kind, widths, photons, read_noise), sharp)


def replay(record: Degradation, sharp: ArrayLike) -> Degraded:
    """Degrade an image as the record says; on the same image, bit by bit as it was."""
    pixels = np.asarray(sharp)
    shape = (pixels.shape[0], pixels.shape[1])
    rng = np.random.default_rng((record.seed, _MAP))
    widths = width_map(record.kind, shape, record.widths, rng)
    image = blur_varying(pixels, widths, record.psf)
    if record.photons is not None:
        rng = np.random.default_rng((record.seed, _NOISE))
        image = camera_noise(image, record.photons, record.read_noise, rng)
    return Degraded(image, widths, record)
