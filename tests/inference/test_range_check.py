"""Every restoration says so where the recorded image is outside of what the card states."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from dgno_core.errors import RestoreWarning
from dgno_core.evaluation.public_set import read_public_set
from dgno_core.inference import (
    Restored,
    Restorer,
    RestoreWarned,
    restore,
    restore_events,
    survey,
)
from dgno_core.inference.range_check import SIDE, busiest, image_warnings, recorded_view
from dgno_core.io import as_source
from dgno_core.io.normalise import IntensityRange
from dgno_core.models import load_model

RECIPE = json.dumps(
    {"data": {"degrade": {"photons": [150.0, 8000.0], "read_noise": 0.01, "gain": [0.6, 1.5]}}}
)
CARD: dict[str, Any] = {"blur_px": (0.0, 8.0), "recipe": RECIPE}


def squares(blur: float, noise: float = 0.005, side: int = 192) -> np.ndarray:
    """Draw bright squares, blurred, as 16-bit counts."""
    plane = np.zeros((side, side))
    plane[30:90, 40:110] = plane[120:170, 100:180] = 1
    noisy = gaussian_filter(plane, blur) + noise * np.random.default_rng(1).normal(size=plane.shape)
    return np.clip(1000 + 20000 * noisy, 0, 65535).astype(np.uint16)


def told(events: Any) -> list[str]:
    return [event.message for event in events if isinstance(event, RestoreWarned)]


def test_a_blur_beyond_the_card_is_told_and_recorded(fake: Callable[..., Any]) -> None:
    source = as_source(squares(13), name="cells.tif")
    events = list(restore_events(source, model=fake(**CARD)))
    (message,) = told(events)
    assert message.startswith("Even the sharpest edges of cells.tif are blurred by at least 1")
    assert message.endswith("trained on blur of up to 8 pixels: do not trust the result.")
    assert isinstance(events[-1], Restored)
    assert events[-1].provenance.warnings == [message]
    before_work = [type(event).__name__ for event in events].index("RestoreWarned")
    assert "TileRestored" not in [type(event).__name__ for event in events[:before_work]]


@pytest.mark.parametrize("blur", [0.5, 3, 6])
def test_silence_inside_of_the_range(fake: Callable[..., Any], blur: float) -> None:
    assert told(restore_events(squares(blur), model=fake(**CARD))) == []


def test_a_model_whose_card_is_silent_says_nothing(fake: Callable[..., Any]) -> None:
    assert told(restore_events(squares(13), model=fake())) == []


def test_noise_beyond_the_recipe_is_told(fake: Callable[..., Any]) -> None:
    (message,) = told(restore_events(squares(2, noise=0.15), model=fake(**CARD)))
    assert "was trained on at most 7%" in message


def test_the_planes_of_a_stack_that_are_beyond_are_named(fake: Callable[..., Any]) -> None:
    stack = np.stack([squares(13), squares(2), squares(14)])
    (message,) = told(restore_events(as_source(stack, "ZYX", "s"), model=fake(**CARD)))
    assert "edges of s at Z = 0; Z = 2 are" in message
    assert message.endswith("do not trust the result there.")
    (message,) = told(restore_events(as_source(stack[[0, 2]], "ZYX", "s"), model=fake(**CARD)))
    assert "edges of s are" in message


def test_colours_and_their_opacity(fake: Callable[..., Any]) -> None:
    plane = (squares(13) // 256).astype(np.uint8)
    opaque = np.full_like(plane, 255)
    opaque[50:60] = 0  # its sharp edge is none of the image
    image = np.stack([plane, plane, plane, opaque], axis=-1)
    messages = told(restore_events(as_source(image, "YXS"), model=fake(3, **CARD)))
    assert len(messages) == 1
    assert "sharpest edges" in messages[0]


def test_a_preview_and_a_script_say_the_same(fake: Callable[..., Any]) -> None:
    source = as_source(squares(13))
    view = (slice(20, 180), slice(20, 190))
    (message,) = told(Restorer(fake(**CARD)).region_events(source, view))
    assert "do not trust the result" in message
    with pytest.warns(RestoreWarning, match="do not trust the result"):
        restore(source, fake(**CARD))


def test_the_command_line_says_it(tmp_path: Path) -> None:
    from dgno_core.cli.app import app

    tifffile.imwrite(tmp_path / "far.tif", squares(14))
    words = ["restore", str(tmp_path / "far.tif"), "-o", str(tmp_path / "out.tif")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    assert "do not trust the result" in done.stderr
    record = json.loads((tmp_path / "out.tif.json").read_text())
    assert any("do not trust" in warning for warning in record["warnings"])


def test_pixels_do_not_depend_on_it(
    fake: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = as_source(np.stack([squares(13), squares(2)]), "ZYX")

    def pixels() -> np.ndarray:
        *_, last = restore_events(source, model=fake(**CARD))
        return np.asarray(last.data)

    with_check = pixels()
    monkeypatch.setattr(survey, "image_warnings", lambda *_: iter(()))
    np.testing.assert_array_equal(pixels(), with_check)


def test_a_large_plane_is_looked_at_where_it_varies() -> None:
    plane = np.zeros((1, 1500, 1100), np.float32)
    plane[:, 1290:1310, 700:720] = 1
    rows, columns = busiest(plane[:, ::8, ::8], plane.shape[1:], SIDE)
    assert (rows.stop - rows.start, columns.stop - columns.start) == (SIDE, SIDE)
    assert 0 <= rows.start <= 1290 < 1310 <= rows.stop <= 1500
    assert 0 <= columns.start <= 700 < 720 <= columns.stop <= 1100
    assert busiest(plane[:, :400:8, :300:8], (400, 300), SIDE) == (slice(None), slice(None))


def test_only_what_is_looked_at_is_kept() -> None:
    plane = np.random.default_rng(3).integers(0, 200, (1, 1500, 1100), dtype=np.uint16)
    view = recorded_view(plane, [IntensityRange(0, 200)])
    assert view is not None
    kept = view.pixels if view.pixels.base is None else view.pixels.base
    assert kept.size == SIDE**2


def test_a_constant_plane_is_not_looked_at() -> None:
    constant = IntensityRange(3, 3)
    plane = np.full((2, 40, 40), 3, np.uint16)
    assert recorded_view(plane, [constant]) is None
    view = recorded_view(plane, [constant, IntensityRange(0, 5)])
    assert view is not None
    assert view.pixels.shape == (1, 40, 40)
    assert view.step == pytest.approx(0.2)


@pytest.mark.slow
def test_the_look_costs_little() -> None:
    image = squares(3, side=512)
    network = load_model("dgno-cell-small", "cpu")
    job = Restorer(network).prepare(image)
    list(restore_events(image[:64, :64], model=network))  # what is loaded on first use
    list(image_warnings(job, None))
    start = process_time()
    list(image_warnings(job, None))
    look = process_time() - start
    start = process_time()
    list(restore_events(image, model=network))
    assert look < 0.05 * (process_time() - start)


@pytest.fixture(scope="module")
def grey() -> Any:
    return load_model("dgno-cell-small", "cpu")


def warnings_of(image: np.ndarray, model: Any) -> list[str]:
    # Ranges as one plane has them: for an image of one plane these are those of the stack.
    return list(image_warnings(Restorer(model).prepare(image), None))


def test_real_defocus_beyond_the_card_is_found(shared_data: Path, grey: Any) -> None:
    files = sorted(shared_data.glob("bbbc006-miq/00_*.tif"))
    assert len(files) == 21
    for file in files:
        assert "do not trust the result" in " ".join(warnings_of(tifffile.imread(file), grey)), file


def test_images_in_range_raise_no_alarm(shared_data: Path, grey: Any) -> None:
    colour = load_model("dgno-cell-small-colour", "cpu")
    for row in read_public_set(shared_data):
        image = row.load().blurred
        assert warnings_of(image, grey if image.ndim == 2 else colour) == [], row
    sharp = sorted(shared_data.glob("bbbc039/images/*"))
    assert len(sharp) == 35
    for file in sharp:
        assert warnings_of(tifffile.imread(file), grey) == [], file
