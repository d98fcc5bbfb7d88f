from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.ndimage import gaussian_filter

from dgno_core.data.pair_preview import contact_sheet, preview_pairs
from dgno_core.data.pairs import ArrayRef, FocusPair, ImageRef
from dgno_core.errors import DGNOError
from dgno_core.focus.pair_check import check_pairs


@pytest.fixture
def sharp() -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal((128, 140))
    return (100 + 40 * gaussian_filter(noise, 1.5) / 0.19).astype(np.float32)


def pair(blurred: np.ndarray, sharp: np.ndarray | None, name: str = "p") -> FocusPair:
    target = None if sharp is None else ArrayRef(sharp, f"{name} sharp")
    return FocusPair(name, ArrayRef(blurred, f"{name} blurred"), target)


def test_good_pairs_have_no_faults(sharp: np.ndarray) -> None:
    blurred = gaussian_filter(sharp, 2)
    good = [pair(blurred, sharp), pair(blurred, None)]
    assert check_pairs(good, crop=128, alignment=True) == []


def test_every_fault_is_found_and_none_hides_another(tmp_path: Path, sharp: np.ndarray) -> None:
    path = tmp_path / "cut.tif"
    tifffile.imwrite(path, sharp)
    path.write_bytes(path.read_bytes()[:5000])
    blurred = gaussian_filter(sharp, 2)
    nan = np.where(blurred > blurred.max() - 1, np.nan, blurred)
    bad = [
        FocusPair("cut", ImageRef(path), ArrayRef(sharp)),
        pair(blurred[1:], sharp, "unequal"),
        pair(nan, sharp, "nan"),
        pair(np.zeros_like(sharp), sharp, "constant"),
        pair(blurred, np.zeros_like(sharp), "constant target"),
    ]
    faults = check_pairs(bad)
    assert [fault.pair for fault in faults] == [p.name for p in bad]
    assert all(fault.severity == "error" for fault in faults)
    assert all(fault.text.endswith(".") or "(" in fault.text for fault in faults)
    assert "cut.tif" in faults[0].text


def test_doubtful_pairs_are_warned_of(sharp: np.ndarray) -> None:
    blurred = gaussian_filter(sharp, 2)
    doubtful = [
        pair(sharp, blurred, "swapped"),
        pair(blurred, np.roll(sharp, (0, 3), (0, 1)), "shifted"),
        pair(blurred[:100], sharp[:100], "small"),
        pair(blurred, sharp[::-1, ::-1].copy(), "other place"),
    ]
    faults = check_pairs(doubtful, crop=120, alignment=True)
    assert [fault.pair for fault in faults] == ["swapped", "shifted", "small", "other place"]
    assert all(fault.severity == "warning" for fault in faults)
    words = ("sharper", "misaligned by up to 3.", "crop of 120", "could not be checked")
    for fault, word in zip(faults, words, strict=True):
        assert word in fault.text


def test_previews_share_one_window_and_are_spread(sharp: np.ndarray) -> None:
    many = [pair(sharp + n, sharp + n, str(n)) for n in range(10)]
    shown = preview_pairs(many, 3, side=48)
    assert [preview.title for preview in shown] == ["0", "4", "9"]
    assert all(preview.blurred.shape == (48, 48) for preview in shown)
    assert all(preview.blurred.dtype == np.uint8 for preview in shown)
    (half,) = preview_pairs([pair(sharp / 2, sharp)], 1)
    assert half.sharp is not None
    assert half.blurred.mean() < half.sharp.mean()
    assert preview_pairs([], 3) == []
    assert preview_pairs([pair(sharp, None)], 1)[0].sharp is None


def test_a_broken_pair_is_shown_with_its_reason(tmp_path: Path, sharp: np.ndarray) -> None:
    lost = FocusPair("lost", ImageRef(tmp_path / "lost.tif"), ArrayRef(sharp))
    (shown,) = preview_pairs([lost], 1)
    assert "lost.tif" in shown.note
    assert shown.blurred.std() == 0


def test_the_contact_sheet_shows_the_pairs(tmp_path: Path, sharp: np.ndarray) -> None:
    colour = np.stack([sharp] * 3, -1).astype(np.uint8)
    many = [
        pair(sharp, sharp),
        pair(colour, colour, "colour"),
        pair(sharp, None, "extra"),
    ]
    path = contact_sheet(many, tmp_path / "sheet.png", side=100)
    picture = np.asarray(Image.open(path).convert("L"))
    assert picture.shape[1] == pytest.approx(440, abs=2)
    assert (picture < 250).mean() > 0.2
    with pytest.raises(DGNOError, match="no pairs"):
        contact_sheet([], tmp_path / "none.png")
    with pytest.raises(DGNOError, match="could not be written"):
        contact_sheet(many, tmp_path / "nowhere" / "sheet.png")
