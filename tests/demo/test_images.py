from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from dgno_core.demo import builtin_images, images
from dgno_core.demo.degrade import WIDTHS, degrade


def test_there_are_a_colour_and_a_grey_image_small_enough_for_a_laptop() -> None:
    colour, grey = builtin_images()
    assert colour.sharp.dtype == np.uint8
    assert colour.sharp.shape[2] == 3
    assert grey.sharp.dtype == np.uint16
    assert grey.sharp.ndim == 2
    for image in (colour, grey):
        assert max(image.sharp.shape) <= 384
        assert min(image.sharp.shape[:2]) >= 128
        assert image.sharp.std() > 0.05 * np.ptp(image.sharp)  # it shows something
        assert image.source


def test_without_a_fluorescence_image_the_tissue_gives_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_file_of", lambda *_: None)
    grey = builtin_images()[1]
    assert "scikit-image" in grey.source
    assert (grey.sharp.min(), grey.sharp.max()) == (100, 4000)


@pytest.mark.skipif(find_spec("napari") is None, reason="napari is not installed here")
def test_the_nuclei_in_the_picture_of_napari_are_bright_blobs_on_dark() -> None:
    nuclei = images.napari_nuclei()
    assert nuclei is not None
    assert nuclei.sharp.shape == (256, 256)
    bright = nuclei.sharp > 700
    assert 0.2 < bright.mean() < 0.7
    # No frame of the window: the border looks like the rest.
    border = np.concatenate([nuclei.sharp[0], nuclei.sharp[-1], nuclei.sharp[:, 0]])
    assert 0.1 < (border > 700).mean() < 0.9


def test_another_picture_of_napari_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from skimage.io import imsave

    picture = tmp_path / "multichannel_cells.png"
    imsave(picture, np.zeros((40, 50, 4), np.uint8), check_contrast=False)
    monkeypatch.setattr(images, "_file_of", lambda *_: picture)
    assert images.napari_nuclei() is None


def test_a_package_is_found_without_importing_it() -> None:
    assert images._file_of("skimage", "data/ihc.png") is not None
    assert images._file_of("skimage", "data/nothing.png") is None
    assert images._file_of("no_such_package", "picture.png") is None


@pytest.mark.parametrize("psf", ["gauss", "disk"])
def test_degrading_is_known_and_repeatable(psf: str) -> None:
    sharp = builtin_images()[1].sharp[:64, :80]
    first, again, other = (degrade(sharp, seed, psf) for seed in (1, 1, 2))  # type: ignore[arg-type]
    np.testing.assert_array_equal(first.blurred, again.blurred)
    assert not np.array_equal(first.blurred, other.blurred)
    assert first.blurred.dtype == sharp.dtype
    assert (first.width.min(), first.width.max()) == pytest.approx(WIDTHS)
    assert first.blurred.mean() == pytest.approx(sharp.mean(), rel=0.03)  # light is only moved
