"""Pairing objects and counting them, against a check by hand and against StarDist itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dgno_core.errors import DGNOError
from dgno_core.metrics.matching import THRESHOLDS, Counts, average_precision, count, match

labels_of = arrays(np.int32, (6, 7), elements=st.sampled_from([0, 0, 1, 2, 5, 9]))


def square(image: np.ndarray, label: int, top: int, left: int, height: int, width: int) -> None:
    image[top : top + height, left : left + width] = label


@pytest.fixture
def toy() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Two fields: four nuclei found with IoU 1, 9/11, 7/13 and not at all; and one found."""
    truth, found = np.zeros((2, 60, 60), np.int32)
    for label, top in ((1, 0), (2, 15), (3, 30), (4, 45)):
        square(truth, label, top, 0, 10, 10)
    square(found, 7, 0, 0, 10, 10)
    square(found, 3, 16, 0, 10, 10)  # 90 of 110 pixels
    square(found, 2, 33, 0, 10, 10)  # 70 of 130
    square(found, 9, 45, 40, 10, 10)
    single = np.zeros((20, 20), np.int32)
    square(single, 1, 3, 3, 6, 6)
    return [truth, single], [found, single]


def test_the_toy_fields_have_the_ap_that_was_worked_out_by_hand(toy) -> None:
    counts = [count(*pair, (0.5, 0.7, 0.9)) for pair in zip(*toy, strict=True)]
    assert average_precision(counts) == pytest.approx([4 / 6, 3 / 7, 2 / 8])
    assert average_precision(counts, by_image=True) == pytest.approx([0.8, 2 / 3, 4 / 7], abs=1e-4)


def test_an_empty_field_counts_as_the_rule_says(toy) -> None:
    empty = np.zeros((9, 9), np.int32)
    counts = [count(*pair, (0.5,)) for pair in zip(*toy, strict=True)] + [
        count(empty, empty, (0.5,))
    ]
    assert average_precision(counts) == pytest.approx(4 / 6)
    by_image = {
        rule: average_precision(counts, by_image=True, empty=rule).item()
        for rule in ("zero", "one", "skip")
    }
    assert by_image == pytest.approx({"zero": 1.6 / 3, "one": 2.6 / 3, "skip": 0.8})
    nothing = [count(empty, empty, (0.5,))]
    assert average_precision(nothing).item() == 0
    assert np.isnan(average_precision(nothing, empty="skip")).all()


def test_pairs_name_the_labels_as_they_are_in_the_images(toy) -> None:
    (truth, _), (found, _) = toy
    result = match(truth, found, 0.6)
    assert result.pairs.tolist() == [[1, 7], [2, 3]]
    assert result.ious == pytest.approx([1, 9 / 11])
    assert result.lost.tolist() == [3, 4]
    assert result.gained.tolist() == [2, 9]


def test_as_many_pairs_as_possible_come_before_the_largest_overlap() -> None:
    """One pair of IoU 0.5 for each beats one of 0.6 that leaves two objects alone."""
    first, second = np.zeros((2, 1, 40), np.int32)
    first[0, :10], first[0, 10:20] = 1, 2
    second[0, 2:14] = 1  # overlaps 1 by 8 of 14, and 2 by 4 of 18
    second[0, 14:20] = 2  # overlaps 2 by 6 of 10
    assert match(first, second, 0.5).pairs.tolist() == [[1, 1], [2, 2]]


@given(labels_of, labels_of)
@settings(max_examples=150, deadline=None)
def test_counts_are_those_of_stardist(first: np.ndarray, second: np.ndarray) -> None:
    theirs = pytest.importorskip("stardist.matching").matching
    ours = count(first, second)
    for index, threshold in enumerate(THRESHOLDS):
        expected = theirs(first, second, thresh=threshold)
        assert (ours.tp[index], ours.fp[index], ours.fn[index]) == (
            expected.tp, expected.fp, expected.fn,
        )  # fmt: skip


def test_both_averages_are_those_of_stardist(toy) -> None:
    theirs = pytest.importorskip("stardist.matching").matching_dataset
    counts = [count(*pair) for pair in zip(*toy, strict=True)]
    for by_image in (False, True):
        expected = theirs(*toy, thresh=THRESHOLDS, by_image=by_image, show_progress=False)
        ours = average_precision(counts, by_image=by_image)
        assert ours == pytest.approx([one.accuracy for one in expected])


@given(labels_of, labels_of, st.sampled_from(THRESHOLDS))
@settings(deadline=None)
def test_every_object_is_in_exactly_one_group(
    first: np.ndarray, second: np.ndarray, iou: float
) -> None:
    result = match(first, second, iou)
    before = [*result.pairs[:, 0], *result.lost]
    after = [*result.pairs[:, 1], *result.gained]
    assert sorted(before) == sorted(set(np.unique(first)) - {0})
    assert sorted(after) == sorted(set(np.unique(second)) - {0})
    assert (result.ious >= iou).all()


@given(labels_of)
def test_an_image_matches_itself(labels: np.ndarray) -> None:
    result = match(labels, labels, 1.0)
    assert (result.pairs[:, 0] == result.pairs[:, 1]).all()
    assert len(result.lost) == len(result.gained) == 0


def test_images_of_two_shapes_cannot_be_compared() -> None:
    with pytest.raises(DGNOError, match="same field"):
        match(np.zeros((3, 3), int), np.zeros((3, 4), int))


@pytest.mark.parametrize("bad", [np.zeros((3, 3)), np.full((3, 3), -1)])
def test_what_is_no_label_image_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(DGNOError, match="whole numbers"):
        match(bad, np.zeros((3, 3), int))


def test_counts_of_several_planes_are_added_up_before_dividing() -> None:
    def of(tp: int, fp: int, fn: int) -> Counts:
        return Counts((0.5,), *(np.array([value]) for value in (tp, fp, fn)))

    counts = [of(9, 1, 0), of(0, 0, 10)]
    assert average_precision(counts).item() == pytest.approx(9 / 20)
    assert average_precision(counts, by_image=True).item() == pytest.approx(0.45)
    assert average_precision([of(1, 0, 0), of(0, 0, 3)], by_image=True).item() == pytest.approx(0.5)
