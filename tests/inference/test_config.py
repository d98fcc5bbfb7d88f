from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgno_core.errors import DGNOError
from dgno_core.inference import RestoreConfig


def test_only_what_differs_is_in_the_command() -> None:
    assert RestoreConfig().command(["a.tif"], "b.tif") == "dgno restore a.tif -o b.tif"
    config = RestoreConfig(model="m", axes="tyx", tile=256, precision="bf16", memory_share=0.25)
    assert config.command(["a b.tif", "c.tif"], Path("out dir")) == (
        "dgno restore 'a b.tif' c.tif -o 'out dir' --model m --axes TYX --tile 256 "
        "--precision bf16 --memory-share 0.25"
    )


@given(st.lists(st.text(min_size=1).filter(lambda text: "\0" not in text), min_size=1))
def test_a_shell_reads_the_names_back(names: list[str]) -> None:
    command = RestoreConfig(model=names[0]).command(names, "out.tif")
    assert shlex.split(command)[:-2] == ["dgno", "restore", *names, "-o", "out.tif"]


def test_the_command_line_understands_every_setting() -> None:
    """The command is copied from napari into a shell: each option must exist there."""
    import inspect

    from dgno_core.cli.restore import restore

    assert set(RestoreConfig.model_fields) <= set(inspect.signature(restore).parameters)


@pytest.mark.parametrize("tile", [0, 32, 100, -64])
def test_tiles_off_the_grid(tile: int) -> None:
    with pytest.raises(DGNOError, match=f"multiple of 32.*not {tile}"):
        RestoreConfig(tile=tile)


def test_axes_that_are_no_axes() -> None:
    with pytest.raises(DGNOError, match="letters of TPCZYXS"):
        RestoreConfig(axes="ABC")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tiles": 1}, r"no setting tiles \(did you mean 'tile'\?\); there are model, "),
        ({"precision": "fp8"}, "setting precision must be fp32 or bf16, not 'fp8'"),
        ({"memory_share": 0}, "setting memory_share must be above 0, not 0"),
    ],
)
def test_settings_that_do_not_exist(settings: dict[str, Any], words: str) -> None:
    for make in (RestoreConfig.model_validate, lambda given: RestoreConfig(**given)):
        with pytest.raises(DGNOError, match=words) as caught:
            make(settings)
        assert "\n" not in str(caught.value)
    with pytest.raises(DGNOError, match=words):
        RestoreConfig().changed(**settings)


def test_settings_and_images_need_no_torch() -> None:
    code = (
        "import sys, dgno_core.io, dgno_core.inference; dgno_core.inference.RestoreConfig();"
        "print([m for m in ('torch', 'napari', 'zarr', 'dask', 'tifffile') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
