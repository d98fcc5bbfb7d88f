from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dgno_core.evaluation.gallery import draw_failures, find_failure, worst_failures


def images(error: float, corner: tuple[int, int] = (20, 30)) -> dict[str, np.ndarray]:
    """An image whose restored version is wrong in one place only."""
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 200, (64, 96)).astype(np.float64)
    ours = sharp.copy()
    y, x = corner
    ours[y : y + 16, x : x + 16] += error
    return {"sharp": sharp, "blurred": sharp + 10, "ours": ours}


def test_the_spot_lies_where_the_result_is_wrong() -> None:
    failure = find_failure("a", images(40.0), side=16)
    assert failure.spot.box == (20, 30, 16, 16)
    span = np.ptp(images(0.0)["sharp"])
    assert failure.spot.error == pytest.approx(40 / span)
    assert failure.spot.before == pytest.approx(20 * np.log10(span / 10))
    assert failure.spot.after == pytest.approx(20 * np.log10(span / 40))
    blurred, restored, sharp, error = failure.panels
    assert {panel.picture.shape for panel in failure.panels} == {(16, 16)}
    assert (restored.picture >= sharp.picture).all()
    assert (restored.picture > sharp.picture).any()
    assert error.picture.min() == 255  # white: more than a tenth of the range
    assert blurred.title == "blurred"


def test_the_worst_three_images_are_shown_worst_first(tmp_path: Path) -> None:
    errors = {"a": 5.0, "b": 30.0, "c": 1.0, "d": 20.0}
    found = worst_failures(find_failure(name, images(e), side=16) for name, e in errors.items())
    assert [failure.spot.image for failure in found] == ["b", "d", "a"]
    from PIL import Image

    with Image.open(draw_failures(found, tmp_path / "failures.jpg")) as picture:
        assert picture.size == (4 * 280 + 3 * 8, 3 * (280 + 40))
