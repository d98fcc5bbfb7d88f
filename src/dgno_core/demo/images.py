"""The sharp images of the demonstration, the same on every machine: nothing is downloaded.

Stained tissue ships with scikit-image. Fluorescent nuclei are drawn, and so known to the last
photon. The third is what the grey model is not for: the haematoxylin in the tissue, separated from
the other dye.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from dgno_core.optics.maps import Range, draw_map
from dgno_core.optics.psf import PsfKind

if TYPE_CHECKING:
    from dgno_core.data.degrader import Degradation

WIDTHS: Range = (0.6, 4.0)  # px, from sharp to clearly out of focus, within one field
PHOTONS = 1500.0  # of a pixel at full scale
READ_NOISE = 4 / PHOTONS  # of full scale; 4 electrons
SIDE = 384  # px at most, so that two CPU cores need seconds


@dataclass(frozen=True)
class SharpImage:
    """A sharp image, where it is from, and how it is to be blurred.

    Parameters
    ----------
    name
        Short name, used for files.
    title
        What it shows.
    source
        Who made it and which package carries it.
    sharp
        ``(Y, X)`` uint16 or ``(Y, X, 3)`` uint8.
    psf, widths
        Shape of the blur, and its lowest and highest width in pixels.
    """

    name: str
    title: str
    source: str
    sharp: NDArray[Any]
    psf: PsfKind = "gauss"
    widths: Range = WIDTHS


def known_blur(seed: int, psf: PsfKind = "gauss", widths: Range = WIDTHS) -> Degradation:
    """Blur by a smooth random map, and camera noise.

    Parameters
    ----------
    seed
        The same seed gives the same result.
    psf, widths
        See `SharpImage`.
    """
    # Imported here, so that the images can be listed without loading torch.
    from dgno_core.data.degrader import Degradation

    drawn = draw_map("smooth", widths, np.random.default_rng(seed))
    return Degradation(psf=psf, widths=drawn, photons=PHOTONS, read_noise=READ_NOISE, noise=seed)


def builtin_images() -> list[SharpImage]:
    """Return stained tissue in colour, nuclei in grey, and grey tissue, where the model fails."""
    return [stained_tissue(), nuclei(), tissue_nuclei()]


def stained_tissue() -> SharpImage:
    """Colonic glands, FHL2 in brown and nuclei in blue."""
    return SharpImage(
        "tissue",
        "stained tissue, colonic glands",
        "scikit-image: immunohistochemistry (CMMI)",
        np.ascontiguousarray(_tissue()[-SIDE:, -SIDE:]),
    )


def nuclei() -> SharpImage:
    """Drawn nuclei that look like Hoechst-stained ones."""
    return SharpImage(
        "nuclei",
        "synthetic nuclei, fluorescence",
        "napari-dgno: drawn",
        _to_uint16(draw_nuclei((SIDE, SIDE), seed=1)),
        psf="disk",
        widths=(0.6, 6.0),  # as the nuclei in docs/evaluation
    )


def tissue_nuclei() -> SharpImage:
    """Haematoxylin density of the stained tissue, by colour unmixing."""
    from skimage.color import rgb2hed

    density = rgb2hed(_tissue()[-SIDE:, -SIDE:])[..., 0]
    return SharpImage(
        "tissue-nuclei",
        "tissue nuclei, beyond the grey model",
        "scikit-image: immunohistochemistry (CMMI)",
        _to_uint16(np.clip(density, *np.percentile(density, (0.1, 99.9)))),
        psf="disk",
    )


def _tissue() -> NDArray[np.uint8]:
    from skimage.data import immunohistochemistry

    return np.asarray(immunohistochemistry())  # type: ignore[no-untyped-call]


def _to_uint16(image: NDArray[Any]) -> NDArray[np.uint16]:
    """Spread an image over the values of a 12-bit camera with a dark level of 100."""
    values = image.astype(np.float64)
    spread = (values - values.min()) / np.ptp(values)
    return np.asarray(np.rint(100 + 3900 * spread), dtype=np.uint16)


Floats = NDArray[np.float64]

AREA = 2400  # px of the field for each nucleus
RADIUS = (11.0, 16.5)  # px; of the circle with the nucleus' area
ELONGATION = (1.05, 1.75)  # long axis over short
BRIGHTNESS = (0.4, 0.9)  # of full scale
CLOSEST = 1.85  # distance of two centres in mean radii: some touch, few overlap
GRAINS = ((0.8, 0.07), (2.2, 0.05))  # of chromatin: size in px, and contrast
NUCLEOLI = (1, 5)  # how many, at least and below
OPTICS = 0.7  # px; the objective's own blur, which also the sharp image has
HAZE = (7.0, 0.04)  # px, and share of the light: what scatters around every nucleus


def draw_nuclei(shape: tuple[int, int], seed: int) -> Floats:
    """Draw a field of nuclei, sharp and free of noise.

    Parameters
    ----------
    shape
        ``(Y, X)`` in pixels.
    seed
        The same seed draws the same field.

    Returns
    -------
    ``(Y, X)``, 0 ... 1.
    """
    rng = np.random.default_rng(seed)
    scene = 0.02 + 0.003 * _grains(shape, 40, rng)  # the faint, uneven ground
    radii = rng.uniform(*RADIUS, round(shape[0] * shape[1] / AREA))
    for centre, radius in zip(_scatter(shape, radii, rng), radii, strict=True):
        _add_nucleus(scene, centre, radius, rng)
    width, share = HAZE
    seen = gaussian_filter(scene, OPTICS) + share * gaussian_filter(scene, width)
    return np.asarray(np.clip(seen, 0, 1), dtype=np.float64)


def _scatter(shape: tuple[int, int], radii: Floats, rng: np.random.Generator) -> Floats:
    """Place one centre after the other, each where it is far enough from those before it.

    Of a hundred random places the first that is free is taken; in a crowded field, the freest.
    """
    centres = np.empty((len(radii), 2))
    for index, radius in enumerate(radii):
        tried = rng.random((100, 2)) * shape
        gaps = np.linalg.norm(tried[:, None] - centres[:index], axis=-1)
        apart = (2 * gaps / (radii[:index] + radius)).min(axis=1, initial=np.inf)
        centres[index] = tried[np.argmax(np.minimum(apart, CLOSEST))]
    return centres


def _add_nucleus(scene: Floats, centre: Floats, radius: float, rng: np.random.Generator) -> None:
    """Add the light of one nucleus to the scene; where two overlap, their lights add up."""
    reach = round(2 * radius)  # beyond the longest half axis and its bumps
    row, column = np.rint(centre).astype(int)
    y, x = np.mgrid[row - reach : row + reach + 1, column - reach : column + reach + 1]
    light = _nucleus(y - centre[0], x - centre[1], radius, rng)
    seen = (y >= 0) & (y < scene.shape[0]) & (x >= 0) & (x < scene.shape[1])
    scene[y[seen], x[seen]] += light[seen]


def _nucleus(y: Floats, x: Floats, radius: float, rng: np.random.Generator) -> Floats:
    """Return the light of a nucleus at places `y`, `x` around its centre, in pixels."""
    turn, stretch = rng.uniform(0, np.pi), np.sqrt(rng.uniform(*ELONGATION))
    along = (x * np.cos(turn) + y * np.sin(turn)) / stretch
    across = (y * np.cos(turn) - x * np.sin(turn)) * stretch
    angle = np.arctan2(across, along)
    outline = radius * (1 + sum(_bump(angle, waves, rng) for waves in (2, 3)))
    inward = outline - np.hypot(along, across)  # px from the outline, positive inside
    body = np.clip(inward + 0.5, 0, 1) * (0.65 + 0.35 * np.tanh(inward / 6))  # thinner at the rim
    for size, contrast in GRAINS:
        body *= np.exp(contrast * _grains(y.shape, size, rng))
    for _ in range(rng.integers(*NUCLEOLI)):
        away, towards = radius * 0.65 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        gap = np.hypot(along - away * np.cos(towards), across - away * np.sin(towards))
        depth, size = rng.uniform(0.2, 0.4), rng.uniform(1.2, 2.4)
        body *= 1 - depth * np.exp(-((gap / size) ** 2) / 2)
    return np.asarray(rng.uniform(*BRIGHTNESS) * body, dtype=np.float64)


def _bump(angle: Floats, waves: int, rng: np.random.Generator) -> Floats:
    """Return an unevenness of the outline, with so many waves around it."""
    return rng.normal(0, 0.04) * np.cos(waves * angle + rng.uniform(0, 2 * np.pi))


def _grains(shape: tuple[int, ...], size: float, rng: np.random.Generator) -> Floats:
    """Smooth noise of mean 0 and deviation 1, with grains of a size in pixels."""
    noise = gaussian_filter(rng.standard_normal(shape), size)
    return np.asarray((noise - noise.mean()) / noise.std(), dtype=np.float64)
