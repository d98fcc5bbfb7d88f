"""A small synthetic focal stack whose plane of focus is known: sample data and test data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from dgno_core.optics.noise import camera_noise

BLUR_PER_PLANE = 1.6  # px of Gaussian sigma gained per plane away from focus
CAMERA_OFFSET = 110.0  # grey values that a camera reports in the dark
FULL_SCALE = 3400.0  # grey values of the brightest structure above the offset


@dataclass(frozen=True)
class FocalStack:
    """A focal stack and what is known about it.

    Parameters
    ----------
    data
        ``(Z, Y, X)``, uint16, with camera noise.
    sharp
        ``(Y, X)``, uint16: the plane in focus without blur or noise.
    in_focus
        Index of the plane in focus.
    widths
        Gaussian sigma of each plane's blur, in pixels.
    """

    data: NDArray[np.uint16]
    sharp: NDArray[np.uint16]
    in_focus: int
    widths: tuple[float, ...]
    axes: str = "ZYX"


def focal_stack(
    shape: tuple[int, int, int] = (9, 192, 256), *, in_focus: int | None = None, seed: int = 0
) -> FocalStack:
    """Draw cell nuclei and filaments and defocus them plane by plane.

    Parameters
    ----------
    shape
        ``(Z, Y, X)``.
    in_focus
        Index of the plane in focus; None takes the middle one.
    seed
        The same seed gives the same stack.
    """
    planes, height, width = shape
    focus = planes // 2 if in_focus is None else in_focus
    if not 0 <= focus < planes:
        raise ValueError(f"the plane in focus must be one of the {planes} planes, not {focus}")
    rng = np.random.default_rng(seed)
    scene = draw_cells((height, width), rng)
    widths = tuple(BLUR_PER_PLANE * abs(z - focus) for z in range(planes))
    stack = np.stack([_expose(gaussian_filter(scene, sigma), rng) for sigma in widths])
    return FocalStack(stack, _grey(scene), focus, widths)


def draw_cells(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw textured nuclei on a faint web of filaments; values from 0 to about 1."""
    scene = 0.04 + 0.02 * gaussian_filter(rng.standard_normal(shape), 12) * 12
    scene += _filaments(shape, rng, count=max(4, shape[0] * shape[1] // 4000))
    for _ in range(max(3, shape[0] * shape[1] // 3500)):
        _add_nucleus(scene, rng)
    limited = gaussian_filter(scene, 0.7)  # the optics' own limit, about a pixel
    return np.asarray(np.clip(limited, 0, 1), dtype=np.float64)


def _add_nucleus(scene: NDArray[np.float64], rng: np.random.Generator) -> None:
    height, width = scene.shape
    centre_y, centre_x = rng.uniform(0, height), rng.uniform(0, width)
    long, short = rng.uniform(10, 18), rng.uniform(8, 12)
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    along = (x - centre_x) * np.cos(angle) + (y - centre_y) * np.sin(angle)
    across = (y - centre_y) * np.cos(angle) - (x - centre_x) * np.sin(angle)
    inside = np.hypot(along / long, across / short) < 1
    texture = gaussian_filter(rng.standard_normal(scene.shape), 1.5)
    brightness = rng.uniform(0.35, 0.8)
    body = brightness * (1 + 0.5 * texture / texture.std() * 0.4)
    scene[inside] = np.maximum(scene[inside], body[inside])


def _filaments(shape: tuple[int, int], rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Curved threads one pixel wide, drawn as random walks that keep their direction."""
    web = np.zeros(shape)
    for _ in range(count):
        steps = int(rng.integers(60, 160))
        angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.08, steps))
        y = rng.uniform(0, shape[0]) + np.cumsum(np.sin(angles))
        x = rng.uniform(0, shape[1]) + np.cumsum(np.cos(angles))
        rows, columns = np.rint(y).astype(int), np.rint(x).astype(int)
        seen = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        web[rows[seen], columns[seen]] = rng.uniform(0.15, 0.4)
    return web


def _expose(light: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint16]:
    return _grey(camera_noise(light, photons=2000, read_noise=0.002, rng=rng))


def _grey(light: NDArray[np.float64]) -> NDArray[np.uint16]:
    counts = np.rint(CAMERA_OFFSET + FULL_SCALE * light)
    return np.clip(counts, 0, np.iinfo(np.uint16).max).astype(np.uint16)
