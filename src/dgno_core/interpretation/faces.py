"""The faces between elements as segments on the image, with what crosses them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Faces:
    """N faces; each lies between a first element (above or left of it) and a second one.

    Attributes
    ----------
    start, end
        ``(N, 2)``: ends of the segments, row and column in pixels of the image (centres of pixels
        at integers, so faces lie at halves).
    flux
        ``(N,)``: root mean square of the entries of the flux matrices that the elements of the
        face receive through it.
    received
        ``(N, 2)``: the same for the first and the second element alone; NaN where there is none.
    jump
        ``(N,)``: root mean square of the entries of the difference of the operators on the two
        sides; beyond the border stands the operator of the boundary condition.
    is_boundary
        ``(N,)``: whether the face is on the border of what the network sees.
    unit
        Of `flux`, `received` and `jump`.
    """

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    flux: NDArray[np.float32]
    received: NDArray[np.float32]
    jump: NDArray[np.float32]
    is_boundary: NDArray[np.bool_]
    unit: str = "feature units"

    def __len__(self) -> int:
        """Number of faces."""
        return len(self.flux)

    @property
    def segments(self) -> NDArray[np.float64]:
        """``(N, 2, 2)``: start and end of each, as a Shapes layer takes lines."""
        return np.stack([self.start, self.end], axis=1)

    @property
    def vectors(self) -> NDArray[np.float64]:
        """``(N, 2, 2)``: start and direction of each, as a Vectors layer takes them."""
        return np.stack([self.start, self.end - self.start], axis=1)
