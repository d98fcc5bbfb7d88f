from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dgno_core.models import weights

Dgno = Callable[..., Any]


@pytest.fixture
def _tiny_weights(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let "auto" find the tiny models instead of the packaged ones, which take minutes."""
    folder = tmp_path / "packaged"
    folder.mkdir()
    for tiny, colour in (("tiny-grey", False), ("tiny-colour", True)):
        target = folder / f"{weights.default_weights(colour)}.safetensors"
        target.write_bytes((model_folder / f"{tiny}.safetensors").read_bytes())
    monkeypatch.setattr(weights, "PACKAGED", folder)


@pytest.mark.usefixtures("_tiny_weights")
def test_the_demo_prints_a_table_and_writes_pictures(dgno: Dgno, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    ended = dgno("demo", "--out", out)
    # Without a terminal, progress is told in lines where the work takes some seconds.
    said = [line for line in ended.err.splitlines() if not line.startswith("restoring: ")]
    assert (ended.status, said) == (0, [])
    header, _, *rows = ended.out.split("\n\n")[0].splitlines()
    for word in ("PSNR", "SSIM", "gain"):
        assert word in header
    assert rows
    assert (out / "demo.png").stat().st_size > 10_000
    for kind in ("sharp", "blurred", "restored"):
        assert len(list(out.glob(f"*-{kind}.tif"))) == len(rows)
    assert len(list(out.glob("*-restored.tif.json"))) == len(rows)


@pytest.mark.usefixtures("_tiny_weights")
def test_a_place_that_cannot_be_written_is_one_line(dgno: Dgno, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    ended = dgno("demo", "--out", tmp_path / "file" / "demo")
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "demo" in ended.err
