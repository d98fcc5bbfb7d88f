"""How the registration of two images is found, although one is more blurred than the other.

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

import numpy as np
from scipy import fft, ndimage

from dgno_core.data.grey import Floats
from dgno_core.data.pairs import Region
from dgno_core.data.transform import Registration, Transform

BANDS = (16.0, 8.0, 4.0, 2.0)  # px, Gaussian width of the finest detail, from coarse to fine
OCTAVES = 4.0  # the coarsest detail of a band, relative to its finest
ALIKE = 0.9  # correlation that two images must have in a band to be compared in it
SEARCHED = 256  # px, the same for the search
SEARCH_STEP = 0.01  # of the magnification
ROUNDS = 10  # in each band
CONVERGED = 0.003  # px at the corners
WIDTHS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 10.0)  # px, Gaussian
BLURS = (*(-width for width in reversed(WIDTHS)), 0.0, *WIDTHS)
NO_BLUR = BLURS.index(0.0)
SAME = 0.998  # correlation above which no blur needs to be matched
LEAST_PIXELS = 256  # that two images must share
OVERLAP = 2.5  # windows that see the same pixels, about
FLOOR = 0.05  # px, to which the shift of one window is never known better
LEAST_WINDOWS = 6


def search(moving: Floats, fixed: Floats, most: float) -> Transform:
    """First estimate: the highest peak of the cross-correlation, over magnifications."""
    factor = max(1.0, max(*moving.shape, *fixed.shape) / SEARCHED)
    m, f = (_band(reduce(image, factor), 3.0) for image in (moving, fixed))
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


def refine(moving: Floats, fixed: Floats, start: Transform) -> Registration:
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
        if f.size < LEAST_PIXELS:
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


def reduce(image: Floats, factor: float) -> Floats:
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
