"""Where something is saved: the ending follows the kind, and nothing is replaced unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from napari_dgno.shared.save_dialog import IMAGES, TABLES, ask_path, with_ending
from support.save_dialog import press_save

pytestmark = pytest.mark.gui
TIFF, ZARR = IMAGES


@pytest.mark.parametrize(
    ("typed", "kind", "written"),
    [
        ("mine", TIFF, "mine.ome.tif"),
        ("mine.TIFF", TIFF, "mine.TIFF"),
        ("plate.A01", TIFF, "plate.A01.ome.tif"),
        ("mine", ZARR, "mine.ome.zarr"),
        ("mine.ome.tif", ZARR, "mine.ome.zarr"),
        ("mine.zarr", TIFF, "mine.ome.tif"),
    ],
)
def test_the_chosen_kind_decides_the_ending(typed: str, kind: str, written: str) -> None:
    assert with_ending(Path(typed), kind, IMAGES) == Path(written)


def test_the_user_is_asked_about_the_name_that_is_written(
    napari_window: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = napari_window.window._qt_window
    old = tmp_path / "plate.A01.csv"
    old.write_text("old")
    asked = press_save(monkeypatch, str(tmp_path / "plate.A01"), "", replace=False)
    assert ask_path(window, "Save", "objects", TABLES) is None  # it came back, and was cancelled
    assert "plate.A01.csv exists already" in asked[0]
    press_save(monkeypatch, str(tmp_path / "plate.A01"))
    assert ask_path(window, "Save", "objects", TABLES) == old


def test_a_folder_of_a_zarr_is_asked_about_too(
    napari_window: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = napari_window.window._qt_window
    (tmp_path / "mine.ome.zarr").mkdir()
    asked = press_save(monkeypatch, str(tmp_path / "mine"), "", kind="Zarr", replace=False)
    assert ask_path(window, "Save", "a/b: restored", IMAGES) is None
    assert "mine.ome.zarr exists already" in asked[0]
