"""The shell, Python and the panel give the same pixels."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

pytestmark = pytest.mark.gui


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Compute in one thread: how sums are split over several can differ on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """Save a tiny network with random weights."""
    import torch

    from dgno_core.models import DGNOConfig, ModelCard, build_model, save_model

    torch.manual_seed(0)
    config = DGNOConfig(width=8, heads=4, blocks=(1, 1, 1, 1), state=2, tokens=4, rank=4)
    path = tmp_path / "tiny.safetensors"
    card = ModelCard(name="tiny", summary="Random weights", config=config, tile=64, halo=32)
    save_model(build_model(config), card, path)
    return path


@pytest.fixture
def stack_file(tmp_path: Path) -> Path:
    """Save a small stack with a pixel size."""
    pixels = np.random.default_rng(3).integers(90, 3000, (2, 80, 112)).astype(np.uint16)
    path = tmp_path / "stack.ome.tif"
    tifffile.imwrite(path, pixels, metadata={"axes": "ZYX"}, photometric="minisblack")
    return path


def test_three_ways_one_result(
    model_file: Path, stack_file: Path, napari_window: Any, open_panel: Any, qtbot: Any
) -> None:
    from qtpy.QtWidgets import QApplication
    from typer.testing import CliRunner

    from dgno_core import restore
    from dgno_core.cli.app import app
    from napari_dgno._reader import read_folder as read_any

    pixels = tifffile.imread(stack_file)
    by_python = restore(pixels, str(model_file), axes="ZYX")
    assert (by_python != pixels).any()

    (tuple_,) = read_any(str(stack_file))
    layer = napari_window.add_image(tuple_[0], **tuple_[1])
    panel = open_panel()
    panel.form.model_chooser.set_model(str(model_file))
    assert panel.form.summary.text().startswith("<b>tiny</b><br>Random weights.")
    panel.restore_button.click()
    qtbot.waitUntil(lambda: panel.restore_button.isEnabled(), timeout=120_000)
    result = napari_window.layers[f"{layer.name} restored"]
    np.testing.assert_array_equal(np.asarray(result.data), by_python)
    assert result.data.dtype == np.uint16
    assert result.metadata["dgno"]["tile"] == 64

    layer._source = type(layer.source)(path=str(stack_file))  # as File > Open sets it
    panel.copy_button.click()
    line = shlex.split(QApplication.clipboard().text())
    done = CliRunner().invoke(app, line[1:])
    assert done.exit_code == 0, done.output
    output = Path(line[line.index("-o") + 1])
    np.testing.assert_array_equal(tifffile.imread(output), by_python)
    assert Path(f"{output}.json").is_file()


def test_preview_is_close_to_the_result(
    model_file: Path, napari_window: Any, open_panel: Any, qtbot: Any
) -> None:
    pixels = np.random.default_rng(3).integers(90, 3000, (2, 64, 64)).astype(np.uint16)
    napari_window.add_image(pixels, name="cells")
    panel = open_panel()
    panel.form.model_chooser.set_model(str(model_file))
    panel.preview_button.click()
    qtbot.waitUntil(lambda: panel.restore_button.isEnabled(), timeout=120_000)
    preview = napari_window.layers["cells preview"].data.copy()
    plane = napari_window.dims.current_step[0]
    panel.restore_button.click()
    qtbot.waitUntil(lambda: panel.restore_button.isEnabled(), timeout=120_000)
    result = napari_window.layers["cells restored"].data
    assert preview.shape == (1, 64, 64)
    np.testing.assert_array_equal(preview[0], result[plane])  # the view is the whole plane here
