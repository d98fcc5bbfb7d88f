"""Drawn fluorescent nuclei: what a grey model is for, where no real image may be shipped.

They look like Hoechst-stained nuclei of cultured cells under a 20x objective: ovals with an uneven
outline, mottled by chromatin, with darker nucleoli, on a dark and almost flat ground.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

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
