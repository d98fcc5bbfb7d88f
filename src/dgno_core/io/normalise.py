"""Reversible normalisation: one intensity range for the whole stack.

A range per plane would stretch the noise of planes that are out of focus, so the range is that of
the stack: of each channel by itself, or of the three colours together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dgno_core.io.axes import PlaneLayout

SAMPLES = 1 << 22  # pixels kept of a channel: percentiles to 0.001 %, in at most 32 MB
FULL = (0.0, 100.0)  # the percentiles that are the extremes


@dataclass(frozen=True)
class IntensityRange:
    """The intensities that become 0 and 1; values beyond them stay beyond."""

    low: float
    high: float

    @property
    def is_constant(self) -> bool:
        """Whether there is nothing between low and high, so that nothing can be restored."""
        return not self.high > self.low

    def apply(self, intensities: NDArray[Any]) -> NDArray[np.float32]:
        """Scale intensities to the range, as float32."""
        exact: NDArray[Any] = intensities.astype(_work_type(intensities.dtype))
        scaled: NDArray[Any] = (exact - self.low) / (self.high - self.low)
        return scaled.astype(np.float32, copy=False)

    def invert(self, scaled: NDArray[np.float32], dtype: DTypeLike) -> NDArray[Any]:
        """Undo `apply`: round and clip to what `dtype` can hold."""
        dtype = np.dtype(dtype)
        exact: NDArray[Any] = scaled.astype(_work_type(dtype))
        intensities: NDArray[Any] = exact * (self.high - self.low) + self.low
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            intensities = np.clip(np.rint(intensities), limits.min, limits.max)
        return intensities.astype(dtype, copy=False)


@dataclass
class RangeSampler:
    """Gathers every k-th pixel of a channel, in the order in which they lie in the stack.

    Percentiles are those of these pixels. The extremes, the percentiles 0 and 100, are those of
    all pixels, since a single one decides them. NaN and infinite pixels do not count.

    Which pixels are gathered depends on the shape of the stack only, so numpy, dask, zarr and files
    give the same range. k has no factor in common with the width: no column is preferred.

    Parameters
    ----------
    total
        Number of pixels that will be added in all.
    width
        Pixels in a row.
    """

    total: int
    width: int
    low: float = np.inf
    high: float = -np.inf
    _seen: int = 0
    _kept: list[NDArray[Any]] = field(default_factory=list)

    @property
    def step(self) -> int:
        """Every how many-th pixel is kept."""
        step = max(1, -(-self.total // SAMPLES))
        while step > 1 and gcd(step, self.width) > 1:
            step += 1
        return step

    def add(self, pixels: NDArray[Any]) -> None:
        """Take the pixels that come next."""
        flat = pixels.reshape(-1)
        self._kept.append(_finite(flat[-self._seen % self.step :: self.step]).copy())
        self._seen += flat.size
        if (known := _finite(flat)).size:
            self.low = min(self.low, float(known.min()))
            self.high = max(self.high, float(known.max()))

    def range(self, percentiles: tuple[float, float]) -> IntensityRange:
        """Return the range between two percentiles.

        Where these coincide (few bright spots on an empty ground) it is the full range.
        """
        full = IntensityRange(self.low, self.high)
        kept = np.concatenate(self._kept)
        if percentiles == FULL or not kept.size:
            return full
        low, high = np.percentile(kept, percentiles)
        found = IntensityRange(
            full.low if percentiles[0] == FULL[0] else float(low),
            full.high if percentiles[1] == FULL[1] else float(high),
        )
        return full if found.is_constant else found


def type_range(dtype: np.dtype[Any]) -> IntensityRange:
    """Return zero to the largest value of an integer type, or to one for floats."""
    return IntensityRange(0.0, float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0)


@dataclass
class RangeEstimator:
    """Finds the intensity ranges of a stack from its planes, added one by one.

    Parameters
    ----------
    layout
        How the stack falls into planes.
    pooled
        Whether the colours of a plane share one range.
    """

    layout: PlaneLayout
    pooled: bool
    _samplers: list[RangeSampler] = field(default_factory=list)

    def __post_init__(self) -> None:
        layout = self.layout
        groups = layout.channels * (1 if self.pooled else layout.colours)
        total = len(layout) * layout.colours * layout.height * layout.width // groups
        self._samplers = [RangeSampler(total, layout.width) for _ in range(groups)]

    def add(self, position: Sequence[int], samples: NDArray[Any]) -> None:
        """Take the plane at `position`, split into ``(samples, Y, X)``."""
        colours = samples[: self.layout.colours]
        first = self.group(position, 0)
        if self.pooled:
            self._samplers[first].add(colours)
        else:
            for sampler, colour in zip(self._samplers[first:], colours, strict=False):
                sampler.add(colour)

    def group(self, position: Sequence[int], colour: int) -> int:
        """Return which of the ranges holds for a colour of the plane at `position`."""
        channel = self.layout.channel(position)
        return channel if self.pooled else channel * self.layout.colours + colour

    def at(
        self, ranges: Sequence[IntensityRange], position: Sequence[int]
    ) -> tuple[IntensityRange, ...]:
        """Pick from `ranges` those of the plane at `position`: one, or one for each colour."""
        first = self.group(position, 0)
        return tuple(ranges[first : first + (1 if self.pooled else self.layout.colours)])

    def ranges(self, percentiles: tuple[float, float]) -> tuple[IntensityRange, ...]:
        """Return the range of each channel (and colour, if they are not pooled)."""
        return tuple(sampler.range(percentiles) for sampler in self._samplers)

    def type_ranges(self, dtype: np.dtype[Any]) -> tuple[IntensityRange, ...]:
        """Return for each of them the range of an integer type, or 0 to 1 for floats."""
        return (type_range(dtype),) * len(self._samplers)


def _finite(pixels: NDArray[Any]) -> NDArray[Any]:
    """The pixels that are numbers."""
    if pixels.dtype.kind != "f" or (known := np.isfinite(pixels)).all():
        return pixels
    return pixels[known]


def _work_type(dtype: np.dtype[Any]) -> type[np.float32] | type[np.float64]:
    """Return a float type in which every value of `dtype` is exact."""
    exact = dtype.itemsize <= 2 or dtype == np.float32
    return np.float32 if exact else np.float64
