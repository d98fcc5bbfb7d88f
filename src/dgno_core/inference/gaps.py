"""Pixels that are no numbers, such as those outside of a stitched or masked field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Filled:
    """A plane without gaps, and where they were.

    Attributes
    ----------
    samples
        ``(samples, Y, X)``, all finite: in place of a gap stands the median of its sample.
    gaps
        Where pixels were NaN or infinite, of the same shape; None if nowhere.
    """

    samples: NDArray[Any]
    gaps: NDArray[np.bool_] | None

    @property
    def count(self) -> int:
        """Number of pixels that were no numbers."""
        return 0 if self.gaps is None else int(self.gaps.sum())

    def reopen(self, restored: NDArray[Any], recorded: NDArray[Any]) -> NDArray[Any]:
        """Put the gaps of the recorded plane into the restored one."""
        return restored if self.gaps is None else np.where(self.gaps, recorded, restored)


def fill_gaps(recorded: NDArray[Any]) -> Filled:
    """Fill what is NaN or infinite in ``(samples, Y, X)``, so that a network can take it."""
    if recorded.dtype.kind != "f" or (known := np.isfinite(recorded)).all():
        return Filled(recorded, None)
    samples = recorded.copy()
    for sample, numbers in zip(samples, known, strict=True):
        sample[~numbers] = np.median(sample[numbers]) if numbers.any() else 0
    return Filled(samples, ~known)
