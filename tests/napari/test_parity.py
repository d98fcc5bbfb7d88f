"""The shell, Python and the panel give the same pixels."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

pytestmark = pytest.mark.gui


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute in one thread: how sums are split over several can differ on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def save_tiny(path: Path, channels: int) -> Path:
    """Save a tiny network with random weights."""
    import torch

    from dgno_core.encoders.config import MambaBlocks
    from dgno_core.models import DGNOConfig, ModelCard, build_model, save_model

    torch.manual_seed(0)
    config = DGNOConfig(
        width=8,
        heads=4,
        blocks=(1, 1, 1, 1),
        channels=channels,
        lifting=MambaBlocks(state=2, tokens=4, rank=4),
    )
    card = ModelCard(name="tiny", summary="Random weights", config=config, tile=64, halo=32)
    save_model(build_model(config), card, path)
    return path


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """Save a tiny grey model."""
    return save_tiny(tmp_path / "tiny.safetensors", channels=1)


@pytest.fixture
def stack_file(tmp_path: Path) -> Path:
    """Save a small stack with a pixel size."""
    pixels = np.random.default_rng(3).integers(90, 3000, (2, 80, 112)).astype(np.uint16)
    path = tmp_path / "stack.ome.tif"
    tifffile.imwrite(path, pixels, metadata={"axes": "ZYX"}, photometric="minisblack")
    return path


def by_panel(path: Path, model_file: Path, window: Any, panel: Any, qtbot: Any) -> Any:
    """Restore a file as File > Open and the Restore button do; return the new layer."""
    from napari_dgno._reader import read_folder as read_any

    (tuple_,) = read_any(str(path))
    layer = window.add_image(tuple_[0], **tuple_[1])
    layer._source = type(layer.source)(path=str(path))  # as File > Open sets it
    panel.form.model_chooser.set_model(str(model_file))
    panel.restore_button.click()
    qtbot.waitUntil(panel.restore_button.isEnabled, timeout=120_000)
    return window.layers[f"{layer.name} restored ({model_file.stem})"]


def copied_line(panel: Any, qtbot: Any) -> list[str]:
    """Press Copy command; return the words of the line."""
    from qtpy.QtWidgets import QApplication

    panel.copy_button.click()
    qtbot.waitUntil(panel.copy_button.isEnabled, timeout=60_000)
    return shlex.split(QApplication.clipboard().text())


@pytest.mark.usefixtures("one_thread")
def test_three_ways_one_result(
    model_file: Path, stack_file: Path, napari_window: Any, open_panel: Any, qtbot: Any
) -> None:
    from typer.testing import CliRunner

    from dgno_core import restore
    from dgno_core.cli.app import app

    pixels = tifffile.imread(stack_file)
    by_python = restore(pixels, str(model_file), axes="ZYX")
    assert (by_python != pixels).any()

    panel = open_panel()
    result = by_panel(stack_file, model_file, napari_window, panel, qtbot)
    assert panel.form.summary.line.text().startswith("tiny: Random weights.")
    np.testing.assert_array_equal(np.asarray(result.data), by_python)
    assert result.data.dtype == np.uint16
    assert result.metadata["dgno"]["tile"] == 64

    line = copied_line(panel, qtbot)
    done = CliRunner().invoke(app, line[1:])
    assert done.exit_code == 0, done.output
    output = Path(line[line.index("-o") + 1])
    np.testing.assert_array_equal(tifffile.imread(output), by_python)
    assert Path(f"{output}.json").is_file()


def test_three_ways_agree_at_the_default_number_of_threads(
    model_file: Path,
    stack_file: Path,
    napari_window: Any,
    open_panel: Any,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """At most 1 grey level apart, with the shell in a process of its own, as users have it."""
    import torch

    from dgno_core import restore

    # The suite runs with one thread; users do not.
    request.addfinalizer(partial(torch.set_num_threads, torch.get_num_threads()))
    torch.set_num_threads(os.cpu_count() or 1)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    by_python = restore(tifffile.imread(stack_file), str(model_file), axes="ZYX").astype(int)
    panel = open_panel()
    result = by_panel(stack_file, model_file, napari_window, panel, qtbot)
    assert np.abs(np.asarray(result.data).astype(int) - by_python).max() <= 1

    line = copied_line(panel, qtbot)
    code = "from dgno_core.cli.app import main; main()"
    subprocess.run([sys.executable, "-c", code, *line[1:]], check=True, timeout=300)
    by_shell = tifffile.imread(line[line.index("-o") + 1]).astype(int)
    assert np.abs(by_shell - by_python).max() <= 1


@pytest.mark.usefixtures("one_thread")
def test_preview_is_close_to_the_result(
    model_file: Path, napari_window: Any, open_panel: Any, qtbot: Any
) -> None:
    pixels = np.random.default_rng(3).integers(90, 3000, (2, 64, 64)).astype(np.uint16)
    napari_window.add_image(pixels, name="cells")
    panel = open_panel()
    panel.form.model_chooser.set_model(str(model_file))
    panel.preview_button.click()
    qtbot.waitUntil(lambda: panel.restore_button.isEnabled(), timeout=120_000)
    preview = napari_window.layers[f"cells preview ({model_file.stem})"].data.copy()
    plane = napari_window.dims.current_step[0]
    panel.restore_button.click()
    qtbot.waitUntil(lambda: panel.restore_button.isEnabled(), timeout=120_000)
    result = napari_window.layers[f"cells restored ({model_file.stem})"].data
    assert preview.shape == (1, 64, 64)
    np.testing.assert_array_equal(preview[0], result[plane])  # the view is the whole plane here


@pytest.mark.usefixtures("one_thread")
def test_preview_of_three_channels_by_a_colour_model(
    tmp_path: Path, napari_window: Any, open_panel: Any, qtbot: Any
) -> None:
    from dgno_core import restore

    model = str(save_tiny(tmp_path / "colour.safetensors", channels=3))
    pixels = np.random.default_rng(3).integers(90, 3000, (48, 64, 3)).astype(np.uint16)
    napari_window.add_image(pixels, name="cells", rgb=False, axis_labels=("y", "x", "c"))
    napari_window.dims.order = (2, 0, 1)
    panel = open_panel()
    panel.form.model_chooser.set_model(model)
    panel.preview_button.click()
    qtbot.waitUntil(panel.restore_button.isEnabled, timeout=120_000)
    preview = napari_window.layers["cells preview (colour)"].data
    np.testing.assert_array_equal(preview, restore(pixels, model, axes="YXC"))
