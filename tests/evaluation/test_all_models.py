from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from dgno_core.errors import DGNOError
from dgno_core.evaluation import ImageScored, ReportWritten, run_public_evaluation
from dgno_core.evaluation.candidates import ONLY, candidates
from dgno_core.evaluation.focal_stack import STACK, StackScored
from dgno_core.evaluation.public_set import read_public_set


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save two grey networks and one for colour, all of random weights."""
    import torch

    from dgno_core.models import ModelCard, build_model
    from dgno_core.models.checkpoint import save_model
    from dgno_core.models.config import DGNOConfig

    folder = tmp_path_factory.mktemp("models")
    for seed, (name, channels) in enumerate({"grey-a": 1, "grey-b": 1, "colour": 3}.items()):
        torch.manual_seed(seed)
        config = DGNOConfig(width=8, heads=2, blocks=(1, 1, 1, 1), iterations=1, channels=channels)
        card = ModelCard(name=name, config=config, tile=128, halo=16)
        save_model(build_model(config), card, folder / f"{name}.safetensors")
    return folder


@pytest.fixture
def data(public_set: Path) -> Path:
    """The small public set, with a focal stack."""
    rng = np.random.default_rng(5)
    texture = gaussian_filter(rng.normal(size=(96, 96)), 1.5)
    sharp = 100 + 60 * texture / np.abs(texture).max()
    (public_set / STACK).mkdir()
    for depth in (-4, -1, 0, 1, 4):
        soft = gaussian_filter(sharp, 0.4 * abs(depth)) if depth else sharp
        Image.fromarray(np.rint(soft).astype(np.uint8)).save(public_set / STACK / f"{depth}.png")
    return public_set


@pytest.fixture
def no_packaged_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from dgno_core.models import weights

    monkeypatch.setattr(weights, "PACKAGED", tmp_path / "none")


def finish(data: Path, out: Path, **options: Any) -> tuple[list[object], ReportWritten]:
    *events, last = run_public_evaluation(data, out, device="cpu", **options)
    assert isinstance(last, ReportWritten)
    return events, last


@pytest.mark.usefixtures("no_packaged_models")
def test_one_command_judges_every_model_on_what_it_is_for(
    data: Path, model_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    events, written = finish(data, out, model="all", model_folder=model_folder)
    judged = {one.model: one for one in written.scores}
    assert list(judged) == ["colour", "grey-a", "grey-b"]
    grey = ["bbbc039_00", "bbbc039_01"]
    assert [result.name for result in judged["grey-a"].results] == grey
    assert [result.name for result in judged["colour"].results] == ["stained_00"]
    assert [plane.depth for plane in judged["grey-b"].planes] == [-4, -1, 0, 1, 4]
    assert judged["colour"].planes == ()
    assert judged["grey-a"].planes != judged["grey-b"].planes
    done = [(event.done, event.total) for event in events if isinstance(event, ImageScored)]
    assert done == [(number, 5) for number in range(1, 6)]

    page = written.page.read_text()
    links = re.findall(r"!\[.*?\]\((.*?)\)", page)
    assert len(links) == 3 + 3 + 2  # images, failures of each model, the stack
    assert all((out / link).is_file() for link in links)
    for name, one in judged.items():
        assert f"### Failures of {name}\n" in page
        for plane in one.planes:
            if plane.gain is not None:
                assert f"{plane.after:.2f} | {plane.gain:+.2f}" in page
    assert "dgno evaluate" in page
    assert "--model all" in page


@pytest.mark.usefixtures("no_packaged_models")
def test_the_numbers_hold_what_a_card_needs(data: Path, model_folder: Path, tmp_path: Path) -> None:
    _, written = finish(data, tmp_path / "out", model="all", model_folder=model_folder)
    record = json.loads(written.numbers.read_text())
    models = {one["model"]: one for one in record["models"]}
    grey = models["grey-a"]
    assert len(grey["weights_sha256"]) == 64
    (group,) = grey["groups"]
    assert group["group"] == "bbbc039"
    assert group["means"].keys() == {"blurred", "wiener", "richardson_lucy", "ours"}
    assert {plane["depth"]: plane["before"] for plane in grey["stack"]}[0] is None
    assert len(grey["failures"]) == 2
    assert (tmp_path / "out" / record["pictures"]["grey-a/failures"]).is_file()
    (picture,) = {record["pictures"]["bbbc039_00"]}
    assert picture == "figures/bbbc039_00.jpg"


@pytest.mark.usefixtures("no_packaged_models")
def test_one_model_by_name_and_one_group(data: Path, model_folder: Path, tmp_path: Path) -> None:
    events, written = finish(
        data, tmp_path / "a", model="grey-a", model_folder=model_folder, groups=("bbbc039",)
    )
    assert [one.model for one in written.scores] == ["grey-a"]
    assert not any(isinstance(event, StackScored) for event in events)
    _, written = finish(
        data, tmp_path / "b", model="grey-a", model_folder=model_folder, groups=("stack",)
    )
    (only,) = written.scores
    assert (only.model, only.results, len(only.planes)) == ("grey-a", (), 5)
    # A grey model takes the three colours one by one, if that is asked for.
    rows = [row for row in read_public_set(data) if row.group == "stained"]
    options: dict[str, Any] = {"model_folder": model_folder, "groups": ("stained",)}
    (asked,) = candidates("grey-a", rows, **options)
    assert [row.name for row in asked.rows] == ["stained_00"]
    with pytest.raises(DGNOError, match="not for the images in bbbc039"):
        finish(data, tmp_path / "c", model="colour", model_folder=model_folder, groups=("bbbc039",))
    assert not (tmp_path / "c").exists()


@pytest.mark.usefixtures("no_packaged_models")
def test_a_model_for_one_kind_of_images_gets_no_others(
    data: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ONLY, "grey-b", ("cytology",))
    judged = candidates("all", read_public_set(data), model_folder=model_folder)
    assert [len(one.rows) for one in judged] == [1, 2, 0]


def test_by_default_the_packaged_models_of_restoring_are_judged(data: Path) -> None:
    grey, colour = candidates("auto", read_public_set(data))
    assert {row.group for row in grey.rows} == {"bbbc039"}
    assert {row.group for row in colour.rows} == {"stained"}
    assert grey.stack_restorer is not None
    assert colour.stack_restorer is None


def test_a_stack_that_is_asked_for_must_be_there(public_set: Path, tmp_path: Path) -> None:
    with pytest.raises(DGNOError, match=STACK):
        finish(public_set, tmp_path / "out", model="dgno-cell-small", groups=("stack",))
