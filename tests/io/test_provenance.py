from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import tifffile

from dgno_core.errors import DGNOError
from dgno_core.io import Provenance, as_source, read_beside, read_image
from dgno_core.io.provenance import SourceRecord, beside, versions


@pytest.fixture
def record() -> Provenance:
    return Provenance(
        version="1.0", created="2026-01-02T03:04:05+00:00", tile=512, device="cpu", model="m",
        source=SourceRecord.of(as_source(np.zeros((20, 30), "u2"), name="nuclei")),
        settings={"tile": 512}, command="dgno restore a.tif -o b.tif",
    )  # fmt: skip


def test_a_record_comes_back_as_it_was(tmp_path: Path, record: Provenance) -> None:
    output = tmp_path / "out.ome.tif"
    assert record.write_beside(output) == tmp_path / "out.ome.tif.json" == beside(output)
    assert read_beside(output) == record
    assert [path.name for path in tmp_path.iterdir()] == ["out.ome.tif.json"]


def test_there_may_be_none(tmp_path: Path) -> None:
    assert read_beside(tmp_path / "out.tif") is None


@pytest.mark.parametrize("text", ["", "{}", "[1]", "\x00"])
def test_another_file_of_that_name_is_a_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "out.tif.json").write_text(text)
    with pytest.raises(DGNOError, match=r"out\.tif\.json is not a record"):
        read_beside(tmp_path / "out.tif")


def test_the_input_is_identified(tmp_path: Path) -> None:
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, np.zeros((20, 30), ">u2"))
    record = SourceRecord.of(read_image(path))
    assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (record.name, record.path, record.shape) == ("in.tif", str(path), (20, 30))
    assert (record.axes, record.dtype) == ("YX", "uint16")


def test_versions_name_what_is_installed_only() -> None:
    assert set(versions("numpy", "no-such-distribution")) == {"python", "numpy"}


def test_a_folder_that_is_missing_is_a_clear_error(tmp_path: Path, record: Provenance) -> None:
    with pytest.raises(DGNOError, match="could not be written"):
        record.write_beside(tmp_path / "no" / "out.tif")
