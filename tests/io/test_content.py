from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import tifffile

from dgno_core.io import read_image
from dgno_core.io.content import content_hash


def test_a_file_is_known_however_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("x.tif", np.arange(400, dtype=np.uint16).reshape(20, 20))
    Path("folder").mkdir()
    expected = hashlib.sha256(Path("x.tif").read_bytes()).hexdigest()
    for name in ("x.tif", "folder/../x.tif", tmp_path / "x.tif"):
        assert content_hash(read_image(name)) == expected
    Path("x.tif").rename("renamed.tif")
    assert content_hash(read_image("renamed.tif")) == expected


def test_a_folder_is_known_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("planes").mkdir()
    for z in range(2):
        tifffile.imwrite(f"planes/p_z{z}.tif", np.full((20, 20), z, np.uint8))
    before = content_hash(read_image("planes"))
    assert content_hash(read_image(tmp_path / "planes")) == before
    tifffile.imwrite("planes/p_z1.tif", np.full((20, 20), 7, np.uint8))
    assert content_hash(read_image("planes")) != before
