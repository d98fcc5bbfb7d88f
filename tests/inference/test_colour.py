from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dgno_core.errors import DGNOError
from dgno_core.inference import Restorer, restore


@pytest.fixture
def tissue() -> np.ndarray:
    """Return a colour image, YXS uint8, whose channels have different ranges."""
    rng = np.random.default_rng(0)
    return rng.integers(0, (100, 160, 250), (50, 70, 3)).astype(np.uint8)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, fake: Callable[..., Any]) -> list[str]:
    """Note which packaged model is asked for, and give a fake of its kind."""
    names: list[str] = []

    def load(name: str, device: str = "auto", *, folder: object = None) -> Any:
        names.append(name)
        return fake(3 if name.endswith("colour") else 1)

    monkeypatch.setattr("dgno_core.models.load_model", load, raising=False)
    return names


@pytest.mark.parametrize(
    ("shape", "dtype", "axes", "colour"),
    [
        ((50, 70, 3), "uint8", None, True),
        ((2, 50, 70, 3), "uint8", None, True),
        ((50, 70, 3), "uint8", "YXC", True),
        ((50, 70, 4), "uint8", "YXS", True),
        ((3, 50, 70), "uint8", "SYX", True),
        ((50, 70, 3), "uint16", "YXS", False),
        ((50, 70, 3), "float32", "YXC", False),
        ((3, 50, 70), "uint8", "CYX", False),
        ((50, 70, 2), "uint8", "YXC", False),
        ((50, 70), "uint8", None, False),
    ],
)
def test_auto_takes_the_model_that_fits(
    asked: list[str], shape: tuple[int, ...], dtype: str, axes: str | None, colour: bool
) -> None:
    image = (np.random.default_rng(0).random(shape) * 200).astype(dtype)
    result = restore(image, axes=axes)
    assert asked == ["dgno-cell-small-colour" if colour else "dgno-cell-small"]
    assert (result.shape, result.dtype) == (image.shape, image.dtype)


def test_colours_go_together_with_one_range(tissue: np.ndarray, fake: Callable[..., Any]) -> None:
    seen: list[np.ndarray] = []

    class Watch(fake):  # type: ignore[misc, valid-type]
        def forward(self, x: Any) -> Any:
            seen.append(x.numpy().copy())
            return super().forward(x)

    restore(tissue, Watch(3, tile=512))
    (x,) = seen
    low, high = np.percentile(tissue, (0.1, 99.9))
    expected = (tissue.transpose(2, 0, 1) - low) / (high - low)
    np.testing.assert_allclose(x[0, :, :50, :70], expected, atol=1e-6)


def test_a_grey_model_takes_colours_one_by_one(
    tissue: np.ndarray, fake: Callable[..., Any]
) -> None:
    result = restore(tissue, fake())
    for colour in range(3):
        np.testing.assert_array_equal(result[..., colour], restore(tissue[..., colour], fake()))


@pytest.mark.parametrize(("axes", "dtype"), [("YXS", "uint16"), ("YXC", "float32")])
def test_a_colour_model_that_is_asked_for_takes_any_type(
    tissue: np.ndarray, fake: Callable[..., Any], axes: str, dtype: str
) -> None:
    model = fake(3, tile=512)
    result = restore(tissue.astype(dtype), model, axes=axes)
    assert model.shapes == [(64, 96)]
    difference = result.astype(float) - restore(tissue, fake(3, tile=512)).astype(float)
    inside = (result >= 0) & (result <= 255)
    assert np.abs(difference[inside]).max() <= 1


def test_opacity_stays_as_it_is(tissue: np.ndarray, fake: Callable[..., Any]) -> None:
    opacity = np.random.default_rng(1).integers(0, 255, (50, 70, 1)).astype(np.uint8)
    image = np.concatenate([tissue, opacity], axis=-1)
    for model in (fake(3), fake(1)):
        result = restore(image, model)
        np.testing.assert_array_equal(result[..., 3:], opacity)
        np.testing.assert_array_equal(result[..., :3], restore(tissue, model))


@pytest.mark.parametrize(("shape", "axes"), [((50, 70), "YX"), ((3, 50, 70), "CYX")])
def test_a_colour_model_needs_colours(
    fake: Callable[..., Any], shape: tuple[int, ...], axes: str
) -> None:
    with pytest.raises(DGNOError, match=r"has no three colours.*choose a grey model"):
        restore(np.zeros(shape, np.uint8), fake(3), axes=axes)


def test_white_background_in_colour_stays_white(
    tissue: np.ndarray, fake: Callable[..., Any]
) -> None:
    stack = np.stack([tissue, np.full_like(tissue, 255)])
    stack[1, ..., 1] = 240
    np.testing.assert_array_equal(restore(stack, fake(3))[1], stack[1])


def test_a_given_model_stays_where_it_is(fake: Callable[..., Any]) -> None:
    model = fake()
    loaded = Restorer(model).network()
    assert loaded.model is model
    assert loaded.name == "fake"
