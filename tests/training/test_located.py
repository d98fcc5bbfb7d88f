"""Paths in configs are relative to what their type says, wherever they were written."""

from __future__ import annotations

from pathlib import Path

from dgno_core.training import load_config
from dgno_core.training.config import TrainConfig
from dgno_core.training.located import path_names


def test_every_path_of_the_settings_says_what_it_is_relative_to() -> None:
    assert path_names(TrainConfig) == {
        *("out", "start", "root", "list", "blurred", "sharp", "folder", "stacks")
    }


def test_inherited_paths_keep_the_folder_of_the_file_that_wrote_them(tmp_path: Path) -> None:
    base, own = tmp_path / "base" / "base.yaml", tmp_path / "own" / "own.yaml"
    for file in (base, own):
        file.parent.mkdir()
    base.write_text(
        "name: a\nout: runs/a\nmodel: dgno-cell-small\nsteps: 2\n"
        "data: {kind: stacks, stacks: [one.tif, /two.tif], sharp: best}\n",
        encoding="utf-8",
    )
    own.write_text("extends: ../base/base.yaml\nout: runs/b\n", encoding="utf-8")
    config = load_config(own, ["start=mine.safetensors"])
    assert config.data.kind == "stacks"
    assert config.data.stacks == (base.parent / "one.tif", Path("/two.tif"))
    assert config.data.sharp == "best"
    assert config.out == own.parent / "runs" / "b"


def test_a_folder_may_be_called_as_a_way_to_find_the_sharp_plane(tmp_path: Path) -> None:
    file = tmp_path / "pairs.yaml"
    file.write_text(
        "name: a\nout: runs/a\nmodel: dgno-cell-small\nsteps: 2\n"
        "data: {kind: folders, blurred: blurred, sharp: best}\n",
        encoding="utf-8",
    )
    data = load_config(file).data
    assert data.kind == "folders"
    assert data.sharp == tmp_path / "best"
