"""The flow of a detection: planes, scaling, matching, truth, warnings; with a plain stand-in."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
import pytest

from dgno_core.detection.config import DetectConfig
from dgno_core.detection.models import Detector
from dgno_core.detection.run import DetectionFound, detect, detect_events
from dgno_core.detection.scaling import measure_limits
from dgno_core.detection.status import STATUS_VALUES, status_map
from dgno_core.errors import DGNOError
from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from dgno_core.io import as_source
from dgno_core.metrics.matching import average_precision
from support.nuclei import nuclei


def found_in(
    before: Any,
    after: Any = None,
    *,
    detector: Detector,
    truth: Any = None,
    **settings: Any,
) -> DetectionFound:
    """Detect, and return the last event."""
    config = DetectConfig(**settings)
    *_, last = detect_events(before, after, config, truth=truth, detector=detector)
    assert isinstance(last, DetectionFound)
    return last


def test_planes_of_a_stack_are_numbered_each_from_one(plain: Detector) -> None:
    planes = [nuclei(seed=seed) for seed in (1, 2, 3)]
    labels = detect(np.stack([image for image, _ in planes]), plain)
    assert labels.shape == (3, 160, 160)
    for plane, (_, truth) in zip(labels, planes, strict=True):
        assert plane.max() == truth.max() == 16
        assert ((plane > 0) == (truth > 0)).mean() > 0.99


def test_one_range_holds_for_the_whole_stack(plain: Detector) -> None:
    """A dim plane is not stretched until its background looks like nuclei."""
    image, _ = nuclei()
    dim = (150 + (image.astype(float) - 150) * 0.05).astype(np.uint16)
    labels = detect(np.stack([image, dim]), plain)
    assert labels[0].max() == 16
    assert labels[1].max() == 0
    assert detect(dim, plain).max() > 0


def test_a_plane_alone_can_be_scaled_as_its_stack_is(plain: Detector) -> None:
    image, _ = nuclei()
    dim = (150 + (image.astype(float) - 150) * 0.05).astype(np.uint16)
    stack = as_source(np.stack([image, dim]), "ZYX")
    limits = measure_limits(stack, stack.layout())
    *_, alone = detect_events(dim, detector=plain)
    *_, scaled = detect_events(dim, dim, detector=plain, limits=[limits, limits])
    assert alone.before.count > 0  # its noise and dim nuclei were stretched
    assert scaled.before.count == scaled.after.count == 0
    assert scaled.before.limits == limits


def test_the_labels_lie_as_the_image_lies(plain: Detector) -> None:
    image, _ = nuclei((160, 120))
    upright = detect(image, plain)
    assert detect(image.T, plain, axes="XY").shape == (120, 160)
    assert ((detect(image.T, plain, axes="XY").T > 0) == (upright > 0)).all()
    last = found_in(np.stack([image, image], axis=-1), detector=plain, axes="YXT").before
    assert last.axes == "YXT"
    assert (last.planes == upright).all()
    assert (last.like_labels(last.planes) == last.labels).all()


@pytest.mark.parametrize("convert", [np.float32, np.float64, np.int32, np.uint16])
def test_the_type_of_the_pixels_does_not_matter(plain: Detector, convert: type) -> None:
    image, _ = nuclei()
    assert (detect(image.astype(convert), plain) == detect(image, plain)).all()


def test_eight_bits_do(plain: Detector) -> None:
    image, truth = nuclei()
    eight = np.clip(image // 5, 0, 255).astype(np.uint8)
    assert detect(eight, plain).max() == truth.max()


def test_before_and_after_are_matched_plane_by_plane(plain: Detector) -> None:
    before, truth = nuclei()
    after = before.copy()
    after[truth == 3] = 150  # lost
    after[:8, 150:158] = 900  # gained
    stack = found_in(np.stack([before, before]), np.stack([after, before]), detector=plain)
    assert [len(match.pairs) for match in stack.matches] == [15, 16]
    assert (stack.matched, stack.lost, stack.gained) == (31, 1, 1)
    left, right = status_map(stack, "before"), status_map(stack, "after")
    assert set(np.unique(left[0][truth == 3])) <= {0, STATUS_VALUES["lost"]}
    assert right[0, 4, 154] == STATUS_VALUES["gained"]
    assert set(np.unique(left[1])) == {0, STATUS_VALUES["matched"]}
    assert ((right > 0) == (stack.after.labels > 0)).all()


def test_both_images_are_scaled_alike_unless_that_is_not_wanted(plain: Detector) -> None:
    before, _ = nuclei()
    brighter = (before * 1.4).astype(np.uint16)
    shared = found_in(before, brighter, detector=plain)
    own = found_in(before, brighter, detector=plain, scaling="own")
    assert shared.after.limits == shared.before.limits == own.before.limits
    assert own.after.limits[0].high == pytest.approx(1.4 * own.before.limits[0].high, rel=0.01)


def test_images_of_two_intensity_scales_are_scaled_apart_with_a_warning(plain: Detector) -> None:
    before, _ = nuclei()
    events = list(detect_events(before, before / np.float32(65535), detector=plain))
    assert any(
        "intensity scales" in event.message for event in events if isinstance(event, AnalysisWarned)
    )
    assert events[-1].lost == events[-1].gained == 0
    assert any("intensity scales" in message for message in events[-1].warnings)


def test_agreement_with_the_truth_is_counted_for_both(plain: Detector) -> None:
    before, truth = nuclei()
    after = before.copy()
    after[truth == 3] = 150
    found = found_in(before, after, detector=plain, truth=truth)
    assert average_precision(found.truth_before)[0] == 1
    assert average_precision(found.truth_after)[0] == pytest.approx(15 / 16)
    assert (
        found_in(before, detector=plain, truth=truth.astype(np.float32)).truth_before[0].tp[0] == 16
    )
    assert found_in(before, detector=plain).truth_before == ()


def test_progress_goes_up_to_the_total(plain: Detector) -> None:
    image, _ = nuclei()
    events = list(detect_events(np.stack([image] * 3), np.stack([image] * 3), detector=plain))
    steps = [event for event in events if isinstance(event, AnalysisProgressed)]
    assert [step.done for step in steps] == list(range(7))
    assert {step.total for step in steps} == {6}


def test_closing_the_generator_stops_the_work(
    plain: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(
        "dgno_core.detection.run.predict",
        lambda *_: seen.append(1) or (np.zeros((160, 160), np.int32), np.zeros(0, np.float32)),
    )
    with closing(detect_events(np.stack([nuclei()[0]] * 5), detector=plain)) as events:
        next(events), next(events)
    assert len(seen) == 1


def test_an_image_without_anything_has_no_objects_and_says_so(plain: Detector) -> None:
    events = list(detect_events(np.full((64, 64), 7, np.uint16), detector=plain))
    assert any("constant" in event.message for event in events if isinstance(event, AnalysisWarned))
    assert not events[-1].before.labels.any()
    assert events[-1].before.count == 0
    both = found_in(np.zeros((64, 64)), np.zeros((64, 64)), detector=plain)
    assert (both.matched, both.lost, both.gained) == (0, 0, 0)


def test_a_constant_plane_of_a_stack_has_no_objects(plain: Detector) -> None:
    image, _ = nuclei()
    found = found_in(np.stack([np.full_like(image, 150), image]), detector=plain)
    assert [len(sure) for sure in found.before.probabilities] == [0, 16]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (np.full((64, 64), np.nan), None, "NaN"),
        (np.where(np.eye(64) > 0, np.inf, 0.0), None, "infinite"),
        (np.zeros((64, 64, 3), np.uint8), None, "takes grey images"),
        (np.zeros((64, 64)), np.zeros((64, 65)), "do not belong together"),
        (np.zeros((8, 8)), None, "at least 16"),
        (np.zeros((64, 64), bool), None, "mask"),
    ],
)
def test_bad_images_are_refused_in_one_sentence(plain: Detector, before, after, words) -> None:
    with pytest.raises(DGNOError, match=words) as caught:
        list(detect_events(before, after, detector=plain))
    assert "\n" not in str(caught.value)


def test_a_grey_image_is_refused_by_a_detector_of_colour() -> None:
    with pytest.raises(DGNOError, match="three colours"):
        list(detect_events(np.zeros((64, 64)), detector=Detector("colour", None, 3)))


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (np.zeros((64, 65), int), "does not fit"),
        (np.full((160, 160), 0.5), "not an image of labels"),
        (np.full((160, 160), -1), "not an image of labels"),
        (nuclei()[0].astype(int), "intensities"),  # the image itself, taken for the truth
        ((nuclei()[1] > 0).astype(int), "a number of its own"),  # a mask
    ],
)
def test_a_bad_truth_is_refused(plain: Detector, truth: np.ndarray, words: str) -> None:
    with pytest.raises(DGNOError, match=words):
        found_in(nuclei()[0], detector=plain, truth=as_source(truth, "YX", "truth.png"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"iou": 0}, "iou"), ({"detektor": "x"}, "no setting"), ({"probability": 1.5}, "probability")],
)
def test_bad_settings_are_refused(settings: dict, words: str) -> None:
    with pytest.raises(DGNOError, match=words):
        DetectConfig(**settings)


def test_the_command_says_all_that_differs_from_the_defaults() -> None:
    config = DetectConfig(detector="my model", iou=0.7, scaling="own")
    assert config.command("a b.tif", None, "out", "truth.png") == (
        "dgno detect 'a b.tif' -o out --truth truth.png --detector 'my model' --iou 0.7 "
        "--scaling own"
    )
