from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dgno_core.cli.running import run


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
