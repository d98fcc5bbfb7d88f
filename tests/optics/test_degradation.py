from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dgno_core.optics import (
    Degradation,
    DegradationRanges,
    blur_varying,
    degrade_randomly,
    replay,
)


@pytest.fixture(params=[(40, 44), (40, 44, 3)])
def sharp(request: pytest.FixtureRequest) -> NDArray[np.float64]:
    return np.random.default_rng(0).random(request.param)


@pytest.mark.parametrize("seed", range(6))
def test_a_replay_is_the_same_bit_by_bit(sharp: NDArray[np.float64], seed: int) -> None:
    first = degrade_randomly(sharp, seed)
    record = Degradation(**json.loads(json.dumps(asdict(first.record))))
    assert record == first.record
    again = replay(record, sharp)
    np.testing.assert_array_equal(again.image, first.image)
    np.testing.assert_array_equal(again.widths, first.widths)
    np.testing.assert_array_equal(degrade_randomly(sharp, seed).image, first.image)


def test_every_draw_is_in_its_range_and_every_kind_occurs() -> None:
    ranges = DegradationRanges(lowest=(0.5, 0.9), highest=(1.5, 2.0), photons=(100, 1000))
    records = [degrade_randomly(np.zeros((8, 9)), seed, ranges).record for seed in range(40)]
    assert {(r.psf, r.kind) for r in records} == {
        (psf, kind) for psf in ("gauss", "disk") for kind in ("smooth", "regions")
    }
    assert len({r.widths for r in records}) == 40
    for record in records:
        assert 0.5 <= record.widths[0] <= 0.9
        assert 1.5 <= record.widths[1] <= 2.0
        assert record.photons is not None
        assert 100 <= record.photons <= 1000
        assert 0 <= record.read_noise <= 0.01


def test_the_record_says_what_was_done(sharp: NDArray[np.float64]) -> None:
    noisy = degrade_randomly(sharp, 3)
    clean = replay(replace(noisy.record, photons=None), sharp)
    np.testing.assert_array_equal(clean.widths, noisy.widths)  # the noise has a stream of its own
    expected = blur_varying(sharp, noisy.widths, noisy.record.psf)
    np.testing.assert_array_equal(clean.image, expected)
    residual = noisy.image - clean.image
    assert noisy.record.photons is not None
    variance = clean.image.mean() / noisy.record.photons + noisy.record.read_noise**2
    assert residual.var() == pytest.approx(variance, rel=0.15)


def test_without_photons_there_is_no_noise(sharp: NDArray[np.float64]) -> None:
    record = degrade_randomly(sharp, 0, DegradationRanges(photons=None)).record
    assert record.photons is None
    assert record.read_noise == 0
