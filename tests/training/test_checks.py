"""What cannot be is refused in one sentence, before anything slow."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from dgno_core.cli.running import run
from dgno_core.cli.train import app
from dgno_core.errors import DGNOError
from dgno_core.models import architecture, load_model
from dgno_core.training import load_config, sources, train_events
from dgno_core.training.events import TrainFinished
from dgno_core.training.recipes import find_recipe

# Settings, and what is said of them.
NONSENSE = {
    "steps=true": "true or false is no value of steps",
    "steps=1000000000000": "steps must be at most 1000000000, not 1000000000000",
    "steps=.nan": "steps must be a finite number, not NaN",
    "batch=100000000": "batch must be at most 4096, not ",
    "crop=10000000": "crop must be at most 4096, not ",
    "accumulate=false": "true or false is no value of accumulate",
    "seed=-1": "seed",
    "seed=99999999999999999999": "seed",
    "optim.lr=.inf": "optim.lr must be a finite number, not ",
    "optim.lr=.nan": "optim.lr must be a finite number, not ",
    "optim.lr=true": "true or false is no value of lr",
    "optim.betas=[0.9, 1.5]": "optim.betas",
    "optim.betas=[0.9, true]": "true or false is no value of betas",
    "optim.clip=.inf": "optim.clip must be a finite number, not ",
    "optim.weight_decay=.inf": "optim.weight_decay must be a finite number, not ",
    "engine.workers=100000": "engine.workers must be at most 256, not ",
    "engine.devices=1000000": "engine.devices",
    "engine.minutes=.nan": "engine.minutes",
    "validation.side=1000000": "validation.side",
    "loss.frequency_weight=.inf": "loss.frequency_weight",
    "loss={pixel: l1, efcr: {sizes: [100001]}}": "kernel sizes are odd and from 3 to 255",
    "data.degrade.photons=[.inf, 1]": "photons",
    "data.degrade.photons=[9000, 10]": "the smaller number comes first",
    "data.degrade.contrast=[-1, 1]": "contrast must be two positive numbers",
    "data.held_out_every=true": "held_out_every",
    "model.width=true": "true or false is no value of width",
    "model.tau=.nan": "model.tau must be a finite number, not ",
    "model={base: restormer, lifting: {heads: [0, 1, 1, 1]}}": "heads",
    "name=" + 200 * "a": "name",
}


@pytest.mark.parametrize("setting", NONSENSE, ids=lambda setting: setting[:40])
def test_numbers_that_make_no_sense_are_refused(config_file: Path, setting: str) -> None:
    with pytest.raises(DGNOError) as caught:
        load_config(config_file, [setting])
    assert NONSENSE[setting] in str(caught.value)
    assert "\n" not in str(caught.value)


def hidden_depth(levels: int) -> str:
    return "a: " + "[" * levels + "]" * levels


def bomb() -> str:
    first = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"
    more = (f"a{n}: &a{n} [{', '.join(10 * [f'*a{n - 1}'])}]" for n in range(1, 10))
    return "\n".join([first, *more])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (hidden_depth(3000), "nested more than 50 levels"),
        (bomb(), r"stands for more than 100,000 values"),
        ("a: " + "x" * 2_000_000, "too long for a config"),
        ("a: *b", "not valid YAML"),
        ("a: 2020-99-99", "cannot be read"),
        ("a: &b [*b]", "holds itself"),
    ],
)
def test_texts_that_are_more_than_they_seem(config_file: Path, text: str, why: str) -> None:
    began = time.process_time()  # of this process alone, however busy the machine is
    path = config_file.with_name("odd.yaml")
    path.write_text(text)
    with pytest.raises(DGNOError, match=why):
        load_config(path)
    with pytest.raises(DGNOError, match=why):
        load_config(config_file, [f"card={{{text}}}"] if "\n" not in text else [f"card={text}"])
    assert time.process_time() - began < 5


def test_a_config_that_extends_itself_by_another_way(config_file: Path) -> None:
    (config_file.parent / "sub").mkdir()
    config_file.write_text("extends: sub/../tiny.yaml\n")
    with pytest.raises(DGNOError, match="extends itself"):
        load_config(config_file)
    config_file.write_text("extends: other.yaml\n")
    config_file.with_name("other.yaml").symlink_to(config_file)
    with pytest.raises(DGNOError, match="extends itself"):
        load_config(config_file)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (["--set", "engine.device=cuda:77"], "has no device 'cuda:77'"),
        (["--set", "engine.device=toaster"], "no device called 'toaster'"),
        (["--set", "engine.precision=fp16"], "fp32 or bf16"),
        (["--resume"], "no checkpoint"),
        (["--set", "start=no-such-weights"], "no-such-weights"),
        (["--set", "data.root=nowhere"], r"set data\.root"),
        (["--set", "data.sources=[{list: nowhere.txt}]"], r"nowhere.txt; set data\.sources"),
        (["--set", "data={kind: stacks, stacks: [tiny.yaml, gone.tif]}"], "gone.tif; set data"),
        (
            ["--set", "extra={kind: unlabelled, folder: gone}", "--set", "loss={efcr: {}}"],
            "gone; set extra",
        ),
        (["--set", "batch=4096", "--set", "crop=4096"], "of memory"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_what_is_missing_is_told_before_the_data_are_opened(
    config_file: Path,
    settings: list[str],
    why: str,
    dry: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import re

    def slow(*_: object) -> None:
        raise AssertionError("the data were opened")

    monkeypatch.setattr(sources, "open_data", slow)
    monkeypatch.chdir(config_file.parent)
    assert run(app, "dgno-train", [str(config_file), *settings, *dry]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert re.search(why, said)
    assert not (config_file.parent / "run").exists()


@pytest.mark.parametrize("way", ["set", "extends"])
def test_another_base_drops_the_parts_of_the_one_before(config_file: Path, way: str) -> None:
    text = config_file.read_text()
    head, tail = text[: text.index("model:")], text[text.index("name:") :]
    model = "model: {base: dgno-face, channels: 3, lifting: {kind: mamba, routing_noise: true}}\n"
    config_file.write_text(head + model + tail)
    assert load_config(config_file).model.lifting.routing_noise
    if way == "set":
        config = load_config(config_file, ["model.tau=0.5", "model.base=nafnet-dgno"])
    else:
        own = config_file.with_name("own.yaml")
        own.write_text("extends: tiny.yaml\nmodel: {base: nafnet-dgno, tau: 0.5}\n")
        config = load_config(own)
    assert config.model == architecture("nafnet-dgno", 3).changed(tau=0.5)
    with pytest.raises(DGNOError, match="nafnet-dgno has the lifting nafnet, not mamba: leave out"):
        load_config(config_file, ["model={base: nafnet-dgno, lifting: {kind: mamba}}"])
    kept = load_config(config_file, ["model.base=dgno-face", "model.lifting.tokens=32"]).model
    assert (kept.lifting.routing_noise, kept.lifting.tokens, kept.lifting.rank) == (True, 32, 32)


def test_a_run_does_not_offer_what_another_left(config_file: Path) -> None:
    config = load_config(config_file, ["steps=2", "validation.every=2"])
    first = list(train_events(config))[-1]
    assert isinstance(first, TrainFinished)
    assert first.best is not None
    old = first.best.read_bytes()
    (config.out / "last.pt").unlink()
    run_ = train_events(load_config(config_file, ["steps=2", "validation.every=100", "seed=3"]))
    next(run_)
    assert not list(config.out.glob("*.safetensors")), "not yet"
    assert not (config.out / "pictures").exists()
    last = list(run_)[-1]
    assert isinstance(last, TrainFinished)
    assert last.best is not None
    assert last.best.read_bytes() != old
    assert (config.out / "earlier-1" / "best.safetensors").read_bytes() == old
    assert load_model(config.out / "earlier-1" / "tiny.safetensors", "cpu").card is not None


@pytest.mark.parametrize(("typed", "meant"), [("stepz", "steps"), ("foo", None)])
def test_a_misspelt_setting_is_told(typed: str, meant: str | None) -> None:
    with pytest.raises(DGNOError, match=f"there is no setting {typed}") as told:
        load_config(find_recipe("user-stack"), [f"{typed}=1", "data.stacks=stack.tif"])
    assert (f"perhaps {meant} is meant" in str(told.value)) == (meant is not None)


def test_a_run_leaves_what_it_does_not_write(config_file: Path) -> None:
    """The weights that it starts from, others, and pictures of the user stay where they are."""
    folder = config_file.parent
    first = load_config(config_file, ["steps=2", "validation.every=100", "name=mine"])
    list(train_events(first))
    (first.out / "last.pt").unlink()
    (first.out / "pictures" / "me.png").write_text("mine")
    (first.out / "earlier-2").mkdir()
    start = first.weights
    before = start.read_bytes()
    config = load_config(config_file, ["steps=2", "validation.every=100", f"start={start}"])
    last = list(train_events(config))[-1]
    assert isinstance(last, TrainFinished)
    assert start.read_bytes() == before
    assert (folder / "run" / "pictures" / "me.png").read_text() == "mine"
    aside = folder / "run" / "earlier-3"
    assert (aside / "best.safetensors").is_file()
    assert {path.name for path in (aside / "pictures").iterdir()} == {
        "1-step-000002.png",
        "2-step-000002.png",
    }


def test_nothing_is_moved_for_a_run_that_is_refused(config_file: Path) -> None:
    first = load_config(config_file, ["steps=2"])
    list(train_events(first))
    (first.out / "last.pt").unlink()
    before = sorted(first.out.rglob("*"))
    (config_file.parent / "list.txt").write_text("gone.png\n")
    with pytest.raises(DGNOError, match="names 1 images"):
        list(train_events(first))
    assert sorted(first.out.rglob("*")) == before


@pytest.mark.parametrize("name", ["best", "tiny"])
def test_a_run_never_replaces_what_it_starts_from(config_file: Path, name: str) -> None:
    first = load_config(config_file, ["steps=2"])
    list(train_events(first))
    (first.out / "last.pt").unlink()
    start = first.out / f"{name}.safetensors"
    before = start.read_bytes()
    with pytest.raises(DGNOError, match=r"replace the weights .* that it starts from"):
        next(train_events(load_config(config_file, [f"start={start}"])))
    assert start.read_bytes() == before


BAD_STACKS = {
    "frames": r"frames\.tif is no focal stack: it is read as axes TYX \(5 x 64 x 64\).*along T",
    "plane": r"plane\.tif is no focal stack: it is read as axes YX \(64 x 64\)",
    "text": r"text\.tif is not a TIFF file \(it begins with text\)",
    "empty": r"empty is an empty folder; expected are TIFF",
    "one": r"one is no focal stack: it is read as 1 image in a folder",
    "short": r"short\.tif is read as axes ZYX \(2 x 64 x 64\) and has 2 planes, 0 to 1, but no 4;",
}


@pytest.mark.parametrize("kind", BAD_STACKS)
def test_a_bad_stack_among_many_is_named_before_any_work(
    config_file: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = config_file.parent
    pixels = np.random.default_rng(0).integers(0, 255, (5, 64, 64)).astype(np.uint8)
    tifffile.imwrite(folder / "good.tif", pixels, metadata={"axes": "ZYX"})
    tifffile.imwrite(folder / "frames.tif", pixels, metadata={"axes": "TYX"})
    tifffile.imwrite(folder / "short.tif", pixels[:2], metadata={"axes": "ZYX"})
    tifffile.imwrite(folder / "plane.tif", pixels[0])
    (folder / "text.tif").write_text("notes")
    (folder / "empty").mkdir()
    (folder / "one").mkdir()
    tifffile.imwrite(folder / "one" / "0.tif", pixels[0])
    name = kind if (folder / kind).is_dir() else f"{kind}.tif"
    stacks = [str(folder / "good.tif"), str(folder / name)]
    data = {"kind": "stacks", "stacks": stacks, "planes": [0, 4]}
    settings = load_config(config_file, [f"data={json.dumps(data)}"])

    def prepare(*_: object, **__: object) -> None:
        raise AssertionError("a stack was prepared before all were checked")

    monkeypatch.setattr("dgno_core.training.pair_sources.stack_pairs", prepare)
    with pytest.raises(DGNOError, match=BAD_STACKS[kind]):
        next(train_events(settings))
