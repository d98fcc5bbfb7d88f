from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import tifffile
import torch
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dgno_core.errors import DGNOError
from dgno_core.inference import (
    PlaneMeasured,
    PlaneRestored,
    RestoreConfig,
    Restored,
    RestoreStarted,
    RestoreWarned,
    TileRestored,
    restore,
    restore_events,
)
from dgno_core.io import ArraySink, ImageSource, as_source, open_sink, read_beside, read_image


def reference(stack: np.ndarray, low: float, high: float, channels: int = 1) -> np.ndarray:
    """Sharpen plane by plane, whole, in float64; stack is (planes, channels, Y, X)."""
    result = np.empty_like(stack)
    for plane, out in zip(stack, result, strict=True):
        x = np.pad((plane - low) / (high - low), [(0, 0), (2, 2), (2, 2)], mode="reflect")
        height, width = plane.shape[1:]
        mean = sum(
            x[:, i : i + height, j : j + width] for i in range(5) for j in range(5)
        ) / 25  # fmt: skip
        sharp = (2 * x[:, 2:-2, 2:-2] - mean)[:: -1 if channels == 3 else 1]
        values = sharp * (high - low) + low
        if stack.dtype.kind in "iu":
            limits = np.iinfo(stack.dtype)
            values = np.clip(np.rint(values), limits.min, limits.max)
        out[:] = values.astype(stack.dtype)
    return result


def close(one: np.ndarray, other: np.ndarray, *, border: int = 0) -> bool:
    """Tell whether two images agree to one grey level (float32 rounding at x.5)."""
    return float(np.abs(one.astype(float) - other.astype(float)).max()) <= 1.0


@pytest.mark.parametrize("tile", [64, 96, 128, 512])
def test_every_tile_gives_the_plain_result(
    stack: np.ndarray, fake: Callable[..., Any], tile: int
) -> None:
    low, high = np.percentile(stack, (0.1, 99.9))
    expected = reference(stack[:, None].astype("u2"), low, high)[:, 0]
    # The network sees the plane padded, so the last rows know of their reflection.
    result = restore(stack, fake(halo=16), tile=tile)
    assert (result.dtype, result.shape) == (stack.dtype, stack.shape)
    assert close(result, expected)


def test_windows_have_one_size_on_the_grid(stack: np.ndarray, fake: Callable[..., Any]) -> None:
    model = fake()
    restore(stack, model)
    assert set(model.shapes) == {(64, 64)}
    one_piece = fake(tile=512)
    restore(stack, one_piece)
    assert one_piece.shapes == [(160, 128)] * 3


def test_events_tell_the_story(stack: np.ndarray, fake: Callable[..., Any]) -> None:
    events = list(restore_events(stack, model=fake()))
    kinds = [type(event) for event in events]
    started = events[0]
    assert isinstance(started, RestoreStarted)
    assert (started.planes, started.tile, started.device, started.model) == (3, 64, "cpu", "fake")
    assert kinds[1:4] == [PlaneMeasured] * 3
    tiles = [event for event in events if isinstance(event, TileRestored)]
    assert [event.done for event in tiles] == list(range(1, started.tiles + 1))
    assert {event.total for event in tiles} == {started.tiles}
    planes = [event for event in events if isinstance(event, PlaneRestored)]
    assert [(event.index, event.done, event.total) for event in planes] == [
        ((0,), 1, 3), ((1,), 2, 3), ((2,), 3, 3),
    ]  # fmt: skip
    assert kinds.count(Restored) == 1
    assert kinds[-1] is Restored
    assert RestoreWarned not in kinds


@st.composite
def images(draw: st.DrawFn) -> ImageSource:
    others = draw(st.lists(st.sampled_from("TPCZS"), unique=True, max_size=2))
    axes = "".join(draw(st.permutations([*others, "Y", "X"])))
    shape = [draw(st.integers(16, 40) if a in "YX" else st.integers(1, 4)) for a in axes]
    dtype = draw(st.sampled_from(["uint8", "uint16", "float32", "int16"]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return as_source((rng.random(shape) * 200).astype(dtype), axes)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(image=images())
def test_any_order_of_axes_gives_the_same_pixels(
    image: ImageSource, fake: Callable[..., Any]
) -> None:
    """A grey model takes channels one by one, wherever their axis is."""
    result = restore(image, fake())
    assert (result.dtype, result.shape) == (image.dtype, image.shape)
    data = np.asarray(image.data)
    order = sorted(range(data.ndim), key=lambda i: "TPZCSYX".index(image.axes[i]))
    ordered = "".join(image.axes[i] for i in order)
    moved = restore(as_source(np.ascontiguousarray(data.transpose(order)), ordered), fake())
    np.testing.assert_array_equal(result.transpose(order), moved)


@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "uint32", "int16", "float32", "float64", ">u2"]
)
def test_types_are_kept(dtype: str, fake: Callable[..., Any]) -> None:
    image = (np.random.default_rng(0).random((40, 50)) * 100).astype(dtype)
    result = restore(image, fake())
    assert result.dtype == np.dtype(dtype).newbyteorder("=")
    native = image.astype(result.dtype)
    low, high = np.percentile(native, (0.1, 99.9))
    assert close(result, reference(native[None, None], low, high)[0, 0])


def test_results_beyond_the_type_are_clipped_not_wrapped(fake: Callable[..., Any]) -> None:
    image = np.zeros((64, 64), np.uint8)
    image[20:40, 20:40] = 255
    result = restore(image, fake())
    assert result[20, 20] == 255
    assert result[19, 19] == 0


def test_the_stack_has_one_range_and_planes_have_their_own_if_asked(
    fake: Callable[..., Any],
) -> None:
    rng = np.random.default_rng(0)
    stack = np.stack([rng.random((40, 40)), 100 * rng.random((40, 40))]).astype(np.float32)
    seen: list[tuple[float, float]] = []

    class Watch(fake):  # type: ignore[misc, valid-type]
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            seen.append((float(x.min()), float(x.max())))
            return super().forward(x)

    restore(stack, Watch())
    assert seen[0][1] < 0.05
    assert seen[1][1] > 0.95
    seen.clear()
    restore(stack, Watch(), normalise="plane")
    assert min(high for _, high in seen) > 0.95


def test_channels_are_normalised_one_by_one(fake: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 50, (3, 40, 40)).astype(np.uint16)
    image[1] *= 100
    together = restore(image, fake(), axes="CYX")
    for channel in range(3):
        np.testing.assert_array_equal(together[channel], restore(image[channel], fake()))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_constant_image_comes_back_unchanged(dtype: str, fake: Callable[..., Any]) -> None:
    image = np.full((2, 70, 80), 113, dtype)
    model = fake()
    events = list(restore_events(image, model=model))
    result = events[-1]
    assert isinstance(result, Restored)
    np.testing.assert_array_equal(result.data, image)
    assert model.shapes == []
    tiles = [event for event in events if isinstance(event, TileRestored)]
    assert tiles[-1].done == tiles[-1].total


def test_a_constant_plane_among_others_comes_back_unchanged(
    stack: np.ndarray, fake: Callable[..., Any]
) -> None:
    stack[1] = 777
    result = restore(stack, fake())
    np.testing.assert_array_equal(result[1], 777)
    assert (result[0] != stack[0]).any()


@pytest.fixture
def forms(tmp_path: Path, stack: np.ndarray) -> dict[str, Any]:
    """Return the stack in the forms in which an image may come."""
    array: Any = zarr.create_array(
        tmp_path / "in.zarr", shape=stack.shape, dtype=stack.dtype, chunks=(2, 64, 64)
    )
    array[:] = stack
    tifffile.imwrite(tmp_path / "in.tif", stack, compression="zlib", photometric="minisblack")
    folder = tmp_path / "planes"
    folder.mkdir()
    for z, plane in enumerate(stack):
        tifffile.imwrite(folder / f"z{z}.tif", plane)
    return {
        "dask": da.from_array(stack, chunks=(2, 50, 50)),
        "zarr": array,
        "zarr file": tmp_path / "in.zarr",
        "tiff": str(tmp_path / "in.tif"),
        "source": read_image(tmp_path / "in.tif"),
        "folder": folder,
        "big-endian": stack.astype(">u2"),
        "strided": np.asfortranarray(stack),
    }


def test_the_same_pixels_whatever_goes_in_and_out(
    forms: dict[str, Any], stack: np.ndarray, fake: Callable[..., Any], tmp_path: Path
) -> None:
    expected = restore(stack, fake())
    for name, image in forms.items():
        np.testing.assert_array_equal(restore(image, fake()), expected, err_msg=name)
    source = read_image(tmp_path / "in.tif")
    for name in ("out.tif", "out.ome.zarr"):
        sink = open_sink(tmp_path / name, source, source.dtype)
        *_, last = restore_events(source, sink=sink, model=fake())
        assert isinstance(last, Restored)
        assert last.data == tmp_path / name
        np.testing.assert_array_equal(read_image(tmp_path / name).data[...], expected)
        assert read_beside(tmp_path / name) == last.provenance


def test_one_plane_is_read_at_a_time(stack: np.ndarray, fake: Callable[..., Any]) -> None:
    class Watched:
        shape, dtype = stack.shape, stack.dtype
        reads: list[Any] = []  # noqa: RUF012

        def __getitem__(self, index: Any) -> np.ndarray:
            self.reads.append(index)
            return stack[index]

    watched = Watched()
    restore(ImageSource(watched, "ZYX"), fake())
    assert [index[0] for index in watched.reads] == [0, 1, 2, 0, 1, 2]


def test_provenance_says_how_to_do_it_again(
    stack: np.ndarray, fake: Callable[..., Any], tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "in.tif", stack, photometric="minisblack")
    source = read_image(tmp_path / "in.tif")
    sink = open_sink(tmp_path / "out.tif", source, source.dtype)
    *_, last = restore_events(
        source, RestoreConfig(model="fake", axes="TYX", precision="bf16"), sink=sink, model=fake()
    )
    assert isinstance(last, Restored)
    record = last.provenance
    assert (record.model, record.tile, record.device) == ("fake", 64, "cpu")
    assert record.weights_sha256 == "abc"
    assert record.command == (
        f"dgno restore {tmp_path}/in.tif -o {tmp_path}/out.tif --model fake --axes TYX "
        f"--device cpu --tile 64 --precision bf16 --threads {torch.get_num_threads()}"
    )
    assert {"python", "torch", "numpy"} <= set(record.versions)
    assert record.settings["tile"] == 64
    assert record.source.axes == "TYX"


def test_bf16_is_autocast_and_close(stack: np.ndarray, fake: Callable[..., Any]) -> None:
    class Watch(fake):  # type: ignore[misc, valid-type]
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            assert torch.is_autocast_enabled("cpu")
            assert torch.is_inference_mode_enabled()
            return super().forward(x)

    restore(stack, Watch(), precision="bf16")


def test_the_model_is_left_as_it_was(stack: np.ndarray, fake: Callable[..., Any]) -> None:
    model = fake().train()
    events = restore_events(stack, model=model)
    next(events)
    assert not model.training
    events.close()
    assert model.training


def test_warnings_reach_the_user_and_the_record(
    stack: np.ndarray, fake: Callable[..., Any]
) -> None:
    source = ImageSource(
        stack, "ZYX", {"X": 2000.0}, {"X": "nanometer"}, warnings=("only the first one",)
    )
    events = list(restore_events(source, model=fake(pixel_size_um=(0.2, 0.7))))
    messages = [event.message for event in events if isinstance(event, RestoreWarned)]
    assert messages[0] == "only the first one"
    assert "pixels of 2 µm" in messages[1]
    assert isinstance(events[-1], Restored)
    assert events[-1].provenance.warnings == messages


def test_a_result_outlives_its_generator(stack: np.ndarray, fake: Callable[..., Any]) -> None:
    sink = ArraySink(stack.shape, stack.dtype)
    events = restore_events(stack, sink=sink, model=fake())
    for event in events:
        if isinstance(event, Restored):
            break
    events.close()
    assert sink.array.any()


def test_a_model_without_a_card_is_a_clear_error(stack: np.ndarray) -> None:
    with pytest.raises(DGNOError, match="has no card"):
        restore(stack, torch.nn.Identity())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_full_precision_is_full_precision(
    stack: np.ndarray, fake: Callable[..., Any], precision: str
) -> None:
    """Without being told, cuDNN takes TF32 for float32; other flags stay as they are."""
    from torch.backends import cudnn

    seen: list[tuple[bool, bool, bool]] = []

    class Watch(fake):  # type: ignore[misc, valid-type]
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            seen.append((cudnn.enabled, cudnn.deterministic, cudnn.allow_tf32))
            return super().forward(x)

    with cudnn.flags(enabled=True, deterministic=True, allow_tf32=True):
        restore(stack, Watch(tile=512), precision=precision)
        assert cudnn.allow_tf32
    assert set(seen) == {(True, True, precision == "bf16")}


def test_the_number_of_threads_is_recorded(stack: np.ndarray, fake: Callable[..., Any]) -> None:
    last = list(restore_events(stack, model=fake()))[-1]
    assert isinstance(last, Restored)
    assert last.provenance.versions["torch threads"] == str(torch.get_num_threads())


def test_the_model_that_is_chosen_is_recorded_as_it_is_found(
    stack: np.ndarray, fake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not by what its card says, and not in the user's folder."""
    asked: list[tuple[str, Path | None]] = []

    def load(name: str, device: str, *, folder: Path | None = None) -> Any:
        asked.append((name, folder))
        return fake()

    monkeypatch.setattr("dgno_core.models.load_model", load)
    for model, name, folder in (("auto", "dgno-cell-small", None), ("mine", "mine", tmp_path)):
        config = RestoreConfig(model=model, model_folder=tmp_path)
        last = list(restore_events(stack, config))[-1]
        assert isinstance(last, Restored)
        assert asked.pop() == (name, folder)
        assert last.provenance.model == name
        assert f"--model {name}" in last.provenance.command
        assert ("--model-folder" in last.provenance.command) == (folder is not None)
