"""The intensities that a detector sees as 0 and 1.

StarDist is trained on images scaled so that their percentiles 1 and 99.8 are 0 and 1. One range
for the whole stack, and the same one for the image before and after restoring, so that a change
of brightness is not scaled away.
"""

from __future__ import annotations

from collections.abc import Sequence

from dgno_core.io.axes import PlaneLayout
from dgno_core.io.normalise import IntensityRange, RangeEstimator
from dgno_core.io.source import ImageSource

PERCENTILES = (1.0, 99.8)
FACTOR = 4.0  # ranges whose widths differ more than this are of two intensity scales


def measure_limits(source: ImageSource, layout: PlaneLayout) -> tuple[IntensityRange, ...]:
    """Read an image once for the range of each of its channels; colours share one."""
    estimator = RangeEstimator(layout, pooled=True)
    for position in layout.positions():
        estimator.add(position, layout.split(source.read(layout.index(position))))
    return estimator.ranges(PERCENTILES)


def are_comparable(first: Sequence[IntensityRange], second: Sequence[IntensityRange]) -> bool:
    """Tell whether the ranges of two images can be of one intensity scale.

    They are not if, say, one image was saved as 0 to 1 and the other as 0 to 65535.
    """
    for one, other in zip(first, second, strict=True):
        if one.is_constant or other.is_constant:
            continue
        ratio = (other.high - other.low) / (one.high - one.low)
        overlap = min(one.high, other.high) - max(one.low, other.low)
        if not 1 / FACTOR < ratio < FACTOR or overlap <= 0:
            return False
    return True
