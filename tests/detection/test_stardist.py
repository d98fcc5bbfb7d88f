"""The packaged model at work."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from dgno_core.detection.models import Detector
from dgno_core.detection.run import detect, predict
from dgno_core.detection.scaling import PERCENTILES
from dgno_core.io.normalise import IntensityRange
from dgno_core.metrics.matching import average_precision, count, match
from support.nuclei import nuclei

pytestmark = [pytest.mark.slow, pytest.mark.stardist]


def test_nuclei_are_found_with_their_outlines(packaged: Detector) -> None:
    image, truth = nuclei()
    labels = detect(image, packaged)
    assert labels.dtype == np.int32
    assert average_precision([count(truth, labels, (0.5, 0.7))]) == pytest.approx([1, 1])


def test_probabilities_belong_to_the_labels(packaged: Detector) -> None:
    image, truth = nuclei()
    faint = np.where(truth == 5, 150 + (image.astype(float) - 150) * 0.45, image)
    limits = IntensityRange(*map(float, np.percentile(faint, PERCENTILES)))
    labels, sure = predict(packaged, limits.apply(faint)[None])
    assert len(sure) == labels.max()
    assert ((sure > 0) & (sure <= 1)).all()
    partner = dict(match(truth, labels, 0.5).pairs.tolist())
    alone, _ = predict(packaged, limits.apply(np.where(truth == 5, faint, 150))[None])
    assert sure[partner[5] - 1] < np.median(sure) or not alone.any()


def test_tiles_change_nothing_that_matters(packaged: Detector) -> None:
    image, _ = nuclei((300, 420))
    whole, tiled = detect(image, packaged), detect(image, packaged, tile=160)
    result = match(whole, tiled, 0.9)
    assert len(result.pairs) == whole.max() == tiled.max()
    assert (whole != 0).mean() == pytest.approx((tiled != 0).mean(), rel=0.01)


def test_a_stack_is_detected_plane_by_plane(packaged: Detector) -> None:
    planes = np.stack([nuclei(seed=seed)[0] for seed in (1, 2)])
    labels = detect(planes, packaged)
    limits = IntensityRange(*map(float, np.percentile(planes, PERCENTILES)))
    for plane, found in zip(planes, labels, strict=True):
        assert (predict(packaged, limits.apply(plane)[None])[0] == found).all()


def test_an_empty_field_has_no_nuclei(packaged: Detector) -> None:
    assert not detect(np.full((64, 80), 120, np.uint8), packaged).any()


def test_sizes_that_no_network_likes_are_taken(packaged: Detector) -> None:
    image, _ = nuclei()
    for shape in ((17, 61), (16, 16), (159, 33)):
        assert detect(image[: shape[0], : shape[1]], packaged).shape == shape


def test_it_works_in_a_thread_and_gives_the_same_again(packaged: Detector) -> None:
    image, _ = nuclei()
    results = []
    worker = threading.Thread(target=lambda: results.append(detect(image, packaged)))
    worker.start()
    worker.join()
    assert (results[0] == detect(image, packaged)).all()


def test_tensorflow_sees_no_gpu(packaged: Detector) -> None:
    import tensorflow as tf

    assert tf.config.get_visible_devices("GPU") == []


def test_a_higher_threshold_finds_fewer(packaged: Detector) -> None:
    image, truth = nuclei()
    noisy = image.astype(float) + np.random.default_rng(0).normal(0, 200, image.shape)
    counts = [len(np.unique(detect(noisy, packaged, probability=p))) for p in (0.2, 0.6, 0.95)]
    assert counts[0] >= counts[1] > counts[2] or counts[2] == 1
    assert counts[0] - 1 >= truth.max() // 2
