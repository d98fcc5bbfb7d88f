from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from dgno_core.evaluation.restorer import Restoration

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts"))
import focal_stack


def test_the_table_of_a_stack_and_what_is_asked_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texture = gaussian_filter(np.random.default_rng(5).normal(size=(128, 128)), 1.5)
    sharp = 100 + 60 * texture / np.abs(texture).max()
    for depth in (-1, 0, 1):
        soft = gaussian_filter(sharp, 0.8) if depth else sharp
        Image.fromarray(np.rint(soft).astype(np.uint8)).save(tmp_path / f"{depth}.bmp")

    def as_recorded(planes: Sequence[NDArray[Any]]) -> Iterator[Restoration]:
        yield from (Restoration(plane, "nothing", "ab" * 32) for plane in planes)

    asked: list[str] = []
    monkeypatch.setattr(
        focal_stack, "packaged_stack_restorer", lambda model: asked.append(model) or as_recorded
    )
    focal_stack.main([str(tmp_path), "mine"])
    told = capsys.readouterr().out.splitlines()
    assert asked == ["mine"]
    assert told[0] == "nothing abababababab"
    assert [line.split(" | ")[-1] for line in told[3:6]] == ["+0.00 |", "- |", "+0.00 |"]
    assert told[-2:] == [
        "kept: real stack: planes -1 and +1 lose less than 0.3 dB: +0.00 dB at -1, the least of 2",
        "kept: real stack: the plane in focus comes back with at least 36 dB: inf dB",
    ]
