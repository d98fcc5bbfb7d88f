"""One stack in every form in which it may come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr

from dgno_core.io import ImageSource, as_source, read_image


@pytest.fixture
def stack() -> np.ndarray:
    """Return a ZYX stack of odd size, uint16."""
    rng = np.random.default_rng(7)
    return (rng.gamma(2, 500, (5, 37, 45)) + 100).astype(np.uint16)


@pytest.fixture
def in_form(tmp_path: Path) -> Callable[[np.ndarray, str], ImageSource]:
    """Return a function that puts a ZYX stack into a form and opens it."""

    def put(stack: np.ndarray, form: str) -> ImageSource:
        path = tmp_path / f"{form}.{'zarr' if 'zarr' in form else 'tif'}"
        if form == "numpy":
            return as_source(stack, "ZYX")
        if form == "dask":
            return as_source(da.from_array(stack, chunks=(2, 20, 20)), "ZYX")
        if form == "zarr":
            array: Any = zarr.create_array(
                path, shape=stack.shape, dtype=stack.dtype, chunks=(3, 16, 45)
            )
            array[:] = stack
        elif form == "ome_zarr":
            group = zarr.open_group(path, mode="w", zarr_format=2)
            array = group.create_array("s0", shape=stack.shape, dtype=stack.dtype)
            array[:] = stack
            axes = [{"name": a, "type": "space"} for a in "zyx"]
            group.attrs["multiscales"] = [
                {"version": "0.4", "axes": axes, "datasets": [{"path": "s0"}]}
            ]
        else:
            options: dict[str, Any] = {
                "ome_tiff": {"ome": True, "metadata": {"axes": "ZYX"}},
                "imagej_tiff": {"imagej": True, "metadata": {"axes": "ZYX"}},
                "zlib_tiff": {"compression": "zlib", "rowsperstrip": 11},
            }[form]
            tifffile.imwrite(path, stack, **options)
        return read_image(path)

    return put
