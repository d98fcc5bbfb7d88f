from __future__ import annotations

import numpy as np
import pytest

from dgno_core.data.degrader import replay_recording
from dgno_core.demo import builtin_images
from dgno_core.demo.images import WIDTHS, known_blur
from dgno_core.optics.psf import PsfKind


def test_there_are_a_colour_and_two_grey_images_small_enough_for_a_laptop() -> None:
    colour, *greys = builtin_images()
    assert colour.sharp.dtype == np.uint8
    assert colour.sharp.shape[2] == 3
    for grey in greys:
        assert grey.sharp.dtype == np.uint16
        assert grey.sharp.ndim == 2
        assert (grey.sharp.min(), grey.sharp.max()) == (100, 4000)
    for image in (colour, *greys):
        assert max(image.sharp.shape) <= 384
        assert min(image.sharp.shape[:2]) >= 128
        assert image.sharp.std() > 0.05 * np.ptp(image.sharp)  # it shows something
        assert image.source


def test_the_first_grey_image_is_of_nuclei_and_only_the_last_beyond_the_model() -> None:
    assert [image.name for image in builtin_images()] == ["tissue", "nuclei", "tissue-nuclei"]
    assert ["beyond" in image.title for image in builtin_images()] == [False, False, True]


def test_the_blur_of_each_image_is_one_that_its_model_knows() -> None:
    from dgno_core.models import default_weights, find_weights, read_card

    for image in builtin_images():
        card = read_card(find_weights(default_weights(colour=image.sharp.ndim == 3)))
        assert card.blur_px is not None
        low, high = card.blur_px
        assert low <= image.widths[0] < image.widths[1] <= high


@pytest.mark.parametrize("psf", ["gauss", "disk"])
@pytest.mark.parametrize("widths", [WIDTHS, (1.0, 2.5)])
def test_degrading_is_known_and_repeatable(psf: PsfKind, widths: tuple[float, float]) -> None:
    sharp = builtin_images()[1].sharp[:64, :80]
    first, again, other = (
        replay_recording(known_blur(seed, psf, widths), sharp) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.dtype == sharp.dtype
    assert first.mean() == pytest.approx(sharp.mean(), rel=0.03)  # light is only moved
    drawn = known_blur(1, psf, widths).widths
    assert drawn is not None
    each = drawn.at(sharp.shape)
    assert (each.min(), each.max()) == pytest.approx(widths)
