from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from dgno_core.errors import DGNOError
from dgno_core.evaluation import read_public_set

REAL = Path(__file__).parents[2].parent / "shared" / "data"


def test_reads_the_table_and_the_images(public_set: Path) -> None:
    rows = read_public_set(public_set)
    assert [(row.name, row.group) for row in rows] == [
        ("bbbc039_00", "bbbc039"), ("bbbc039_01", "bbbc039"), ("stained_00", "stained"),
    ]  # fmt: skip
    assert (rows[0].psf, rows[0].map, rows[0].max_px) == ("gauss", "smooth", 3.0)
    images = rows[2].load()
    assert images.sharp.shape == images.blurred.shape == (72, 104, 3)
    assert images.sharp.dtype == np.uint8
    assert images.width.min() == pytest.approx(0.6)
    assert images.width.max() == pytest.approx(3.0)


@pytest.mark.shared
def test_reads_the_real_set() -> None:
    if not (REAL / "EVAL.tsv").exists():
        pytest.skip("the evaluation data (../shared/data) is not beside this checkout")
    rows = read_public_set(REAL)
    assert len(rows) == 23
    assert {row.group for row in rows} == {"bbbc039", "stained", "cytology"}
    for row in rows[::11]:
        images = row.load()
        assert 0.5 < images.width.min() < images.width.max() <= row.max_px


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DGNOError, match=r"no EVAL\.tsv in .*nowhere"):
        read_public_set(tmp_path / "nowhere")


@pytest.mark.parametrize("kind", ["sharp", "blurred", "width"])
def test_a_missing_image_is_named(public_set: Path, kind: str) -> None:
    row = read_public_set(public_set)[1]
    path = getattr(row, kind)
    path.unlink()
    with pytest.raises(DGNOError, match=path.name):
        row.load()


def test_a_damaged_image_is_named(public_set: Path) -> None:
    row = read_public_set(public_set)[0]
    row.blurred.write_bytes(row.blurred.read_bytes()[:40])
    with pytest.raises(DGNOError, match=r"bbbc039_00\.tif cannot be read"):
        row.load()


def test_images_that_do_not_fit_are_named(public_set: Path) -> None:
    row = read_public_set(public_set)[0]
    tifffile.imwrite(row.width, np.full((5, 5), 1000, np.uint16))
    with pytest.raises(DGNOError, match="bbbc039_00 do not fit"):
        row.load()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("max_px", "maximum", "no column named max_px"),
        ("gauss", "airy", "line 3: the kernel is neither gauss nor disk but 'airy'"),
        ("3.0", "three", "line 3: max_px is not a number but 'three'"),
        ("\tgauss\tsmooth\t3.0", "", "line 3: a column is empty"),
    ],
)
def test_a_table_that_makes_no_sense_is_explained(
    public_set: Path, old: str, new: str, complaint: str
) -> None:
    table = public_set / "EVAL.tsv"
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(DGNOError, match=complaint):
        read_public_set(public_set)


def test_a_table_without_rows_is_refused(public_set: Path) -> None:
    table = public_set / "EVAL.tsv"
    table.write_text("\n".join(table.read_text().splitlines()[:2]))
    with pytest.raises(DGNOError, match="names no image"):
        read_public_set(public_set)
