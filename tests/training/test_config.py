from __future__ import annotations

from pathlib import Path

import pytest

from dgno_core.errors import DGNOError
from dgno_core.training import load_config
from dgno_core.training.sources import named_images

PACKAGED = sorted((Path(__file__).parents[2] / "src/dgno_core/configs").glob("*.yaml"))


def test_paths_are_relative_to_the_file(config_file: Path) -> None:
    config = load_config(config_file)
    assert config.out == config_file.parent / "run"
    assert config.data.root == config_file.parent
    assert config.data.sources[0].list == config_file.parent / "list.txt"


def test_overrides_reach_nested_keys(config_file: Path) -> None:
    config = load_config(config_file, ["optim.lr=0.5", "model.flux=upwind", "steps=9"])
    assert (config.optim.lr, config.model.flux, config.steps) == (0.5, "upwind", 9)


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("optim.lrr=1", "there is no setting optim.lrr, perhaps optim.lr is meant"),
        ("stepz=3", "perhaps steps is meant"),
        ("steps=many", "steps: input should be a valid integer"),
        ("model.flux=sideways", "model.flux"),
        ("steps=0", "steps"),
        ("steps", "key=value"),
        ("steps.more=1", "no settings below"),
        ("steps=[1", "not valid YAML"),
        ("crop=48", "right: crop must be a multiple of 32"),
        ("model.heads=3", "multiple of heads"),
    ],
)
def test_nonsense_is_refused_in_one_line(config_file: Path, override: str, complaint: str) -> None:
    with pytest.raises(DGNOError) as caught:
        load_config(config_file, [override])
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("name: x")
    with pytest.raises(DGNOError, match="out is missing; model is missing; data is missing"):
        load_config(path)


def test_a_wrong_place_of_the_images_is_told(config_file: Path) -> None:
    from dgno_core.training import train_events

    with pytest.raises(DGNOError, match=r"set data\.root"):
        next(train_events(load_config(config_file, ["data.root=nowhere"])))


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "\xff"])
def test_files_that_are_no_config(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(DGNOError, match=r"c\.yaml"):
        load_config(path)
    with pytest.raises(DGNOError, match="cannot be read"):
        load_config(tmp_path / "missing.yaml")


def test_held_out_images_are_not_trained_on(config_file: Path) -> None:
    train, held_out = named_images(load_config(config_file).data)
    assert len(train) == len(held_out) == 2
    assert not {name for name, _ in train} & {name for name, _ in held_out}


@pytest.mark.parametrize("path", PACKAGED, ids=lambda path: path.stem)
def test_packaged_configs_load_and_fit_their_architecture(path: Path) -> None:
    from dgno_core.models import architecture

    config = load_config(path)
    name = config.name.removesuffix("-colour")
    assert config.model == architecture(name, config.model.channels)
    assert all(source.list.is_file() for source in config.data.sources)


def test_packaged_lists_name_no_evaluation_image(shared_data: Path) -> None:
    evaluation = (shared_data / "EVAL.tsv").read_text()
    lists = PACKAGED[0].parent / "lists"
    names = [line for path in lists.glob("*.txt") for line in path.read_text().split()]
    assert len(names) > 300
    assert not [name for name in names if name in evaluation]


def test_a_model_is_a_name_or_a_name_with_changes(config_file: Path) -> None:
    from dgno_core.models import architecture

    assert load_config(config_file, ["model=restormer", "crop=128"]).model == architecture(
        "restormer"
    )
    changed = load_config(config_file, ["model={base: dgno-face-small, channels: 3, tau: 0.5}"])
    assert changed.model == architecture("dgno-face-small", 3).changed(tau=0.5)
    with pytest.raises(DGNOError, match="no network 'unet'"):
        load_config(config_file, ["model=unet"])
    with pytest.raises(DGNOError, match=r"model needs a base"):
        load_config(config_file, ["model={width: 16}"])
    with pytest.raises(
        DGNOError, match=r"no setting model\.lifting\.tokenz, perhaps model.lifting.tokens"
    ):
        load_config(config_file, ["model={base: dgno-cell, lifting: {kind: mamba, tokenz: 3}}"])
