from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from dgno_core.errors import DGNOError
from dgno_core.io import as_source, open_sink
from dgno_core.io.targets import is_foreign_folder

IMAGE = np.arange(20 * 24, dtype="u2").reshape(20, 24)


def store(path: Path, version: int, separator: str, *, group: bool) -> None:
    """Write an array, perhaps in a group, as zarr does."""
    place: Any = path
    if group:
        zarr.open_group(path, mode="w", zarr_format=version).attrs["by"] = "us"
        place = path / "0"
    array: Any = zarr.create_array(
        place,
        shape=IMAGE.shape,
        dtype=IMAGE.dtype,
        chunks=(10, 24),
        zarr_format=version,  # type: ignore[arg-type]
        chunk_key_encoding={"name": "default" if version == 3 else "v2", "separator": separator},
    )
    array[:] = IMAGE


@pytest.mark.parametrize("group", [True, False])
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("separator", ["/", "."])
def test_what_zarr_wrote_may_be_replaced_unless_something_lies_in_it(
    tmp_path: Path, version: int, separator: str, group: bool
) -> None:
    path = tmp_path / "a.zarr"
    store(path, version, separator, group=group)
    assert not is_foreign_folder(path)
    (path / "notes.txt").write_text("mine")
    assert is_foreign_folder(path)


@pytest.mark.parametrize("name", ["mine.zarr", "mine.tif", "mine.png"])
@pytest.mark.parametrize("content", ["notes.txt", None])
def test_a_folder_of_the_user_is_never_replaced(
    tmp_path: Path, name: str, content: str | None
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    if content:
        (folder / content).write_text("mine")
    with pytest.raises(DGNOError, match=f"{name} is a folder that is no zarr image"):
        open_sink(folder, as_source(IMAGE), IMAGE.dtype, overwrite=True)


def test_a_zarr_image_of_another_name_is_not_replaced_by_a_tiff(tmp_path: Path) -> None:
    store(tmp_path / "a.tif", 3, "/", group=True)
    assert is_foreign_folder(tmp_path / "a.tif")


def test_what_takes_the_place_of_the_record_is_kept_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "a.tif.json").write_text('{"mine": 1}')
    with pytest.raises(DGNOError, match=r"a\.tif\.json exists already"):
        open_sink(tmp_path / "a.tif", as_source(IMAGE), IMAGE.dtype)
    open_sink(tmp_path / "a.tif", as_source(IMAGE), IMAGE.dtype, overwrite=True)
    (tmp_path / "b.tif.json").mkdir()
    with pytest.raises(DGNOError, match=r"b\.tif\.json exists already"):
        open_sink(tmp_path / "b.tif", as_source(IMAGE), IMAGE.dtype, overwrite=True)
