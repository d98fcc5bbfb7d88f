from __future__ import annotations

import numpy as np
import pytest

from dgno_core.errors import DGNOError
from dgno_core.io import ImageSource, as_source


def test_reading_gives_this_machines_byte_order() -> None:
    swapped = np.arange(20 * 20, dtype=">u2").reshape(20, 20)
    source = as_source(swapped)
    block = source.read((slice(None), slice(None)))
    assert source.dtype == np.uint16
    assert block.dtype.isnative
    np.testing.assert_array_equal(block, swapped)


def test_lists_are_arrays_too() -> None:
    assert as_source([[1.0, 2.0], [3.0, 4.0]], "YX").shape == (2, 2)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_named(value: float) -> None:
    data = np.zeros((3, 20, 20), np.float32)
    data[2, 4, 5] = value
    source = as_source(data, name="nuclei")
    source.read((0, slice(None), slice(None)))
    with pytest.raises(DGNOError, match=r"nuclei holds pixels that are NaN.*plane Z = 2"):
        source.read((2, slice(None), slice(None)))


@pytest.mark.parametrize(
    ("data", "axes", "words"),
    [
        (np.zeros((0, 20, 20)), "ZYX", "is empty"),
        (np.zeros((20, 15)), "YX", "at least 16 x 16"),
        (np.zeros((20, 20, 3), np.uint16), None, "at least 16 x 16.*the axes are YXC"),
        (np.zeros((20, 20, 9), np.uint16), None, "at least 16 x 16.*check the axes"),
        (np.zeros((20, 20), bool), "YX", "mask"),
        (np.zeros((20, 20), complex), "YX", "complex128.*abs"),
        (np.zeros((20, 20), np.int64), "YX", "int64.*uint16.*float32"),
        (np.zeros((20, 20), np.float16), "YX", "float16.*float32"),
    ],
)
def test_images_that_cannot_be_restored(data: np.ndarray, axes: str | None, words: str) -> None:
    with pytest.raises(DGNOError, match=f"^embryo.*{words}"):
        as_source(data, axes, name="embryo").check()


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8", ">u2"])
def test_types_that_can(dtype: str) -> None:
    as_source(np.zeros((16, 16), dtype)).check()


def test_axes_that_do_not_fit_are_found_even_in_a_source_made_by_hand() -> None:
    with pytest.raises(DGNOError, match="2 dimensions"):
        ImageSource(np.zeros((20, 20)), "ZYX").check()


def test_a_decoder_that_fails_is_a_clear_error() -> None:
    class Broken:
        shape, dtype = (20, 20), np.dtype("u1")

        def __getitem__(self, index: object) -> object:
            raise RuntimeError("bad block")

    with pytest.raises(DGNOError, match=r"lost\.tif.*bad block.*damaged"):
        ImageSource(Broken(), "YX", name="lost.tif").read((slice(None),) * 2)


def test_a_plane_beyond_the_memory_is_a_clear_error() -> None:
    class Huge:
        shape, dtype = (3, 20, 20), np.dtype("u2")

        def __getitem__(self, index: object) -> np.ndarray:
            raise MemoryError

    source = ImageSource(Huge(), "ZYX", name="big.tif")
    with pytest.raises(DGNOError, match=r"big\.tif.*not enough memory .* in the plane Z = 1"):
        source.read((1, slice(None), slice(None)))


@pytest.mark.parametrize(
    ("shape", "axes", "end"),
    [
        ((10, 10), "YX", "16 x 16 are needed."),
        ((40, 40, 3), "ZYX", "the axes are YXC."),
        ((2, 40, 40, 2), "TZYX", "the axes are ZYXC."),
        ((40, 40, 9), "ZYX", "check the axes."),
    ],
)
def test_axes_are_suspected_only_where_they_can_be_wrong(
    shape: tuple[int, ...], axes: str, end: str
) -> None:
    with pytest.raises(DGNOError) as caught:
        as_source(np.zeros(shape, "u2"), axes).check()
    assert str(caught.value).endswith(end)


def test_an_array_without_chunks_is_not_counted_whole() -> None:
    class OnDisk:
        """A plane at a time, as a data set of HDF5 that lies in one piece."""

        shape, dtype, chunks = (1000, 100_000, 100_000), np.dtype("u2"), None

        def __getitem__(self, index: object) -> np.ndarray:
            return np.zeros((100, 100), np.uint16)

    source = ImageSource(OnDisk(), "TYX")
    part = source.load((0, slice(0, 100), slice(0, 100)))
    assert part.shape == (100, 100)
