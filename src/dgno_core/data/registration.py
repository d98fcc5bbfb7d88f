"""Registration of the planes of a stack: their shift, magnification and rotation.

A lens that moves along z changes the magnification a little, a stage drifts sideways, and a touch
turns the camera, so a pixel of one plane is not the same pixel of the next. Pairs for training must
be aligned to a fraction of a pixel: a network that is trained on shifted pairs learns to shift and
to blur.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dgno_core.data.alignment import BANDS, reduce, refine, search
from dgno_core.data.grey import as_grey
from dgno_core.data.pairs import Readable, Region
from dgno_core.data.transform import Registration, Transform
from dgno_core.errors import DGNOError

SMALLEST = 48  # pixels along Y and X
LARGEST = 1024  # px, to which the sides of larger images are reduced
LEAST_CORRELATION = 0.4
LEAST_COVER = 0.4
LARGEST_ERROR = 0.5  # px


@dataclass(frozen=True, eq=False)
class Registered:
    """A moving image on the grid of a fixed one.

    Attributes
    ----------
    image
        Of the size of the fixed image, in the type of the moving one.
    valid
        ``(Y, X)``, where it holds something that was recorded.
    region
        The rectangle of these pixels.
    registration
        How it was found, and whether it can be trusted.
    """

    image: NDArray[Any]
    valid: NDArray[np.bool_]
    region: Region
    registration: Registration


@dataclass(frozen=True)
class RegisteredRef:
    """An image that is resampled on the grid of another one when it is read.

    Attributes
    ----------
    moving
        The image as recorded.
    transform
        From the fixed image to it.
    shape
        ``(Y, X)`` of the fixed image.
    """

    moving: Readable
    transform: Transform
    shape: tuple[int, int]

    @property
    def name(self) -> str:
        """Name of the image as recorded."""
        return f"{self.moving.name} (registered)"

    def read(self) -> NDArray[Any]:
        """Read and resample it.

        Raises
        ------
        DGNOError
            If the image cannot be read.
        """
        return self.transform.warp(self.moving.read(), self.shape)


def estimate_registration(
    moving: ArrayLike,
    fixed: ArrayLike,
    *,
    max_magnification: float = 0.1,
    max_residual: float = 1.0,
) -> Registration:
    """Estimate shift, magnification and a small rotation between two planes of a stack.

    Parameters
    ----------
    moving, fixed
        ``(Y, X)`` or ``(Y, X, 3)``, of any sizes; one may be out of focus, or both.
    max_magnification
        Largest change of the magnification that is searched for.
    max_residual
        Pixels (root mean square) by which places may differ for no reason that is known.

    Returns
    -------
    Registration
        Its `problem` says if it has failed; then the transform is the best guess.

    Raises
    ------
    DGNOError
        If one of them is no image of at least 48 x 48 pixels.
    """
    images = [as_grey(image) for image in (moving, fixed)]
    if min(min(image.shape) for image in images) < SMALLEST:
        sizes = " and ".join(f"{y} x {x}" for y, x in (image.shape for image in images))
        raise DGNOError(
            f"Images of {sizes} pixels are too small to be registered; at least {SMALLEST} x "
            f"{SMALLEST} are needed."
        )
    if any(np.ptp(image) == 0 for image in images):
        problem = "One of the images is constant, so nothing shows whether they are aligned."
        return Registration(Transform(), np.nan, np.nan, np.nan, 0.0, BANDS[-1], problem)
    factor = max(1, -(-max(max(image.shape) for image in images) // LARGEST))
    m, f = (reduce(image, factor) for image in images)
    small = refine(m, f, search(m, f, max_magnification))
    found = replace(
        small,
        transform=small.transform.scaled(factor),
        residual=small.residual * factor,
        expected=small.expected * factor,
        uncertainty=small.uncertainty * factor,
        band=small.band * factor,
    )
    shared = found.transform.region(images[0].shape, images[1].shape).area(images[1].shape)
    trouble = _problem(found, shared / images[1].size, max_magnification, max_residual)
    return replace(found, problem=trouble)


def estimate_stack_registration(
    planes: Sequence[Any], reference: int, needed: Sequence[int] | None = None
) -> dict[int, Registration]:
    """Estimate the registration of every plane of a stack to one of them.

    Each plane is compared with the reference itself. Where it is too far out of focus for that, it
    is compared with its neighbour on the way, which looks much the same, and the errors add up.

    Parameters
    ----------
    planes
        Images, or images that are still to be read; two or three are in memory at a time.
    reference
        Index of the plane that the others are registered to.
    needed
        Indices of the planes that are registered; all if None.

    Returns
    -------
    dict
        By index, in order; that of the reference is the identity.

    Raises
    ------
    DGNOError
        If a plane cannot be read or is too small.
    """

    def read(index: int) -> Any:
        return planes[index].read() if hasattr(planes[index], "read") else planes[index]

    fixed = read(reference)
    same = Registration(Transform(), 0.0, 0.0, 0.0, 1.0, BANDS[-1])
    found = {reference: same}
    wanted = sorted(range(len(planes)) if needed is None else needed)
    below = [index for index in reversed(wanted) if index < reference]
    for way in (below, [index for index in wanted if index > reference]):
        before, previous = fixed, same
        for index in way:
            plane = read(index)
            result = estimate_registration(plane, fixed)
            if not result.ok and previous.ok:
                step = estimate_registration(plane, before)
                result = _chained(previous, step) if step.ok else result
            found[index] = previous = result
            before = plane
    return dict(sorted(found.items()))


def _chained(first: Registration, then: Registration) -> Registration:
    """Go on from a registered plane to its neighbour."""
    return Registration(
        first.transform.then(then.transform),
        float(np.hypot(first.residual, then.residual)),
        float(np.hypot(first.expected, then.expected)),
        float(np.hypot(first.uncertainty, then.uncertainty)),
        min(first.correlation, then.correlation),
        max(first.band, then.band),
    )


def register(
    moving: ArrayLike, fixed: ArrayLike, registration: Registration | None = None
) -> Registered:
    """Put a moving image on the grid of a fixed one.

    Parameters
    ----------
    moving, fixed
        ``(Y, X)`` or ``(Y, X, 3)``.
    registration
        As found before; None estimates it.

    Raises
    ------
    DGNOError
        If one of them is no image of at least 48 x 48 pixels.
    """
    moving, fixed = np.asarray(moving), np.asarray(fixed)
    found = registration or estimate_registration(moving, fixed)
    region = found.transform.region(moving.shape, fixed.shape)
    valid = np.zeros(fixed.shape[:2], dtype=bool)
    valid[region.index] = True
    return Registered(found.transform.warp(moving, fixed.shape[:2]), valid, region, found)


def _problem(
    found: Registration, cover: float, max_magnification: float, max_residual: float
) -> str | None:
    """Say in one sentence why a registration is not to be trusted, if it is not."""
    if not np.isfinite(found.residual):
        return (
            "The images could not be registered: too few places in them have structure in common."
        )
    if found.correlation < LEAST_CORRELATION:
        return (
            f"The images could not be registered: even aligned they have little in common "
            f"(correlation {found.correlation:.2f} in details of {found.band:g} px); they may show "
            "different places, or one is too far out of focus."
        )
    if abs(found.magnification - 1) > max_magnification:
        return (
            f"The registration found a magnification of {found.magnification:.3f}, beyond the "
            f"{100 * max_magnification:g} % searched; check that both images show the same place."
        )
    if cover < LEAST_COVER:
        return (
            f"The registered images share only {100 * cover:.0f} % of the field "
            f"(shift {found.shift[0]:.1f}, {found.shift[1]:.1f} px)."
        )
    if found.unexplained > max_residual:
        return (
            "Shift, magnification and rotation do not explain how the images differ: places are "
            f"still {found.unexplained:.1f} px apart; the specimen may have moved or tilted."
        )
    if found.uncertainty > LARGEST_ERROR:
        return (
            f"The images could be registered to {found.uncertainty:.1f} px only, because they "
            "share too little structure."
        )
    return None
