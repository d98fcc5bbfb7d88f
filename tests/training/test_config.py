from __future__ import annotations

from pathlib import Path

import pytest

from dgno_core.cli.running import run
from dgno_core.cli.train import app
from dgno_core.data.datasets import find_dataset
from dgno_core.encoders.config import MambaBlocks
from dgno_core.errors import DGNOError
from dgno_core.models import architecture
from dgno_core.training import TrainConfig, load_config
from dgno_core.training.data_config import SetData, SyntheticData
from dgno_core.training.recipes import CONFIGS, find_recipe, recipe_names
from dgno_core.training.sources import named_images


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
        ("steps=many", "steps must be a whole number, not 'many'"),
        ("model.flux=sideways", "model.flux"),
        ("steps=0", "steps"),
        ("steps", "key=value"),
        ("steps.more=1", "no settings below"),
        ("steps=[1", "not valid YAML"),
        ("crop=48", "--set crop=48: crop must be a multiple of 32"),
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


def test_a_list_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("- name: x\n- steps: 3\n")
    with pytest.raises(DGNOError, match=r"has a list .* where settings `name: value` are expected"):
        load_config(path)


def test_a_bad_override_is_not_blamed_on_the_file(config_file: Path) -> None:
    with pytest.raises(DGNOError) as told:
        load_config(find_recipe("dgno-cell-small"), ["optim.lr=fast", "seed=3"])
    assert str(told.value) == (
        "--set optim.lr=fast: optim.lr must be a number, not 'fast'; the recipe dgno-cell-small "
        "needs data.root: add --set data.root=VALUE."
    )
    config_file.write_text(config_file.read_text().replace("steps: 6", "steps: many"))
    with pytest.raises(DGNOError, match="seed=-1: seed must be at least 0, not -1; the config"):
        load_config(config_file, ["seed=-1", "batch=2"])
    with pytest.raises(DGNOError, match=r"^The config .*right: steps must be a whole number"):
        load_config(config_file, ["batch=2"])


@pytest.mark.parametrize("kind", ["stack", "stacked"])
def test_a_kind_that_does_not_exist_is_quoted(config_file: Path, kind: str) -> None:
    with pytest.raises(DGNOError) as told:
        load_config(config_file, [f"data.kind={kind}"])
    known = "synthetic, folders, stacks, set"
    hint = "(did you mean 'stacks'?)"
    assert f"data has no kind '{kind}' {hint}; there are {known}." in str(told.value)


def test_a_misspelt_recipe_or_network_is_told_with_what_may_be_meant(config_file: Path) -> None:
    with pytest.raises(DGNOError, match=r"did you mean 'user-stack'\?\); dgno-train --recipes"):
        find_recipe("user-stak")
    with pytest.raises(DGNOError, match=r"did you mean 'user-stack'"):
        load_config(config_file.with_name("user-stack.yaml"))
    with pytest.raises(DGNOError, match=r"no network 'dgno-fac' \(did you mean 'dgno-face'\?\);"):
        load_config(config_file, ["model.base=dgno-fac"])


def test_recipes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, "dgno-train", ["--recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == recipe_names()
    assert all(len(line.split()) > 3 for line in lines)


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
    with pytest.raises(DGNOError, match=r"no config .*missing\.yaml.*dgno-train --recipes lists"):
        load_config(tmp_path / "missing.yaml")


def test_each_image_is_enlarged_as_its_source_says(config_file: Path) -> None:
    names = config_file.parent / "list.txt"
    zoomed = load_config(config_file, [f"data.sources=[{{list: {names}, zoom: [1, 2]}}]"])
    assert {image.zoom for image in named_images(zoomed.data)[0]} >= {(1, 2)}
    with pytest.raises(DGNOError, match="from 1 to 4, the smaller one first"):
        load_config(config_file, [f"data.sources=[{{list: {names}, zoom: [2, 1]}}]"])


def test_held_out_images_are_not_trained_on(config_file: Path) -> None:
    train, held_out = named_images(load_config(config_file).data)
    assert len(train) == len(held_out) == 2
    assert not {image.name for image in train} & {image.name for image in held_out}


def recipe(name: str) -> TrainConfig:
    """A packaged recipe, its folders given."""
    given = {"user-stack": ["data.stacks=[stack.tif]"]}.get(name, ["data.root=images"])
    return load_config(find_recipe(name), [*given, "extra.root=more"] if "-ex" in name else given)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_complete(name: str) -> None:
    config = recipe(name)
    assert config.name == name
    assert config.out == Path.cwd() / "runs" / name
    if isinstance(config.data, SyntheticData):
        # The parts of a training, the colours and the blur it is for share an architecture.
        small = "dgno-face-small" if "face" in config.name else "dgno-cell-small"
        assert config.model == architecture(small, config.model.channels)
        assert all(source.list.is_file() for source in config.data.sources)
    for data in (config.data, config.extra):
        if isinstance(data, SetData):
            about = find_dataset(data.name).about
            assert about.name == data.name
            colours = 1 if data.name.startswith("bbbc006") or data.grey else 3
            assert colours == config.model.channels


def test_the_papers_numbers_are_in_their_recipes() -> None:
    dgno, mpt = recipe("dgno-cell-bbbc006-w2"), recipe("mpt-dpdd-efcr-ex")
    noisy = architecture("dgno-cell").changed(
        lifting=MambaBlocks(routing_noise=True, routing_gradient="gumbel")
    )
    assert dgno.model == noisy
    assert (dgno.optim.lr, dgno.optim.final_lr, dgno.optim.weight_decay) == (3e-4, 1e-6, 1e-4)
    assert (dgno.batch, dgno.crop, dgno.loss.pixel, dgno.data.normalisation) == (
        8, 256, "multiscale", "minmax",
    )  # fmt: skip
    assert mpt.model == architecture("mpt", 3)
    assert (mpt.optim.lr, mpt.optim.final_lr, mpt.steps) == (1e-4, 1e-6, 300_000)
    assert (mpt.batch, mpt.crop, mpt.loss.pixel, mpt.loss.efcr.beta) == (8, 256, "l1", 1e-5)
    assert (mpt.data.name, mpt.extra.name, mpt.data.scale) == ("dpdd", "lfdof", (0.7, 1.0))
    assert recipe("mpt-cadisblur-efcr-ex-catablur").extra.name == "catablur"


def test_a_config_can_extend_another(config_file: Path) -> None:
    own = config_file.with_name("own.yaml")
    own.write_text("extends: tiny.yaml\nname: own\noptim: {lr: 0.5}\nmodel: mpt\ncrop: 128\n")
    config, base = load_config(own), load_config(config_file)
    assert (config.name, config.optim.lr, config.model) == ("own", 0.5, architecture("mpt"))
    assert config.optim.warmup == base.optim.warmup == 2
    assert config.data == base.data
    config_file.write_text("extends: own.yaml\n")
    with pytest.raises(DGNOError, match="extends itself"):
        load_config(own)


def test_packaged_lists_name_no_evaluation_image(shared_data: Path) -> None:
    evaluation = (shared_data / "EVAL.tsv").read_text()
    lists = CONFIGS / "lists"
    names = [line for path in lists.glob("*.txt") for line in path.read_text().split()]
    assert len(names) > 300
    assert not [name for name in names if name in evaluation]


def test_a_model_is_a_name_or_a_name_with_changes(config_file: Path) -> None:
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


def test_what_extends_a_recipe_in_parts_is_a_run_of_its_own(config_file: Path) -> None:
    """Its own data, name and folder; the parts of the recipe are not trained for it first."""
    own = config_file.parent / "own" / "mine.yaml"
    own.parent.mkdir()
    for recipe in ("dgno-cell-small", "dgno-cell-small-colour"):
        own.write_text(
            f"extends: {find_recipe(recipe)}\nname: mine\nout: mine\n"
            "data: {kind: synthetic, root: .., sources: [{list: ../list.txt}]}\n"
        )
        config = load_config(own)
        assert (config.after, config.continues, config.horizon) == (None, False, None)
        assert (config.out, config.steps > 0) == (own.parent / "mine", True)


def test_a_run_comes_after_the_file_beside_the_one_that_says_so(config_file: Path) -> None:
    own = config_file.parent / "own" / "second.yaml"
    own.parent.mkdir()
    own.write_text("extends: ../tiny.yaml\nname: second\nout: second\nafter: ../tiny.yaml\n")
    config = load_config(own)
    assert config.after is not None
    assert config.after.name == "tiny"
    assert config.after.out == own.parent / "second" / "parts" / "tiny"
