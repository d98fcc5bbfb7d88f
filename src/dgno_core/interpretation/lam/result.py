"""A local attribution map, how widely it is spread, and the event that brings it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from dgno_core.interpretation.lam.reach import reach
from dgno_core.interpretation.lam.settings import LamSettings, Window

FLOOR = 1e-7  # added to every value, so that a map of zeros has an answer


@dataclass(frozen=True)
class Attribution:
    """How much each input pixel contributed to the edges inside the box.

    Attributes
    ----------
    attribution
        ``(C, Y, X)``: contribution of each pixel and colour to `objective_gain`, in its units.
    signed
        ``(Y, X)``, -1 ... 1: their sum over colours, divided by the largest magnitude. Positive
        pixels made the edges in the box stronger, negative ones weaker.
    absolute
        ``(Y, X)``, 0 ... 1: the magnitude of `signed`.
    image, restored
        ``(C, Y, X)``, intensities of the stack scaled to 0 ... 1: the neighbourhood before and
        after.
    translate
        Pixel of the image on which the first pixel of all these lies, row and column.
    scale
        Pixels of the image per pixel of the map: always 1.
    window
        The box, in pixels of the image.
    gini
        Gini coefficient of `absolute`, 0 (all alike) ... 1 (one pixel alone).
    diffusion_index
        100 (1 - gini): the larger, the more widely the pixels that matter are spread.
    objective
        ``(steps,)``: sum of the gradient magnitude in the box of the restored image, along the
        path from blurred to the image itself.
    objective_blurred
        The same for the start of the path, the most blurred image.
    completeness_error
        Sum of all attributions less `objective_gain`, as a share of it: 0 if nothing is missing,
        shrinking with the number of steps. It is NaN where the blur changed nothing.
    nan_zeroed
        How many derivatives did not exist and were set to 0, of all steps.
    settings
        As they were asked for.
    steps
        Steps along the path that were taken.
    model, weights_sha256, device
        What computed, and where.
    name
        Of the image.
    seconds
        How long it took.
    warnings
        What the user was told on the way.
    """

    attribution: NDArray[np.float32]
    signed: NDArray[np.float32]
    absolute: NDArray[np.float32]
    image: NDArray[np.float32]
    restored: NDArray[np.float32]
    translate: tuple[float, float]
    scale: tuple[float, float]
    window: Window
    gini: float
    diffusion_index: float
    objective: NDArray[np.float64]
    objective_blurred: float
    completeness_error: float
    nan_zeroed: int
    settings: LamSettings
    steps: int
    model: str
    weights_sha256: str
    device: str
    name: str
    seconds: float
    warnings: tuple[str, ...] = ()

    @property
    def objective_gain(self) -> float:
        """What the objective gains from the most blurred image to the image itself."""
        return float(self.objective[-1]) - self.objective_blurred

    @property
    def box(self) -> Window:
        """The box, in pixels of the map."""
        top, left = self.translate
        return self.window.moved(-int(top), -int(left))

    def reach(self, share: float = 0.9) -> float:
        """Return within how many pixels of the box a share of all attribution lies."""
        return reach(self.absolute, self.box, share)

    @property
    def effort(self) -> str:
        """The effort in words, such as ``full (50 steps)``."""
        steps = f"{self.steps} steps"
        return steps if self.settings.steps else f"{self.settings.effort} ({steps})"


@dataclass(frozen=True)
class LamFound:
    """The map is computed."""

    attribution: Attribution


LamEvent = AnalysisProgressed | AnalysisWarned | LamFound


def gini(values: ArrayLike) -> float:
    """Return the Gini coefficient: 0 where all values are alike, near 1 where one has it all.

    Negative values are first shifted so that the least is 0.
    """
    ordered = np.sort(np.asarray(values, np.float64), axis=None)
    ordered = ordered - min(ordered[0], 0.0) + FLOOR
    n = ordered.size
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float(ranks @ ordered / (n * ordered.sum()))


def diffusion_index(values: ArrayLike) -> float:
    """Return 100 (1 - `gini`): the larger, the more pixels share what the map holds.

    It depends on the number of pixels, so only maps of one size can be compared.
    """
    return 100 * (1 - gini(values))
