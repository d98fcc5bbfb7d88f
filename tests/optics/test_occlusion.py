from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dgno_core.optics import LayeredBlur, blur_layers, blur_varying, draw_layered_blur
from dgno_core.optics.psf import PsfKind

TOOL, TISSUE = 7, 4
Floats = NDArray[np.float64]


@pytest.fixture
def labels() -> NDArray[np.int64]:
    regions = np.full((48, 56), TISSUE)
    regions[18:30, 20:] = TOOL
    return regions


def layers(labels: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """What the tool and the whole of the tissue look like, each known everywhere."""
    rng = np.random.default_rng(0)
    return 0.8 + 0.1 * rng.random(labels.shape), 0.1 + 0.3 * rng.random(labels.shape)


@pytest.mark.parametrize("psf", ["gauss", "disk"])
def test_a_tool_out_of_focus_spreads_and_hides_in_the_same_measure(
    labels: NDArray[np.int64], psf: PsfKind
) -> None:
    tool, tissue = layers(labels)
    mask = (labels == TOOL).astype(float)
    blur = LayeredBlur((TOOL,), 3.0, in_front=True, psf=psf, rim=0)
    blurred = blur_layers(np.where(mask > 0, tool, tissue), labels, blur)
    # Composed from the two layers, of which the one behind is known under the tool as well.
    truth = blur_varying(mask * tool, 3.0, psf) + (1 - blur_varying(mask, 3.0, psf)) * tissue
    visible = mask == 0
    np.testing.assert_allclose(blurred[visible], truth[visible], atol=1e-12)
    assert np.abs(blurred - truth)[~visible].max() < 0.15  # unknown: the tissue's mean stands in
    assert np.sqrt(np.mean((blurred - truth) ** 2)) < 0.02


def test_tissue_out_of_focus_takes_no_colour_from_a_sharp_tool(
    labels: NDArray[np.int64],
) -> None:
    image = np.where(labels == TOOL, 1.0, 0.2)
    blur = LayeredBlur((TISSUE,), 4.0, in_front=False, rim=0)
    np.testing.assert_allclose(blur_layers(image, labels, blur), image, atol=1e-9)
    pasted = np.where(labels == TOOL, image, blur_varying(image, 4.0, "disk"))
    assert np.abs(pasted - image).max() > 0.3  # the halo of blurring it all and pasting


def test_a_sharp_tool_stays_as_it_is_and_far_tissue_is_blurred_plainly(
    labels: NDArray[np.int64],
) -> None:
    tool, tissue = layers(labels)
    image = np.where(labels == TOOL, tool, tissue)
    blurred = blur_layers(image, labels, LayeredBlur((TISSUE,), 3.0, in_front=False))
    np.testing.assert_array_equal(blurred[labels == TOOL], image[labels == TOOL])
    plain = blur_varying(image, 3.0, "disk")
    np.testing.assert_allclose(blurred[:12, :12], plain[:12, :12], atol=1e-12)


def test_a_blurred_tool_leaves_far_tissue_as_it_is(labels: NDArray[np.int64]) -> None:
    tool, tissue = layers(labels)
    image = np.where(labels == TOOL, tool, tissue)
    blurred = blur_layers(image, labels, LayeredBlur((TOOL,), 3.0))
    np.testing.assert_allclose(blurred[:12, :12], image[:12, :12], atol=1e-12)


@pytest.mark.parametrize("classes", [(TOOL,), (TISSUE,)])
def test_mixed_pixels_beside_the_outline_leave_no_sharp_line(
    labels: NDArray[np.int64], classes: tuple[int, ...]
) -> None:
    # An anti-aliased edge: the first pixel of tissue is half tool, though its label says tissue.
    image = np.where(labels == TOOL, 1.0, 0.0)
    image[17, 20:] = image[30, 20:] = 0.5
    in_front = classes == (TOOL,)
    with_rim = LayeredBlur(classes, 4.0, in_front=in_front)
    profile = blur_layers(image, labels, with_rim)[:24, 40]
    bare = blur_layers(image, labels, replace(with_rim, rim=0))[:24, 40]
    assert (np.diff(profile) > -1e-9).all()  # brighter and brighter, without a line
    far = profile[:15] if not in_front else np.zeros(1)
    assert np.abs(far).max() < 1e-9  # none of the tool's light in the blurred tissue
    if in_front:
        assert (np.diff(bare) < -0.01).any()
    else:
        assert np.abs(bare[:15]).max() > 0.01


@pytest.mark.parametrize("in_front", [True, False])
def test_a_constant_image_stays_constant_in_every_colour(
    labels: NDArray[np.int64], in_front: bool
) -> None:
    image = np.broadcast_to([0.2, 0.5, 0.9], (*labels.shape, 3))
    blurred = blur_layers(image, labels, LayeredBlur((TOOL,), 3.0, in_front=in_front))
    np.testing.assert_allclose(blurred, image, atol=1e-9)


def test_all_or_none_of_the_classes(labels: NDArray[np.int64]) -> None:
    image = layers(labels)[0]
    np.testing.assert_array_equal(blur_layers(image, labels, LayeredBlur((99,), 3.0)), image)
    everything = blur_layers(image, labels, LayeredBlur((TOOL, TISSUE), 3.0))
    np.testing.assert_allclose(everything, blur_varying(image, 3.0, "disk"), atol=1e-12)


def test_a_record_repeats_its_image_also_by_way_of_json(labels: NDArray[np.int64]) -> None:
    image = layers(labels)[1]
    record = draw_layered_blur(11, (TOOL,), in_front=True)
    assert record == draw_layered_blur(11, (TOOL,), in_front=True)
    assert record != draw_layered_blur(12, (TOOL,), in_front=True)
    assert 2 <= record.width <= 8
    again = LayeredBlur(**json.loads(json.dumps(asdict(record))))
    assert again == record
    np.testing.assert_array_equal(
        blur_layers(image, labels, again), blur_layers(image, labels, record)
    )


def test_labels_that_do_not_fit_and_a_negative_rim_are_refused() -> None:
    with pytest.raises(ValueError, match="labels"):
        blur_layers(np.zeros((8, 8)), np.zeros((8, 7)), LayeredBlur((1,), 2.0))
    with pytest.raises(ValueError, match="rim"):
        LayeredBlur((1,), 2.0, rim=-1)
