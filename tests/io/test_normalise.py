from __future__ import annotations

from collections.abc import Callable

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgno_core.errors import DGNOError
from dgno_core.io import ImageSource, IntensityRange, as_source, normalise
from dgno_core.io.axes import plane_layout
from dgno_core.io.normalise import RangeEstimator, RangeSampler


def measure(
    source: ImageSource, percentiles: tuple[float, float] = (0.1, 99.9), *, pooled: bool = True
) -> IntensityRange:
    """Measure the range of the first channel of a stack, plane by plane."""
    layout = source.layout()
    estimator = RangeEstimator(layout, pooled)
    for position in layout.positions():
        estimator.add(position, layout.split(source.read(layout.index(position))))
    return estimator.ranges(percentiles)[0]


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i1", "i2", "i4"])
@given(data=st.data())
def test_integers_come_back_exactly(dtype: str, data: st.DataObject) -> None:
    limits = np.iinfo(dtype)
    values = st.integers(int(limits.min), int(limits.max))
    low, high = sorted(data.draw(st.tuples(values, values)))
    pixels = np.array(data.draw(st.lists(st.integers(low, high), min_size=1)), dtype)
    scale = IntensityRange(float(low), float(high) + 1)
    back = scale.invert(scale.apply(pixels), dtype)
    assert back.dtype == np.dtype(dtype)
    # float32 holds 24 bits: beyond, a step of the network's own precision may be lost.
    allowed = 0 if limits.bits <= 16 else (high - low) // 2**23 + 1
    assert np.abs(back.astype(float) - pixels.astype(float)).max() <= allowed


def test_the_range_becomes_0_to_1_and_what_lies_beyond_stays_beyond() -> None:
    scale = IntensityRange(100, 300)
    scaled = scale.apply(np.array([0, 100, 200, 300, 500], np.uint16))
    np.testing.assert_allclose(scaled, [-0.5, 0, 0.5, 1, 2])
    assert scaled.dtype == np.float32


def test_values_are_rounded_and_clipped_to_the_type() -> None:
    scale = IntensityRange(0, 1)
    scaled = np.array([-3, 1.5, 2.4, 2.6, 300], np.float32)
    np.testing.assert_array_equal(scale.invert(scaled, "u1"), [0, 2, 2, 3, 255])
    np.testing.assert_array_equal(scale.invert(scaled, "i1"), [-3, 2, 2, 3, 127])
    np.testing.assert_array_equal(scale.invert(scaled, "f4"), scaled)


def test_the_largest_32_bit_integer_does_not_wrap_around() -> None:
    scaled = np.array([-1, 2], np.float32)
    limits = np.iinfo(np.uint32)
    np.testing.assert_array_equal(
        IntensityRange(0, float(limits.max)).invert(scaled, "u4"), [0, limits.max]
    )


@pytest.mark.parametrize(
    "form", ["dask", "zarr", "ome_tiff", "imagej_tiff", "zlib_tiff", "ome_zarr"]
)
@pytest.mark.parametrize("samples", [1 << 22, 1000])
def test_the_range_does_not_depend_on_where_the_pixels_are(
    stack: np.ndarray,
    in_form: Callable[[np.ndarray, str], ImageSource],
    form: str,
    samples: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(normalise, "SAMPLES", samples)
    expected = measure(in_form(stack, "numpy"), (0.1, 99.9))
    assert measure(in_form(stack, form), (0.1, 99.9)) == expected


def test_small_stacks_are_measured_with_every_pixel(stack: np.ndarray) -> None:
    scale = measure(as_source(stack), (1, 99))
    assert (scale.low, scale.high) == tuple(np.percentile(stack, (1, 99)))


@given(st.integers(1, 6), st.integers(1, 40), st.integers(1, 40), st.integers(1, 500))
def test_the_sample_is_every_kth_pixel_of_the_stack(
    planes: int, height: int, width: int, wanted: int
) -> None:
    pixels = np.arange(planes * height * width).reshape(planes, height, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalise, "SAMPLES", wanted)
        sampler = RangeSampler(pixels.size, width)
        for plane in pixels:
            sampler.add(plane)
        step = sampler.step
    kept = np.concatenate(sampler._kept)
    np.testing.assert_array_equal(kept, pixels.ravel()[::step])
    assert len(kept) <= wanted
    # Every column is met where there are enough rows.
    if planes * height >= step:
        assert len({int(k) % width for k in kept}) == width


def test_one_dark_and_one_bright_pixel_of_a_large_image_are_its_extremes() -> None:
    """The two lie where no sample of a plane of this size is taken."""
    image = np.full((2304, 2304), 100, np.uint16)
    image[::2] = 200
    image[1000, 1001], image[2000, 2001] = 7, 65_000
    assert measure(as_source(image), (0, 100)) == IntensityRange(7, 65_000)
    assert measure(as_source(image), (0, 50)).low == 7
    assert measure(as_source(image), (50, 100)).high == 65_000


@given(st.integers(1, 500), st.integers(0, 2**16))
def test_extremes_are_those_of_all_pixels(samples: int, seed: int) -> None:
    stack = np.random.default_rng(seed).integers(0, 2**16, (3, 17, 23)).astype(np.uint16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalise, "SAMPLES", samples)
        assert measure(as_source(stack), (0, 100)) == IntensityRange(stack.min(), stack.max())


def test_few_bright_spots_on_empty_ground_still_have_a_range() -> None:
    image = np.zeros((200, 200), np.uint16)
    image[50, 60] = 900
    assert measure(as_source(image), (1, 99)) == IntensityRange(0, 900)


def test_a_constant_stack_has_none() -> None:
    assert measure(as_source(np.full((3, 20, 20), 7, np.uint8)), (1, 99)).is_constant


def test_each_channel_has_its_own_range_and_pooled_colours_share_one() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 50, (2, 3, 20, 30)).astype(np.uint16)
    image[:, 1] *= 100
    layout = plane_layout("ZCYX", image.shape, image.dtype)
    estimator = RangeEstimator(layout, pooled=False)
    for position in layout.positions():
        estimator.add(position, layout.split(image[layout.index(position)]))
    ranges = estimator.ranges((0, 100))
    assert [scale.high for scale in ranges] == [image[:, c].max() for c in range(3)]
    assert estimator.at(ranges, (1, 2)) == (ranges[2],)

    colour = np.moveaxis(image[0], 0, -1)
    layout = plane_layout("YXS", colour.shape, colour.dtype)
    pooled, single = (RangeEstimator(layout, pooled=flag) for flag in (True, False))
    for estimator in (pooled, single):
        estimator.add((), layout.split(colour))
    assert pooled.ranges((0, 100)) == (IntensityRange(image[0].min(), image[0].max()),)
    assert [scale.high for scale in single.ranges((0, 100))] == list(colour.max((0, 1)))


def test_opacity_does_not_count() -> None:
    image = np.full((20, 20, 4), 255, np.uint8)
    image[..., :3] = np.arange(20, dtype=np.uint8)[:, None, None]
    assert measure(as_source(image), (0, 100)) == IntensityRange(0, 19)


def test_one_plane_at_a_time_is_in_memory() -> None:
    alive: list[int] = []

    def load(block: np.ndarray) -> np.ndarray:
        alive.append(block.shape[0])
        return block

    lazy = da.zeros((6, 20, 20), chunks=(1, 20, 20), dtype="u2").map_blocks(
        load, dtype="u2", meta=np.empty((0, 0, 0), "u2")
    )
    measure(as_source(lazy))
    assert alive == [1] * 6


def test_pixels_that_are_no_numbers_end_the_measurement() -> None:
    image = np.zeros((3, 20, 20), np.float32)
    image[1, 3, 3] = np.nan
    with pytest.raises(DGNOError, match="NaN"):
        measure(as_source(image))
