"""The pixels that the packaged models give for ten small images, as they were recorded.

On the machine of the record they are equal to the last bit; on any other, where sums are rounded
differently, they are within one grey level (of 8 bits for pixels that are floats). The 16-bit
pictures have about 1000 levels: the encoder's hard routing turns a rounding of 1e-6 into as much as
a thousandth of the range at single pixels.
`DGNO_RECORD_PIXELS=1 pytest tests/test_recorded_pixels.py` records them anew: only for a change
that is meant to change pixels.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import dgno_core
from support.recorded import CASES

FOLDER = Path(__file__).with_name("recorded")
RECORDING = os.environ.get("DGNO_RECORD_PIXELS") == "1"
RUNS = [(name, model) for name, case in CASES.items() for model in case.models]


def fingerprint() -> str:
    """Name what decides how sums are rounded here: processor, torch, its threads, settings."""
    processor = platform.processor() or platform.machine()
    listed = Path("/proc/cpuinfo")
    if listed.is_file():
        lines = listed.read_text().splitlines()
        wanted = ("model name", "cpu family", "model\t", "flags")
        processor = " ".join(sorted({line for line in lines if line.startswith(wanted)}))
    names = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR")
    parts = [processor, torch.__version__, str(torch.get_num_threads())]
    parts += [f"{name}={os.environ.get(name)}" for name in names]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def restored(name: str, model: str, folder: Path) -> NDArray[Any]:
    """Restore one of the pictures the way its case says."""
    case = CASES[name]
    image = case.open(folder, case.make())
    # A short memory would make the tiles smaller, and the pixels others.
    settings = {"memory_share": 0.95, **case.settings}
    return dgno_core.restore(image, model=model, device="cpu", **settings)


@pytest.fixture(scope="module", autouse=True)
def record() -> Iterator[dict[str, str]]:
    """Read which machine made the record; write it where a new one is made."""
    path = FOLDER / "machine.json"
    machine: dict[str, str] = {} if RECORDING else json.loads(path.read_text())
    yield machine
    if RECORDING:
        path.write_text(json.dumps({"fingerprint": fingerprint()}) + "\n")


@pytest.mark.parametrize(("name", "model"), RUNS, ids=[f"{n}-{m}" for n, m in RUNS])
def test_pixels_are_as_recorded(
    name: str, model: str, tmp_path: Path, record: dict[str, str]
) -> None:
    result = restored(name, model, tmp_path)
    path = FOLDER / f"{name}-{model}.npz"
    if RECORDING:
        np.savez_compressed(path, pixels=result)
    with np.load(path, allow_pickle=False) as stored:
        expected = stored["pixels"]
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    if RECORDING or record["fingerprint"] == fingerprint():
        np.testing.assert_array_equal(result, expected)
    level = 1 if result.dtype.kind in "ui" else 1 / 255
    assert np.abs(result.astype(np.float64) - expected).max() <= level


def test_a_changed_pixel_is_noticed(tmp_path: Path, record: dict[str, str]) -> None:
    name, model = RUNS[0]
    case = CASES[name]
    other = case.make()
    other[other.shape[0] // 2, other.shape[1] // 2] ^= 0x40
    result = dgno_core.restore(other, model=model, device="cpu")
    with np.load(FOLDER / f"{name}-{model}.npz", allow_pickle=False) as stored:
        assert np.abs(result.astype(np.int64) - stored["pixels"]).max() > 1
