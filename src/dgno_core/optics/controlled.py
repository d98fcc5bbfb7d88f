"""The DGNO paper's controlled scenes: filled squares, hollow boxes and thin lines.

The paper names the three shapes, the Gaussian blur, its two ranges of sigma (8 to 10 and 0.6 to 13
pixels) and 50 images. Sizes, numbers, brightness and the form of the width map are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dgno_core.optics.maps import MapKind, Range, draw_map
from dgno_core.optics.varying import blur_varying

Floats = NDArray[np.float64]

TEST_SEEDS = range(10_000, 10_050)
VALIDATION_SEEDS = range(20_000, 20_010)
FIRST_TRAINING_SEED = 1_000_000  # training takes fresh scenes from here on
_MAP = 1  # the map draws from a stream of its own


@dataclass(frozen=True)
class SceneRanges:
    """Ranges of the draws, both ends included; lengths in pixels."""

    background: Range = (0.0, 0.15)
    brightness: Range = (0.35, 1.0)
    squares: tuple[int, int] = (3, 7)
    boxes: tuple[int, int] = (3, 7)
    lines: tuple[int, int] = (4, 10)
    side: tuple[int, int] = (12, 64)
    wall: tuple[int, int] = (2, 5)
    length: Range = (40.0, 160.0)
    thickness: tuple[int, int] = (1, 3)


class ControlledPair(NamedTuple):
    """A scene, its blurred image, and the Gaussian sigma at each pixel: ``(Y, X)`` each."""

    sharp: Floats
    blurred: NDArray[np.floating]
    widths: Floats


def controlled_scene(
    seed: int, shape: tuple[int, int] = (256, 256), ranges: SceneRanges | None = None
) -> Floats:
    """Draw squares, boxes and lines in random order, later ones over earlier ones.

    Parameters
    ----------
    seed
        The same seed gives the same scene.
    shape
        ``(Y, X)``.
    ranges
        Numbers, sizes and brightness; for small canvases, give smaller sizes.

    Returns
    -------
    ``(Y, X)``, 0 to 1, without anti-aliasing or noise.
    """
    ranges = ranges or SceneRanges()
    rng = np.random.default_rng(seed)
    scene = np.full(shape, rng.uniform(*ranges.background))
    draws: list[Callable[[], NDArray[np.bool_]]] = []
    for count, draw in ((ranges.squares, _square), (ranges.boxes, _box), (ranges.lines, _line)):
        draws += [partial(draw, shape, ranges, rng)] * _integer(rng, count)
    for index in rng.permutation(len(draws)):
        scene[draws[index]()] = rng.uniform(*ranges.brightness)
    return scene


def controlled_pair(
    seed: int,
    widths: Range = (0.6, 13.0),
    kind: MapKind = "smooth",
    *,
    shape: tuple[int, int] = (256, 256),
    ranges: SceneRanges | None = None,
) -> ControlledPair:
    """Draw a scene and blur it exactly with a Gaussian of varying width.

    Parameters
    ----------
    seed
        Seed of the scene and of the map.
    widths
        Lowest and highest sigma in pixels; the paper's are (8, 10) and (0.6, 13).
    kind
        ``"smooth"``, or ``"regions"`` for a discontinuous map.
    shape, ranges
        See `controlled_scene`.

    """
    sharp = controlled_scene(seed, shape, ranges)
    drawn = draw_map(kind, widths, np.random.default_rng((seed, _MAP)))
    each = drawn.at(shape).double().numpy()
    return ControlledPair(sharp, blur_varying(sharp, each), each)


def _integer(rng: np.random.Generator, ends: tuple[int, int]) -> int:
    return int(rng.integers(*ends, endpoint=True))


def _square(
    shape: tuple[int, int], ranges: SceneRanges, rng: np.random.Generator
) -> NDArray[np.bool_]:
    return _box(shape, ranges, rng, wall=False)


def _box(
    shape: tuple[int, int], ranges: SceneRanges, rng: np.random.Generator, *, wall: bool = True
) -> NDArray[np.bool_]:
    side = _integer(rng, ranges.side)
    # The centre lies in the canvas, the rest may reach beyond it.
    top, left = (int(rng.integers(n)) - side // 2 for n in shape)
    y, x = np.ogrid[: shape[0], : shape[1]]
    depth = np.minimum(
        np.minimum(y - top, top + side - 1 - y), np.minimum(x - left, left + side - 1 - x)
    )
    inside = depth >= 0
    return inside & (depth < _integer(rng, ranges.wall)) if wall else inside


def _line(
    shape: tuple[int, int], ranges: SceneRanges, rng: np.random.Generator
) -> NDArray[np.bool_]:
    length, angle = rng.uniform(*ranges.length), rng.uniform(0, np.pi)
    thickness = _integer(rng, ranges.thickness)
    y, x = (
        axis - rng.uniform(0, n)
        for axis, n in zip(np.ogrid[: shape[0], : shape[1]], shape, strict=True)
    )
    along = np.abs(x * np.cos(angle) + y * np.sin(angle))
    across = np.abs(y * np.cos(angle) - x * np.sin(angle))
    return np.asarray(np.hypot(np.maximum(along - length / 2, 0), across) <= thickness / 2)
