from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgno_core.evaluation import packaged_restorer
from dgno_core.evaluation.restorer import tile_borders
from dgno_core.evaluation.tile_cost import costs_of_tiles
from dgno_core.inference import restore
from dgno_core.optics import focal_stack


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save one small network of random weights."""
    import torch

    from dgno_core.models import ModelCard, build_model
    from dgno_core.models.checkpoint import save_model
    from dgno_core.models.config import DGNOConfig

    torch.manual_seed(0)
    config = DGNOConfig(width=8, heads=2, blocks=(1, 1, 1, 1), iterations=1)
    folder = tmp_path_factory.mktemp("models")
    card = ModelCard(name="tiny", config=config, tile=64, halo=16)
    save_model(build_model(config), card, folder / "tiny.safetensors")
    return folder


def test_is_the_restoration_of_the_command_line(model_folder: Path) -> None:
    image = focal_stack((1, 96, 80)).data[0]
    judged = packaged_restorer("tiny", "cpu", model_folder)
    result = judged(image)
    expected = restore(image, "tiny", axes="YX", device="cpu", model_folder=model_folder)
    np.testing.assert_array_equal(result.data, expected)
    assert result.data.dtype == image.dtype
    assert result.model == "tiny"
    assert len(result.weights_sha256) == 64


def test_tells_the_tile_and_where_tiles_meet(model_folder: Path) -> None:
    image = focal_stack((1, 96, 80)).data[0]
    judged = packaged_restorer("tiny", "cpu", model_folder)
    own, whole = judged(image), judged(image, tile=96)
    assert (own.tile, (own.borders, own.ramp)) == (64, tile_borders((96, 80), 64, halo=16))
    assert all(own.borders)
    assert (whole.tile, whole.borders) == (96, ((), ()))


@pytest.mark.parametrize("grid", [128, 256])
def test_what_tiles_cost_on_a_grid_coarser_than_32_pixels(tmp_path: Path, grid: int) -> None:
    import torch

    from dgno_core.encoders.mpt_config import MPTBlocks
    from dgno_core.models import ModelCard, build_model
    from dgno_core.models.checkpoint import save_model
    from dgno_core.models.config import MPTConfig

    torch.manual_seed(0)
    reductions = ((8,), (4,), (2,), (2,)) if grid == 128 else ((16,), (8,), (4,), (4,))
    lifting = MPTBlocks(reductions=reductions)
    config = MPTConfig(width=8, blocks=(1, 1, 1, 1), lifting=lifting)
    card = ModelCard(name="mpt", config=config, tile=2 * grid)
    save_model(build_model(config), card, tmp_path / "mpt.safetensors")
    judged = packaged_restorer(str(tmp_path / "mpt.safetensors"), "cpu")
    # Neither side is on the grid, nor is the other tile that is to be tried.
    sharp = focal_stack((1, 24, 2 * grid + 40)).data[0]
    ours = judged(sharp)
    assert ours.grid == grid
    assert any(ours.borders)
    (cost,) = costs_of_tiles(sharp, sharp, ours, judged, also_tile=96)
    assert cost.tile == 2 * grid
    assert np.isfinite([cost.psnr, cost.seam, cost.offset]).all()


def test_a_model_is_loaded_once(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dgno_core import models

    loads: list[str] = []
    load = models.load_model

    def counted(name: str, *arguments: Any, **options: Any) -> Any:
        loads.append(name)
        return load(name, *arguments, **options)

    monkeypatch.setattr(models, "load_model", counted)
    image = focal_stack((1, 64, 64)).data[0]
    judged = packaged_restorer("tiny", "cpu", model_folder)
    first, second = judged(image), judged(image)
    np.testing.assert_array_equal(first.data, second.data)
    assert loads == ["tiny"]


def test_a_file_serves_as_well_as_a_name(model_folder: Path) -> None:
    image = focal_stack((1, 64, 64)).data[0]
    by_name = packaged_restorer("tiny", "cpu", model_folder)(image)
    by_file = packaged_restorer(str(model_folder / "tiny.safetensors"), "cpu")(image)
    np.testing.assert_array_equal(by_file.data, by_name.data)


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, dgno_core.evaluation, dgno_core.demo, dgno_core.optics;"
        "print([name for name in ('torch', 'matplotlib', 'napari', 'qtpy') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
