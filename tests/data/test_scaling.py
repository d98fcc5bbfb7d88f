from __future__ import annotations

import numpy as np
import pytest

from dgno_core.data.config import Normalisation
from dgno_core.data.pairs import ArrayRef, FocusPair
from dgno_core.data.scaling import Scaling
from dgno_core.io import IntensityRange, as_source
from dgno_core.io.normalise import FULL, RangeEstimator


@pytest.mark.parametrize(
    ("normalisation", "percentiles"), [("minmax", FULL), ("shared", (0.1, 99.9))]
)
@pytest.mark.parametrize("kept", [1 << 22, 1000])
@pytest.mark.parametrize("colours", [False, True])
def test_an_image_is_scaled_in_training_as_when_it_is_restored(
    normalisation: Normalisation,
    percentiles: tuple[float, float],
    kept: int,
    colours: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dgno_core.io.normalise.SAMPLES", kept)
    shape = (90, 121, 3) if colours else (90, 121)
    image = np.random.default_rng(0).integers(100, 60_000, shape).astype(np.uint16)
    image[40, 50], image[41, 51] = 7, 65_000

    scaling = Scaling(normalisation, percentiles, channels=3 if colours else 1)
    pair = FocusPair("a", ArrayRef(image), ArrayRef(image))
    trained = scaling.range(pair, pair.blurred, lambda one: one.read())

    source = as_source(image, "YXS" if colours else "YX")
    layout = source.layout(colour_model=colours)
    estimator = RangeEstimator(layout, pooled=colours)
    estimator.add((), layout.split(source.read(layout.index(()))))
    assert estimator.ranges(percentiles) == (trained,)
    if normalisation == "minmax":
        assert trained == IntensityRange(7, 65_000)
