"""Shift, magnification and rotation between two images, and resampling by them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dgno_core.data.pairs import Region

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Transform:
    """Where a place of the fixed image lies in the moving one.

    The pixel at ``p = (y, x)`` from the middle of the fixed image lies at
    ``magnification * R p + shift`` from the middle of the moving image, where R turns by
    `rotation`. The middle of ``n`` pixels is at ``(n - 1) / 2``.

    Attributes
    ----------
    shift
        ``(y, x)`` in pixels of the moving image.
    magnification
        Of the moving image relative to the fixed one.
    rotation
        Of the moving image relative to the fixed one, in degrees, from y towards x.
    """

    shift: Point = (0.0, 0.0)
    magnification: float = 1.0
    rotation: float = 0.0

    @property
    def matrix(self) -> NDArray[np.float64]:
        """``(2, 2)``: what a step in the fixed image becomes in the moving one."""
        cosine, sine = np.cos(np.radians(self.rotation)), np.sin(np.radians(self.rotation))
        turned: NDArray[np.float64] = np.array([[cosine, -sine], [sine, cosine]])
        return self.magnification * turned

    def then(self, other: Transform) -> Transform:
        """Go on from the moving image to another one, for which it is the fixed one."""
        y, x = other.matrix @ self.shift + other.shift
        return Transform(
            (float(y), float(x)),
            other.magnification * self.magnification,
            other.rotation + self.rotation,
        )

    def inverse(self) -> Transform:
        """Change the two images' parts."""
        y, x = -np.linalg.inv(self.matrix) @ self.shift
        return Transform((float(y), float(x)), 1 / self.magnification, -self.rotation)

    def scaled(self, factor: float) -> Transform:
        """The same transform where both images have `factor` times the pixels."""
        return replace(self, shift=(self.shift[0] * factor, self.shift[1] * factor))

    def origin(self, moving: tuple[int, ...], fixed: tuple[int, ...]) -> Point:
        """Return where the first pixel of the fixed image lies in the moving one."""
        middles = [(np.array(shape[:2]) - 1) / 2 for shape in (moving, fixed)]
        y, x = middles[0] + self.shift - self.matrix @ middles[1]
        return float(y), float(x)

    def warp(self, moving: NDArray[Any], shape: tuple[int, ...], order: int = 3) -> NDArray[Any]:
        """Resample the moving image on the grid of the fixed one.

        Parameters
        ----------
        moving
            ``(Y, X)`` or ``(Y, X, 3)``.
        shape
            ``(Y, X)`` of the fixed image.
        order
            Of the spline; 3 keeps nearly all detail.

        Returns
        -------
        ndarray
            In the type of `moving`, rounded and clipped if that is an integer. Beyond the moving
            image its border is repeated; `region` says where that begins.
        """
        if moving.ndim == 3:
            colours = [self.warp(moving[..., c], shape, order) for c in range(moving.shape[-1])]
            return np.stack(colours, axis=-1)
        exact = moving.astype(np.float64 if moving.dtype.itemsize > 2 else np.float32)
        warped = ndimage.affine_transform(
            exact,
            self.matrix,
            self.origin(moving.shape, shape),
            shape[:2],
            order=order,
            mode="nearest",
        )
        if moving.dtype.kind in "iu":
            limits = np.iinfo(moving.dtype)
            warped = np.clip(np.rint(warped), limits.min, limits.max)
        result: NDArray[Any] = warped.astype(moving.dtype, copy=False)
        return result

    def region(self, moving: tuple[int, ...], fixed: tuple[int, ...], margin: float = 2) -> Region:
        """Return a rectangle of the fixed image that the moving one covers.

        Parameters
        ----------
        moving, fixed
            Shapes of the images.
        margin
            Pixels at the border of the moving image that do not count: the spline and the
            recorded image are less exact there.
        """
        matrix, origin = self.matrix, self.origin(moving, fixed)
        ends = []
        for axis in (0, 1):
            along, across = matrix[axis, axis], matrix[axis, 1 - axis]
            # How far the other axis tilts this one, from one border to the other.
            tilt = across * (fixed[1 - axis] - 1)
            low = np.ceil((margin - origin[axis] - min(tilt, 0)) / along)
            last = moving[axis] - 1 - margin - origin[axis] - max(tilt, 0)
            ends += [low, np.floor(last / along) + 1]
        sides = (fixed[0], fixed[0], fixed[1], fixed[1])
        return Region(*(int(np.clip(end, 0, n)) for end, n in zip(ends, sides, strict=True)))


@dataclass(frozen=True)
class Registration:
    """What two images' comparison found.

    Attributes
    ----------
    transform
        From the fixed to the moving image.
    residual
        Root mean square, in pixels, of what the transform leaves of the windows' shifts; NaN if
        too few windows could be compared.
    expected
        What it would be, in pixels, if nothing but blur and noise made the windows differ.
    uncertainty
        Standard error of the transform in pixels, root mean square over the field.
    correlation
        Of the two images in the compared band after registration, -1 to 1.
    band
        Gaussian width in pixels of the finest detail that was compared.
    problem
        One sentence on why the result is not to be trusted; None if nothing speaks against it.
    """

    transform: Transform
    residual: float
    expected: float
    uncertainty: float
    correlation: float
    band: float
    problem: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the result can be trusted."""
        return self.problem is None

    @property
    def unexplained(self) -> float:
        """Pixels (root mean square) by which places differ for no reason that is known."""
        return float(np.sqrt(max(0.0, self.residual**2 - self.expected**2)))

    @property
    def shift(self) -> Point:
        """``(y, x)`` in pixels of the moving image, at its middle."""
        return self.transform.shift

    @property
    def magnification(self) -> float:
        """Of the moving image relative to the fixed one."""
        return self.transform.magnification

    @property
    def rotation(self) -> float:
        """Of the moving image relative to the fixed one, in degrees."""
        return self.transform.rotation
