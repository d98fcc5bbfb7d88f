from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dgno_core.cli.running import run
from support.shared import FIXTURES, load_fixture


def convert(*words: str | Path) -> int:
    from dgno_core.cli.app import app

    return run(app, "dgno", ["convert", *map(str, words)])


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A small MPT under the released names."""
    from dgno_core.models import MPTConfig, build_model
    from support.released_mpt import released_state

    torch.save(released_state(build_model(MPTConfig(width=8))), tmp_path / "mpt.pth")
    return tmp_path / "mpt.pth"


def test_a_converted_model_restores_an_image(
    released: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np
    import tifffile

    from dgno_core.cli.app import app

    out = tmp_path / "mpt.safetensors"
    assert convert(released, "-o", out) == 0
    assert "MPT" in capsys.readouterr().out
    image = (np.random.default_rng(0).random((70, 90)) * 1000).astype(np.uint16)
    tifffile.imwrite(tmp_path / "image.tif", image)
    words = ["restore", str(tmp_path / "image.tif"), "-o", str(tmp_path / "sharp.tif"),
             "--model", str(out), "--device", "cpu"]  # fmt: skip
    assert run(app, "dgno", words) == 0
    assert tifffile.imread(tmp_path / "sharp.tif").shape == image.shape


def test_every_option_reaches_the_model(released: Path, tmp_path: Path) -> None:
    from dgno_core.encoders.mpt_config import SCALE_SETS
    from dgno_core.models import DGNOConfig, MPTConfig, read_card

    out = tmp_path / "mine.safetensors"
    smaller = "16,16,8,8,1,1/8,8,4,4,1,1/4,4,2,2,1,1/4,4,2,2,1,1"
    assert convert(released, "-o", out, "--scales", smaller) == 0
    config = read_card(out).config
    assert isinstance(config, MPTConfig)
    assert config.lifting.reductions == SCALE_SETS["smaller"]

    if not FIXTURES.is_dir():
        pytest.skip("the numeric fixtures (../shared/reference) are not here")
    state = {
        key.removeprefix("param/"): torch.tensor(value)
        for key, value in load_fixture("dgno_small_cell").items()
        if key.startswith("param/")
    }
    for words, expected in (
        (("--variant", "face"), ("face", "average_jump", "dirichlet", "gelu", 0.25)),
        (("--flux", "avg_jump"), ("cell", "average_jump", "neumann", "gelu", 0.25)),
        (("--boundary", "periodic"), ("cell", "jump", "periodic", "gelu", 0.25)),
        (("--activation", "relu"), ("cell", "jump", "neumann", "relu", 0.25)),
        (("--tau", "0.5"), ("cell", "jump", "neumann", "gelu", 0.5)),
    ):
        fixed = words[0] == "--tau"
        torch.save({k: t for k, t in state.items() if not (fixed and k.endswith(".tau"))},
                   tmp_path / "small.pth")  # fmt: skip
        assert convert(tmp_path / "small.pth", "-o", out, "--overwrite", *words) == 0
        found = read_card(out).config
        assert isinstance(found, DGNOConfig)
        told = (found.formulation, found.flux, found.boundary, found.shallow_activation, found.tau)
        assert told == expected


def test_a_model_is_not_replaced_unasked(
    released: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.safetensors"
    out.write_text("precious")
    assert convert(released, "-o", out) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_text() == "precious"
    assert convert(released, "-o", out, "--overwrite") == 0


def test_the_released_names_and_scales_are_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dgno_core.cli.convert import parse_scales

    assert parse_scales("8,4,1/4,2/2/1") == ((8, 4, 1), (4, 2), (2,), (1,))
    for words in (("--scales", "8,4"), ("--scales", "a/b/c/d"), ("--flux", "avg_jump")):
        torch.save({"weight": torch.ones(3)}, tmp_path / "other.pth")
        assert convert(tmp_path / "other.pth", "-o", tmp_path / "a.safetensors", *words) == 2
        complaint = capsys.readouterr().err
        assert ("--scales" in complaint) == (words[0] == "--scales")
        assert complaint.count("\n") == 1


def test_a_checkpoint_is_not_taken_for_a_model(
    released: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np
    import tifffile

    from dgno_core.cli.app import app

    words = ["restore", "x.tif", "-o", str(tmp_path / "y.tif"), "--model", str(released)]
    tifffile.imwrite(tmp_path / "x.tif", np.eye(64, dtype=np.uint16))
    words[1] = str(tmp_path / "x.tif")
    assert run(app, "dgno", words) == 2
    assert f"dgno convert {released}" in capsys.readouterr().err


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"weight": torch.ones(3)}, tmp_path / "other.pth")
    for words in (
        (tmp_path / "none.pth", "-o", tmp_path / "a.safetensors"),
        (tmp_path / "other.pth", "-o", tmp_path / "a.safetensors"),
        (tmp_path / "other.pth", "-o", tmp_path / "no" / "a.safetensors"),
        (tmp_path / "other.pth", "-o", tmp_path),
        (tmp_path / "other.pth", "-o", tmp_path / "a.txt"),
        (tmp_path / "other.pth", "-o", tmp_path / "a.safetensors", "--flux", "sideways"),
    ):
        assert convert(*words) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["other.pth"]
