"""Registration of the planes of a stack: their shift, magnification and rotation.

A lens that moves along z changes the magnification a little, a stage drifts sideways, and a touch
turns the camera, so a pixel of one plane is not the same pixel of the next. Pairs for training must
be aligned to a fraction of a pixel: a network that is trained on shifted pairs learns to shift and
to blur.

Defocus itself must not be mistaken for a transform. A symmetric blur does not move anything, but it
changes the spectrum as a magnification does, so the match of the whole images is biased. Therefore

1. both images are reduced to one band of spatial frequencies, the finest that they share, and the
   sharper one is blurred until it looks like the other;
2. a first estimate comes from the peak of the cross-correlation, over a range of magnifications;
3. small windows are shifted against each other, each with its own gain, and the transform is
   fitted to their shifts, by weight, until nothing is left to shift. A symmetric blur cancels
   in each window, and what does not fit the transform is known as the residual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, ndimage

from dgno_core.data.focus import Floats, as_grey
from dgno_core.data.pairs import Readable, Region
from dgno_core.data.transform import Point, Transform
from dgno_core.errors import DGNOError

SMALLEST = 48  # pixels along Y and X
BANDS = (16.0, 8.0, 4.0, 2.0)  # px, Gaussian width of the finest detail, from coarse to fine
OCTAVES = 4.0  # the coarsest detail of a band, relative to its finest
ALIKE = 0.9  # correlation that two images must have in a band to be compared in it
LARGEST = 1024  # px, to which the sides of larger images are reduced
SEARCHED = 256  # px, the same for the search
SEARCH_STEP = 0.01  # of the magnification
ROUNDS = 10  # in each band
CONVERGED = 0.003  # px at the corners
WIDTHS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 10.0)  # px, Gaussian
BLURS = (*(-width for width in reversed(WIDTHS)), 0.0, *WIDTHS)
NO_BLUR = BLURS.index(0.0)
SAME = 0.998  # correlation above which no blur needs to be matched
OVERLAP = 2.5  # windows that see the same pixels, about
FLOOR = 0.05  # px, to which the shift of one window is never known better
LEAST_WINDOWS = 6
LEAST_CORRELATION = 0.4
LEAST_COVER = 0.4
LARGEST_ERROR = 0.5  # px


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
    m, f = (_reduce(image, factor) for image in images)
    small = _refine(m, f, _search(m, f, max_magnification))
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


def _search(moving: Floats, fixed: Floats, most: float) -> Transform:
    """First estimate: the highest peak of the cross-correlation, over magnifications."""
    factor = max(1.0, max(*moving.shape, *fixed.shape) / SEARCHED)
    m, f = (_band(_reduce(image, factor), 3.0) for image in (moving, fixed))
    size = [fft.next_fast_len(2 * n, real=True) for n in f.shape]
    spectrum = np.conj(fft.rfft2(_tapered(f), size))
    best, found = -np.inf, Transform()
    steps = round(most / SEARCH_STEP)
    for magnification in 1 + SEARCH_STEP * np.arange(-steps, steps + 1):
        warped = _tapered(Transform((0, 0), magnification).warp(m, f.shape, order=1))
        energy = np.sqrt((warped**2).sum()) or 1.0
        surface = fft.irfft2(fft.rfft2(warped, size) * spectrum, size) / energy
        peak = np.unravel_index(int(surface.argmax()), surface.shape)
        if surface[peak] > best:
            best = surface[peak]
            y, x = ((int(at) + n // 2) % n - n // 2 for at, n in zip(peak, size, strict=True))
            found = Transform((magnification * y, magnification * x), float(magnification))
    return found.scaled(factor)


def _refine(moving: Floats, fixed: Floats, start: Transform) -> Registration:
    """Fit the transform to the shifts of windows, from the coarse to the fine band."""
    result: Registration | None = None
    transform, blur = start, NO_BLUR
    for width in BANDS:
        if width != BANDS[-1] and width > min(fixed.shape) / 16:
            continue
        comparison = _comparison(moving, fixed, width, blur)
        if result is not None and comparison.correlation(transform) < ALIKE:
            break
        found = comparison.fit(transform)
        if np.isfinite(found.residual) and found.correlation < SAME:
            # Now that they are aligned, one can see which of them is how much more blurred.
            best = _matching_blur(moving, fixed, width, found.transform, blur)
            if best != blur:
                blur = best
                found = _comparison(moving, fixed, width, blur).fit(found.transform)
        if result is None or np.isfinite(found.residual):
            result, transform = found, found.transform
    assert result is not None  # the finest band is always compared, if no other is
    return result


def _matching_blur(
    moving: Floats, fixed: Floats, width: float, transform: Transform, start: int
) -> int:
    """Index of the blur that makes two aligned images most alike, uphill from the last one."""
    likeness: dict[int, float] = {}

    def alike(blur: int) -> float:
        if blur not in likeness:
            likeness[blur] = _comparison(moving, fixed, width, blur).correlation(transform)
        return likeness[blur]

    best = start
    while True:
        near = [blur for blur in (best - 1, best, best + 1) if 0 <= blur < len(BLURS)]
        highest = max(near, key=alike)
        if alike(highest) <= alike(best):
            return best
        best = highest


def _comparison(moving: Floats, fixed: Floats, width: float, blur: int) -> _Comparison:
    """Compare two images in a band, of which the fixed (or moving, if < 0) is blurred first."""
    sigma = BLURS[blur]
    m, f = _band(moving, width, max(0.0, -sigma)), _band(fixed, width, max(0.0, sigma))
    return _Comparison(ndimage.spline_filter(m, order=3, mode="nearest"), f, width)


class _Comparison:
    """Two images in one band, whose windows are shifted against each other."""

    def __init__(self, coefficients: Floats, fixed: Floats, width: float) -> None:
        self.coefficients, self.fixed, self.width = coefficients, fixed, width

    def warp(self, transform: Transform) -> tuple[Floats, Region]:
        """Return the moving image on the fixed grid, and the part that the borders leave alone."""
        shape = self.fixed.shape
        warped: Floats = ndimage.affine_transform(
            self.coefficients,
            transform.matrix,
            transform.origin(self.coefficients.shape, shape),
            shape,
            order=3,
            mode="nearest",
            prefilter=False,
        )
        margin = 1 + int(min(1.5 * self.width, min(shape) / 10))
        covered = transform.region(self.coefficients.shape, shape, margin)
        inner = Region(margin, shape[0] - margin, margin, shape[1] - margin)
        return warped, covered & inner

    def correlation(self, transform: Transform) -> float:
        """Correlation of the two images."""
        warped, region = self.warp(transform)
        f, g = self.fixed[region.index], warped[region.index]
        if f.size < SMALLEST:
            return 0.0
        f, g = f - f.mean(), g - g.mean()
        scale = float(np.sqrt((f**2).sum() * (g**2).sum()))
        return float((f * g).sum()) / scale if scale > 0 else 0.0

    def fit(self, transform: Transform) -> Registration:
        """Change a transform until the windows' shifts leave nothing to change."""
        leaves = (np.nan, np.nan, np.nan)
        reach = np.hypot(*self.fixed.shape) / 2
        for _ in range(ROUNDS):
            windows = self.windows(transform)
            if windows is None:
                leaves = (np.nan, np.nan, np.nan)
                break
            places, shifts, precision = windows
            change, leaves = _fit_similarity(places, shifts, precision)
            y, x, growth, turn = (float(value) for value in change)
            step = Transform((y, x), float(np.hypot(1 + growth, turn)), float(np.degrees(turn)))
            transform = step.then(transform)
            if np.hypot(y, x) + np.hypot(growth, turn) * reach < CONVERGED:
                break
            if not 0.5 < transform.magnification < 2:
                return Registration(transform, *(np.nan,) * 3, 0.0, self.width)
        return Registration(transform, *leaves, self.correlation(transform), self.width)

    def windows(self, transform: Transform) -> tuple[Floats, Floats, Floats] | None:
        """Shift of each window: places ``(n, 2)``, shifts ``(n, 2)``, precisions ``(n, 2, 2)``.

        In each window the fixed image is taken for ``a g + c . grad g``, a linear least-squares
        problem in a and c, where g is the moving image; so its shift is ``c / a``.
        """
        warped, region = self.warp(transform)
        f, g = self.fixed[region.index], warped[region.index]
        if min(f.shape, default=0) < 6 * self.width:
            return None
        gradient = np.gradient(g)
        spread = max(4 * self.width, np.sqrt(g.size) / 24)
        weights = [_windows(n, spread) for n in g.shape]

        def total(product: Floats) -> Floats:
            sums: Floats = weights[0] @ product @ weights[1].T
            return sums.ravel()

        regressors = (g, *gradient)
        normal = np.array([[total(a * b) for b in regressors] for a in regressors])
        matrix, right = normal.transpose(2, 0, 1), np.array([total(a * f) for a in regressors]).T
        power = total(f * f)
        gg = matrix[:, 0, 0]
        alive = (gg > 1e-3 * gg.max(initial=0)) & (power > 1e-3 * power.max(initial=0))
        matrix, right, power = matrix[alive], right[alive], power[alive]
        if len(matrix) < LEAST_WINDOWS:
            return None
        ridge = 1e-9 * matrix.trace(axis1=1, axis2=2)[:, None, None] * np.eye(3)
        solution = np.linalg.solve(matrix + ridge, right[..., None])[..., 0]
        gain = solution[:, 0]
        error = np.maximum(power - (solution * right).sum(1), 1e-6 * power)
        # Independent details in a window: its area over that of the finest detail.
        details = max(4.0, (spread / self.width) ** 2)
        schur = matrix[:, 1:, 1:] - (matrix[:, 1:, :1] * matrix[:, :1, 1:] / matrix[:, :1, :1])
        precision = schur * (gain**2 * details / error)[:, None, None]
        shared = gain > 0.1 * np.median(np.abs(gain))
        y, x = (
            np.add.outer(_centres(f.shape[0], spread), np.zeros(len(weights[1]))).ravel(),
            np.add.outer(np.zeros(len(weights[0])), _centres(f.shape[1], spread)).ravel(),
        )
        middle = [(n - 1) / 2 for n in self.fixed.shape]
        places = np.stack([y + region.top - middle[0], x + region.left - middle[1]], 1)[alive]
        shifts = np.clip(
            solution[:, 1:] / np.where(shared, gain, 1)[:, None], -self.width, self.width
        )
        if shared.sum() < LEAST_WINDOWS:
            return None
        return places[shared], shifts[shared], precision[shared]


def _fit_similarity(
    places: Floats, shifts: Floats, precision: Floats
) -> tuple[Floats, tuple[float, float, float]]:
    """Fit a shift, growth and turn to the windows' shifts, robustly.

    Returns
    -------
    change
        Shift along y and x in pixels, growth, and turn in radians.
    leaves
        Residual, expected residual, and uncertainty, in pixels.
    """
    covariance = np.linalg.inv(precision + 1e-9 * np.eye(2)) + FLOOR**2 * np.eye(2)
    weight = np.linalg.inv(covariance)
    design = np.zeros((len(places), 2, 4))
    design[:, 0, 0] = design[:, 1, 1] = 1
    design[:, :, 2] = places
    design[:, 0, 3], design[:, 1, 3] = -places[:, 1], places[:, 0]
    robust = np.ones(len(places))
    for _ in range(8):
        weighted = weight * robust[:, None, None]
        left = np.einsum("nki,nkl,nlj->ij", design, weighted, design)
        right = np.einsum("nki,nkl,nl->i", design, weighted, shifts)
        change = np.linalg.lstsq(left, right, rcond=None)[0]
        left_over = shifts - design @ change
        distance = np.sqrt(np.einsum("nk,nkl,nl->n", left_over, weight, left_over))
        scale = max(1.0, 1.4826 * float(np.median(distance)))
        robust = 1 / (1 + (distance / (2 * scale)) ** 2)
    trust = 1 / covariance.trace(axis1=1, axis2=2)
    residual = float(np.sqrt(np.average((left_over**2).sum(1), weights=trust)))
    expected = float(np.sqrt(len(trust) / trust.sum()))
    error = np.einsum("nki,ij,nkj->n", design, np.linalg.pinv(left), design).mean()
    # Windows overlap, so each counts for less than one.
    return change, (residual, expected, scale * float(np.sqrt(OVERLAP * max(0.0, error))))


def _band(image: Floats, width: float, blur: float = 0.0) -> Floats:
    """The details of an image between `width` and four times that, perhaps blurred; variance 1."""
    spectrum = fft.dctn(image, norm="ortho")
    y, x = (np.pi * np.arange(n) / n for n in image.shape)
    square = y[:, None] ** 2 + x[None] ** 2
    fine, coarse = (np.exp(-0.5 * s**2 * square) for s in (width, OCTAVES * width))
    window = (fine - coarse) * np.exp(-0.5 * blur**2 * square)
    band: Floats = fft.idctn(spectrum * window, norm="ortho")
    return band / (band.std() or 1.0)


def _reduce(image: Floats, factor: float) -> Floats:
    """A smaller image with the same middle."""
    if factor == 1:
        return image
    smooth = ndimage.gaussian_filter(image, 0.5 * factor, mode="nearest")
    small = tuple(int(n / factor) for n in image.shape)
    return Transform((0, 0), factor).warp(smooth, small, order=1)


def _tapered(image: Floats) -> Floats:
    """An image that fades out towards its border."""
    y, x = (np.minimum(1, np.hanning(n + 2)[1:-1] * 2) for n in image.shape)
    return image * y[:, None] * x[None]


def _centres(size: int, spread: float) -> Floats:
    count = max(3, round(size / spread) - 1)
    return (np.arange(count) + 0.5) * size / count - 0.5


def _windows(size: int, spread: float) -> Floats:
    """Gaussian windows along one side, ``(windows, size)``."""
    offsets = np.arange(size)[None] - _centres(size, spread)[:, None]
    weights: Floats = np.exp(-0.5 * (offsets / (0.7 * spread)) ** 2)
    return weights
