"""One object for a loaded model: loaded once, for whatever is asked of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgno_core import Restorer
from dgno_core.errors import DGNOError
from dgno_core.inference import RestoreConfig, Restored, restore
from dgno_core.models import read_card


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the models that are read from disk."""
    from dgno_core import models

    names: list[str] = []
    load = models.load_model

    def counting(name: str | Path, *args: Any, **kwargs: Any) -> Any:
        names.append(str(name))
        return load(name, *args, **kwargs)

    monkeypatch.setattr(models, "load_model", counting)
    return names


@pytest.fixture
def tiny(model_folder: Path) -> Restorer:
    return Restorer("tiny-grey", model_folder=model_folder, device="cpu", axes="ZYX")


def test_a_model_is_loaded_once_for_all_that_is_asked(
    tiny: Restorer, stack: np.ndarray, loads: list[str]
) -> None:
    assert loads == []
    ranges = tiny.ranges(stack)
    tiny.region(stack, (slice(0, 32), slice(0, 32)), (0,), ranges=ranges)
    tiny.restore(stack)
    *_, last = tiny.events(stack)
    assert isinstance(last, Restored)
    assert tiny.card.name == "tiny-grey"
    assert loads == ["tiny-grey"]


def test_other_settings_share_the_model_and_another_device_or_model_does_not(
    tiny: Restorer, stack: np.ndarray, loads: list[str]
) -> None:
    tiny.restore(stack)
    small = tiny.adjusted(tiny.config.changed(tile=64, precision="bf16", axes=None))
    assert small.network().model is tiny.network().model
    assert (small.network().precision, tiny.network().precision) == ("bf16", "fp32")
    assert loads == ["tiny-grey"]
    other = tiny.adjusted(tiny.config.changed(model="tiny-colour"))
    assert other.network().model is not tiny.network().model
    assert loads == ["tiny-grey", "tiny-colour"]


def test_it_restores_as_the_function_does(
    tiny: Restorer, stack: np.ndarray, model_folder: Path
) -> None:
    expected = restore(stack, "tiny-grey", axes="ZYX", device="cpu", model_folder=model_folder)
    np.testing.assert_array_equal(tiny.restore(stack), expected)


def test_images_of_a_restorer_may_have_axes_of_their_own(
    stack: np.ndarray, fake: Callable[..., Any]
) -> None:
    restorer = Restorer(fake())
    whole = restorer.restore(stack, axes="ZYX")
    np.testing.assert_array_equal(restorer.restore(stack[0], axes="YX").shape, whole[0].shape)
    view = (slice(0, 40), slice(8, 48))
    part = restorer.region(stack, view, (1,), axes="ZYX", ranges=restorer.ranges(stack, axes="ZYX"))
    np.testing.assert_array_equal(part, whole[1][view])


def test_what_is_chosen_by_the_image_is_loaded_once_for_each_kind(
    monkeypatch: pytest.MonkeyPatch, model_folder: Path, loads: list[str]
) -> None:
    from dgno_core import models

    paths = {False: model_folder / "tiny-grey.safetensors"}
    paths[True] = model_folder / "tiny-colour.safetensors"
    monkeypatch.setattr(models, "default_weights", lambda *, colour: str(paths[colour]))
    restorer = Restorer(device="cpu")
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 255, (48, 48), dtype=np.uint8)
    colour = rng.integers(0, 255, (48, 48, 3), dtype=np.uint8)
    for image, axes in [(grey, "YX"), (colour, "YXS"), (grey, "YX"), (colour, "YXS")]:
        restorer.restore(image, axes=axes)
    assert loads == [str(paths[False]), str(paths[True])]
    assert restorer.card == read_card(paths[False])


def test_ranges_are_none_where_each_plane_has_its_own(
    stack: np.ndarray, fake: Callable[..., Any]
) -> None:
    assert Restorer(fake(), normalise="plane").ranges(stack, axes="ZYX") is None


def test_a_model_that_had_to_leave_its_device_comes_back(
    tiny: Restorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from dgno_core.inference.predictor import Predictor
    from dgno_core.models import device

    network = tiny.network()
    moves: list[str] = []
    monkeypatch.setattr(device, "resolve_device", lambda name: torch.device("meta"))
    monkeypatch.setattr(Predictor, "move", lambda self, where: moves.append(str(where)))
    tiny.network()
    assert moves == ["meta"]
    assert network.device.type == "cpu"


def test_a_setting_that_is_not_there_is_named() -> None:
    with pytest.raises(DGNOError, match="There is no setting tiles"):
        Restorer(tiles=64)


def test_a_model_without_a_card_is_refused(stack: np.ndarray) -> None:
    import torch

    with pytest.raises(DGNOError, match="The model has no card"):
        Restorer.of(RestoreConfig(axes="ZYX"), torch.nn.Identity()).restore(stack)
