"""A real focal stack: each plane, as recorded and restored, against the plane in focus.

Every plane is restored as it was recorded, with one intensity range for the whole stack. Only then
are the recorded and the restored plane put on the grid of the plane in focus, both by the same
transform, which is estimated from the recorded ones alone. PSNR is taken over the area that both
planes show, for the range (maximum minus minimum) of the whole plane in focus.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dgno_core.data.registration import estimate_stack_registration
from dgno_core.data.stack_planes import stack_planes
from dgno_core.errors import DGNOError
from dgno_core.evaluation.restorer import StackRestorer
from dgno_core.metrics.fidelity import psnr

STACK = "sharpness-smear-stack"  # folder of the public data

Images: TypeAlias = list[NDArray[Any]]
Pair: TypeAlias = tuple[NDArray[Any], NDArray[Any]]  # recorded, restored


@dataclass(frozen=True)
class PlaneScore:
    """What restoring did to one plane.

    Parameters
    ----------
    depth
        Planes from focus.
    before, after
        PSNR in dB of the recorded and of the restored plane against the plane in focus. For the
        plane in focus itself `before` is infinite and `after` is that of the restored one against
        itself.
    """

    depth: int
    before: float
    after: float

    @property
    def gain(self) -> float | None:
        """PSNR won, in dB; None for the plane in focus, which has nothing to win."""
        return None if self.depth == 0 else self.after - self.before


@dataclass(frozen=True, eq=False)
class StackScored:
    """The stack is done.

    Parameters
    ----------
    planes
        Scores, by depth.
    model, weights_sha256
        What restored it.
    left_out
        One sentence for each plane that could not be registered.
    pictures
        By depth: the recorded and the restored plane on the grid of the plane in focus.
    sharp
        The plane in focus, as recorded.
    """

    planes: tuple[PlaneScore, ...]
    model: str
    weights_sha256: str
    left_out: tuple[str, ...]
    pictures: dict[int, Pair]
    sharp: NDArray[Any]


@dataclass(frozen=True)
class PlaneDone:
    """One plane is restored."""

    done: int
    total: int


def score_stack_events(
    images: Images, depths: list[int], restorer: StackRestorer
) -> Generator[PlaneDone | StackScored, None, None]:
    """Restore the planes of a stack and compare them with the one in focus.

    Parameters
    ----------
    images
        ``(Y, X)``, of any sizes.
    depths
        Planes from focus of each; one of them is 0.
    restorer
        What is to be judged.

    Yields
    ------
    `PlaneDone` for each plane, then one `StackScored`.

    Raises
    ------
    DGNOError
        If there is no plane in focus, or a plane is too small to be registered.
    """
    if 0 not in depths:
        raise DGNOError("The stack has no plane 0, which is the one in focus; name its file 0.")
    focus = depths.index(0)
    sharp = images[focus]
    span = float(np.ptp(sharp))
    found = estimate_stack_registration(images, focus)
    left_out = [f"{depths[i]:+d}: {f.problem}" for i, f in found.items() if not f.ok]
    scores: list[PlaneScore] = []
    pictures: dict[int, Pair] = {}
    model = weights = ""
    for index, restored in enumerate(restorer(images)):
        model, weights = restored.model, restored.weights_sha256
        if found[index].ok:
            pair: Pair = images[index], restored.data
            common: tuple[slice, slice] = (slice(None), slice(None))
            if index != focus:  # the plane in focus needs no resampling
                transform = found[index].transform
                common = transform.region(pair[0].shape, sharp.shape).index
                pair = transform.warp(pair[0], sharp.shape), transform.warp(pair[1], sharp.shape)
            before, after = (psnr(sharp[common], one[common], data_range=span) for one in pair)
            scores.append(PlaneScore(depths[index], before, after))
            pictures[depths[index]] = pair
        yield PlaneDone(index + 1, len(images))
    scores.sort(key=lambda score: score.depth)
    yield StackScored(tuple(scores), model, weights, tuple(left_out), pictures, sharp)


def read_stack(folder: Path | str) -> tuple[Images, list[int]]:
    """Read a folder of planes whose names are their depths, as ``-9.bmp`` ... ``9.bmp``.

    Raises
    ------
    DGNOError
        If it is no such folder.
    """
    planes = stack_planes(folder)
    try:
        depths = [int(Path(plane.name).stem) for plane in planes]
    except ValueError:
        raise DGNOError(
            f"The planes in {folder} are not named by their distance from focus (-1.bmp, 0.bmp, "
            "1.bmp); rename them."
        ) from None
    return [plane.read() for plane in planes], depths
