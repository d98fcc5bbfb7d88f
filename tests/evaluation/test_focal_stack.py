from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from dgno_core.errors import DGNOError
from dgno_core.evaluation.focal_stack import (
    PlaneScore,
    StackScored,
    read_stack,
    score_stack_events,
)
from dgno_core.evaluation.report import stack_table
from dgno_core.evaluation.restorer import Restoration
from dgno_core.evaluation.scores import ModelScores

DEPTHS = [-2, -1, 0, 1, 2]


def scene(size: int = 128) -> NDArray[np.float64]:
    rng = np.random.default_rng(5)
    texture = gaussian_filter(rng.normal(size=(size, size)), 1.5)
    return 100 + 60 * texture / np.abs(texture).max()


def stack() -> list[NDArray[np.uint8]]:
    """Planes of a scene, out of focus by their depth, each of another size and shifted."""
    sharp = scene()
    planes = []
    for depth in DEPTHS:
        soft = gaussian_filter(sharp, 0.8 * abs(depth)) if depth else sharp
        cut = 3 + depth
        planes.append(np.rint(soft[cut : 124 + depth, 4:122]).astype(np.uint8))
    return planes


def as_recorded(planes: Sequence[NDArray[Any]]) -> Iterator[Restoration]:
    for plane in planes:
        yield Restoration(plane, "nothing", "00" * 32)


def sharpened(planes: Sequence[NDArray[Any]]) -> Iterator[Restoration]:
    for plane in planes:
        values = plane.astype(np.float64)
        sharper = values + 0.8 * (values - gaussian_filter(values, 1.5))
        yield Restoration(np.clip(np.rint(sharper), 0, 255).astype(np.uint8), "sharpen")


def score(restorer: Any) -> StackScored:
    *steps, last = score_stack_events(stack(), DEPTHS, restorer)
    assert [step.done for step in steps] == [1, 2, 3, 4, 5]  # type: ignore[union-attr]
    assert isinstance(last, StackScored)
    return last


def test_what_does_nothing_wins_and_loses_nothing() -> None:
    scored = score(as_recorded)
    assert [plane.depth for plane in scored.planes] == DEPTHS
    assert [plane.gain for plane in scored.planes] == [0, 0, None, 0, 0]
    assert scored.planes[2].after == np.inf
    assert not scored.left_out


def test_planes_are_compared_where_they_show_the_same() -> None:
    scored = score(as_recorded)
    truth = {depth: gaussian_filter(scene(), 0.8 * abs(depth)) for depth in (-2, 1)}
    for plane in scored.planes:
        if plane.depth in truth:
            sharp = scene()[3:124, 4:122]
            error = np.mean((truth[plane.depth][3:124, 4:122] - sharp) ** 2)
            expected = 10 * np.log10(np.ptp(np.rint(sharp)) ** 2 / error)
            # A pixel of misalignment would cost several dB.
            assert plane.before == pytest.approx(expected, abs=0.5)


def test_what_sharpens_wins_far_out_and_loses_in_focus() -> None:
    planes = {plane.depth: plane for plane in score(sharpened).planes}
    assert planes[-2].gain is not None
    assert planes[-2].gain > 0.5
    assert planes[0].before == np.inf
    assert planes[0].after < 40


def test_planes_that_show_another_place_are_left_out_and_named() -> None:
    planes = stack()
    planes[0] = np.random.default_rng(0).integers(0, 255, planes[0].shape, dtype=np.uint8)
    *_, scored = score_stack_events(planes, DEPTHS, as_recorded)
    assert isinstance(scored, StackScored)
    assert [plane.depth for plane in scored.planes] == DEPTHS[1:]
    assert scored.left_out[0].startswith("-2: ")


def test_a_table_has_a_line_for_each_plane() -> None:
    planes = (PlaneScore(-1, 30, 29.5), PlaneScore(0, np.inf, 37))
    lines = stack_table([ModelScores("m", "", planes=planes)]).splitlines()
    assert lines[2:] == ["| -1 | 30.00 | 29.50 | -0.50 |", "| 0 | identical | 37.00 | - |"]


def test_reads_a_folder_whose_files_are_named_by_depth(tmp_path: Path) -> None:
    for depth, plane in zip(DEPTHS, stack(), strict=True):
        Image.fromarray(plane).save(tmp_path / f"{depth}.bmp")
    images, depths = read_stack(tmp_path)
    assert sorted(depths) == DEPTHS
    np.testing.assert_array_equal(images[depths.index(1)], stack()[3])
    (tmp_path / "notes.png").write_bytes((tmp_path / "0.bmp").read_bytes())
    with pytest.raises(DGNOError, match="not named by their distance"):
        read_stack(tmp_path)


def test_a_stack_without_a_plane_in_focus_is_refused() -> None:
    with pytest.raises(DGNOError, match="no plane 0"):
        next(score_stack_events(stack()[:2], [-2, -1], as_recorded))
