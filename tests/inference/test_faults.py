from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

from dgno_core.errors import DGNOError
from dgno_core.inference import (
    PlaneRestored,
    RestoreConfig,
    Restored,
    RestoreStarted,
    RestoreWarned,
    TileRestored,
    fallback,
    restore,
    restore_events,
)
from dgno_core.io import ImageSource, as_source, file_sinks, open_sink

OUTPUTS = ["out.tif", "out.zarr"]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("x"), MemoryError(), RuntimeError("MPS backend out of memory")],
)
def test_memory_that_runs_out_halves_the_tile_for_the_whole_stack(
    stack: np.ndarray, fake: Callable[..., Any], error: Exception
) -> None:
    model = fake(tile=512, limit=100 * 100, error=error)
    events = list(restore_events(stack, model=model))
    # The planes are 160 x 128 when padded, so half of their longer side is the next tile.
    starts = [event.tile for event in events if isinstance(event, RestoreStarted)]
    assert starts == [512, 64]
    warnings = [event.message for event in events if isinstance(event, RestoreWarned)]
    assert warnings == ["Memory ran out with tiles of 512 pixels on cpu; starting over with 64."]
    last = events[-1]
    assert isinstance(last, Restored)
    assert last.provenance.tile == 64
    assert "--tile 64" in last.provenance.command
    assert last.provenance.warnings == warnings
    np.testing.assert_array_equal(last.data, restore(stack, fake(), tile=64))


def test_memory_that_runs_out_in_the_middle_starts_the_stack_over(
    stack: np.ndarray, fake: Callable[..., Any], tmp_path: Path
) -> None:
    """Otherwise the command in the record would not give the same pixels again."""

    class Leaky(fake):  # type: ignore[misc, valid-type]
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            if len(self.shapes) == 5:
                self.limit = 64 * 64
            return super().forward(x)

    source = as_source(stack)
    sink = open_sink(tmp_path / "out.tif", source, source.dtype)
    events = list(restore_events(source, model=Leaky(tile=128), sink=sink))
    done = [event.done for event in events if isinstance(event, TileRestored)]
    tiles = [event.tiles for event in events if isinstance(event, RestoreStarted)]
    assert done[:5] == [1, 2, 3, 4, 5]
    assert done[5:] == list(range(1, tiles[1] + 1))
    expected = restore(stack, fake(), tile=64)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), expected)


def test_the_cpu_comes_last(
    stack: np.ndarray, fake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that is always full, played by "meta", which holds no numbers."""
    from dgno_core.inference.predictor import Predictor

    def forward(self: Predictor, window: np.ndarray) -> np.ndarray:
        if self.device.type == "meta":
            from dgno_core.inference.predictor import TileTooLargeError

            raise TileTooLargeError
        return window

    def move(self: Predictor, device: torch.device) -> None:
        self.model.to_empty(device=device)

    monkeypatch.setattr(Predictor, "forward", forward)
    monkeypatch.setattr(Predictor, "move", move)
    monkeypatch.setattr(fallback, "available_bytes", lambda device: 2**40)
    model = fake(tile=128).to("meta")
    events = list(restore_events(stack, model=model))
    starts = [(event.tile, event.device) for event in events if isinstance(event, RestoreStarted)]
    assert starts == [(128, "meta"), (64, "meta"), (128, "cpu")]
    warnings = [event.message for event in events if isinstance(event, RestoreWarned)]
    assert warnings[-1] == "Memory ran out on meta; starting over on the CPU."
    assert isinstance(events[-1], Restored)
    assert "--device cpu --tile 128" in events[-1].provenance.command


def test_no_memory_at_all_is_a_clear_error(
    stack: np.ndarray, fake: Callable[..., Any], tmp_path: Path
) -> None:
    source = as_source(stack)
    sink = open_sink(tmp_path / "out.tif", source, source.dtype)
    with pytest.raises(DGNOError, match=r"not enough memory for the model fake.*64 pixels"):
        list(restore_events(source, model=fake(limit=10), sink=sink))
    assert left(tmp_path) == []


def test_the_tile_is_lowered_before_memory_runs_out(
    stack: np.ndarray, fake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dgno_core.inference.memory import bytes_per_pixel, tile_bytes

    model = fake(tile=512)
    room = tile_bytes(64 * 64, bytes_per_pixel(model.card))
    monkeypatch.setattr(fallback, "available_bytes", lambda device: 2 * room)
    events = list(restore_events(stack, RestoreConfig(memory_share=0.5), model=model))
    messages = [event.message for event in events if isinstance(event, RestoreWarned)]
    assert len(messages) == 1
    assert "64 pixels instead of 512" in messages[0]
    assert set(model.shapes) == {(64, 64)}


def test_a_tile_that_does_not_fit_the_model(stack: np.ndarray, fake: Callable[..., Any]) -> None:
    words = "multiple of 64 and at least 128 pixels for the model fake, not"
    for tile in (96, 64):
        with pytest.raises(DGNOError, match=f"{words} {tile}"):
            restore(stack, fake(multiple=64, tile=128), tile=tile)


def test_other_errors_of_the_model_are_not_hidden(
    stack: np.ndarray, fake: Callable[..., Any]
) -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        restore(stack, fake(limit=0, error=RuntimeError("shapes do not match")))


@pytest.mark.parametrize(("precision", "hint"), [("bf16", "fp32"), ("fp32", "report")])
def test_a_model_that_gives_no_numbers(
    stack: np.ndarray, fake: Callable[..., Any], precision: str, hint: str
) -> None:
    model = fake()
    model.strength.data.fill_(torch.nan)
    with pytest.raises(DGNOError, match=f"not finite; .*{hint}"):
        restore(stack, model, precision=precision)


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("after", [RestoreStarted, TileRestored, PlaneRestored])
def test_cancelling_leaves_nothing(
    stack: np.ndarray, fake: Callable[..., Any], tmp_path: Path, name: str, after: type
) -> None:
    source = as_source(stack)
    sink = open_sink(tmp_path / name, source, source.dtype)
    events = restore_events(source, sink=sink, model=fake())
    for event in events:
        if isinstance(event, after):
            break
    if after is PlaneRestored:
        assert left(tmp_path) != []
    events.close()
    assert left(tmp_path) == []


def test_a_forgotten_generator_cancels_too(
    stack: np.ndarray, fake: Callable[..., Any], tmp_path: Path
) -> None:
    source = as_source(stack)
    events = restore_events(
        source, sink=open_sink(tmp_path / "out.tif", source, source.dtype), model=fake()
    )
    while not isinstance(next(events), PlaneRestored):
        pass
    del events
    gc.collect()
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_bad_plane_later_in_the_stack_leaves_nothing(
    stack: np.ndarray, fake: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    image = stack.astype(np.float32)
    image[2, 5, 5] = np.nan
    source = as_source(image, name="nuclei")
    for config in (RestoreConfig(), RestoreConfig(normalise="plane")):
        sink = open_sink(tmp_path / name, source, source.dtype)
        with pytest.raises(DGNOError, match=r"nuclei holds pixels that are NaN.*Z = 2"):
            list(restore_events(source, config, sink=sink, model=fake()))
        assert left(tmp_path) == []


def test_a_file_that_breaks_while_it_is_read_leaves_nothing(
    stack: np.ndarray, fake: Callable[..., Any], tmp_path: Path
) -> None:
    class Failing:
        shape, dtype, reads = stack.shape, stack.dtype, 0

        def __getitem__(self, index: Any) -> np.ndarray:
            self.reads += 1
            if self.reads > 4:
                raise OSError("the network drive is gone")
            return stack[index]

    source = ImageSource(Failing(), "ZYX", name="far.tif")
    sink = open_sink(tmp_path / "out.tif", source, source.dtype)
    with pytest.raises(DGNOError, match=r"far\.tif.*network drive"):
        list(restore_events(source, sink=sink, model=fake()))
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("when", ["first", "second", "close", "record"])
def test_a_full_disk_leaves_nothing(
    stack: np.ndarray, fake: Callable[..., Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, name: str, when: str,
) -> None:  # fmt: skip
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    calls = 0

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == (1 if when == "first" else 2):
                raise full
            return original(*args)

        return write

    def refuse(*args: Any, **options: Any) -> None:
        raise full

    if when in ("first", "second"):
        monkeypatch.setattr(file_sinks, "_write_all", counted(file_sinks._write_all))
        monkeypatch.setattr(file_sinks.ZarrSink, "_write", counted(file_sinks.ZarrSink._write))
    elif when == "close":
        monkeypatch.setattr(file_sinks, "publish", refuse)
    else:
        monkeypatch.setattr(Path, "write_text", refuse)
    source = as_source(stack)
    sink = open_sink(tmp_path / name, source, source.dtype)
    with pytest.raises(DGNOError, match=rf"{name}.*the disk is full"):
        list(restore_events(source, sink=sink, model=fake()))
    assert left(tmp_path) == []


def test_a_failure_spares_an_older_result_and_its_record(
    stack: np.ndarray, fake: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = as_source(stack)
    path = tmp_path / "out.tif"
    list(restore_events(source, sink=open_sink(path, source, source.dtype), model=fake()))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert set(before) == {"out.tif", "out.tif.json"}

    def refuse(*args: Any) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(file_sinks, "publish", refuse)
    sink = open_sink(path, source, source.dtype, overwrite=True)
    with pytest.raises(DGNOError, match="could not be written"):
        list(restore_events(source, RestoreConfig(tile=96), sink=sink, model=fake()))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("image", "axes", "words"),
    [
        (np.zeros((0, 20, 20), "u2"), None, "is empty"),
        (np.zeros((20, 20), "u2"), "ZYX", "2 dimensions"),
        (np.zeros((20, 20), bool), None, "mask"),
        (np.zeros((20, 9), "u2"), None, "16 x 16"),
        (np.full((20, 20), np.inf, "f4"), None, "infinite"),
    ],
)
def test_bad_images_touch_nothing(
    fake: Callable[..., Any], tmp_path: Path, image: np.ndarray, axes: str | None, words: str
) -> None:
    sink = open_sink(tmp_path / "out.tif", as_source(np.zeros((20, 20))), "u2")
    with pytest.raises(DGNOError, match=words):
        list(restore_events(image, RestoreConfig(axes=axes), sink=sink, model=fake()))
    assert left(tmp_path) == []


def test_an_unknown_model_or_device(stack: np.ndarray, fake: Callable[..., Any]) -> None:
    with pytest.raises(DGNOError, match="no-such-model"):
        restore(stack, "no-such-model")
    with pytest.raises(DGNOError, match="abacus"):
        restore(stack, fake(), device="abacus")


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import numpy as np
from inference.conftest import Sharpener
from dgno_core.inference import PlaneRestored, restore_events
from dgno_core.io import as_source, open_sink
source = as_source(np.random.default_rng(0).integers(0, 99, (3, 70, 70)).astype("u2"))
sink = open_sink(Path(sys.argv[1]), source, source.dtype)
for event in restore_events(source, sink=sink, model=Sharpener()):
    if isinstance(event, PlaneRestored):
        print("half way", flush=True)
        sys.stdin.read()
"""


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_killed_process_leaves_no_result(tmp_path: Path, name: str) -> None:
    code = KILLED.format(tests=str(Path(__file__).parents[1]))
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / name)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "half way\n"
    process.kill()
    process.communicate()
    assert not (tmp_path / name).exists()
    assert not (tmp_path / f"{name}.json").exists()
