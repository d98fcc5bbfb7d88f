"""The whole look: events, maps, words, cancelling."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from dgno_core.errors import DGNOError
from dgno_core.inference import Restorer
from dgno_core.inference.config import RestoreConfig
from dgno_core.inference.predictor import Predictor, load_predictor
from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from dgno_core.interpretation.trust import SURROUNDINGS, TrustFound, trust_events
from dgno_core.interpretation.trust.expected import (
    FLOOR,
    Recipe,
    calibration_warnings,
    expected_error,
    load_recipe,
)
from dgno_core.interpretation.trust.parts import Parts
from dgno_core.interpretation.trust.picture import save_trust_figure, trust_figure
from dgno_core.interpretation.view import View, read_view
from support.trust import network_of, scene, view_of

PACKAGED = [("dgno-cell-small", 1), ("dgno-cell-small-colour", 3)]


def answer(sharp: np.ndarray, pasted: float = 0.0, **card: object) -> Predictor:
    """A network that answers with the sharp scene, however the input lies, and a pasted spot."""
    spot = np.zeros_like(sharp)
    spot[:, 60:66, 40:46] = pasted

    def look(x: torch.Tensor) -> torch.Tensor:
        # Finds out how the input is turned by comparing it with all eight.
        from dgno_core.interpretation.trust.agreement import ORIENTATIONS, turn

        choices = [turn(sharp + spot, o) for o in ORIENTATIONS]
        plain = [turn(sharp, o) for o in ORIENTATIONS]
        apart = [float(np.abs(x[0].numpy() - each).mean()) for each in plain]
        return torch.from_numpy(choices[int(np.argmin(apart))])[None]

    return network_of(look, sharp.shape[0], tile=256, **card)


def blurred_view(pasted: float = 0.0, channels: int = 1) -> tuple[View, np.ndarray]:
    sharp = np.concatenate([scene(seed=seed) for seed in range(1, 1 + channels)])
    rng = np.random.default_rng(0)
    image = gaussian_filter(sharp, (0, 2, 2)) + 0.01 * rng.standard_normal(sharp.shape)
    view = view_of(image.astype(np.float32), answer(sharp, pasted), origin=(64, 32))
    return view, sharp


def look(view: View, **options: object) -> tuple[list[object], TrustFound]:
    *events, found = trust_events(view, **options)  # type: ignore[arg-type]
    assert isinstance(found, TrustFound)
    return events, found


@pytest.mark.parametrize("channels", [1, 3])
def test_a_good_result_is_trusted(channels: int) -> None:
    view, sharp = blurred_view(channels=channels)
    events, found = look(view)
    assert [e.done for e in events if isinstance(e, AnalysisProgressed)] == list(range(1, 9))
    assert {e.total for e in events if isinstance(e, AnalysisProgressed)} == {8}
    assert not [e for e in events if isinstance(e, AnalysisWarned)]
    np.testing.assert_array_equal(found.restored, sharp)
    assert found.spread.values.max() == 0
    assert found.noise == pytest.approx(1, rel=0.3)
    assert found.warnings == ()
    assert found.verdict.level == "good"
    assert found.difference is None
    for each in found.maps:
        assert each.values.shape == sharp.shape[1:]
        assert each.values.dtype == np.float32
        assert each.translate == (64.0, 32.0)
        assert each.scale == (1.0, 1.0)
        assert each.is_signed == (each.key == "residual")


def test_an_invented_spot_is_expected_to_be_wrong() -> None:
    _, before = look(blurred_view()[0])
    _, after = look(blurred_view(pasted=0.4)[0])
    spot = (slice(60, 66), slice(40, 46))
    assert after.residual.values[spot].mean() < -6
    assert after.expected_error.values[spot].mean() > (
        before.expected_error.values[spot].mean() + 3
    )


def test_one_colour_means_one_error_in_every_image() -> None:
    _, good = look(blurred_view()[0])
    _, wrong = look(blurred_view(pasted=0.9)[0])
    assert wrong.expected_error.values.max() > 3 * good.expected_error.values.max()
    assert good.expected_error.limits == wrong.expected_error.limits
    assert good.spread.limits == wrong.spread.limits
    assert all(all(each.words) for each in good.maps)


def test_what_the_network_guesses_where_its_view_is_cut_is_left_out() -> None:
    sharp = scene(side=192)
    rng = np.random.default_rng(0)
    image = (gaussian_filter(sharp, (0, 1, 1)) + 0.01 * rng.standard_normal(sharp.shape))[0]

    def rim(x: torch.Tensor) -> torch.Tensor:
        """Go wrong along two of the four borders, so that turned images disagree there."""
        wrong = x.clone()
        wrong[..., :8, :] = 1 - wrong[..., :8, :]
        return wrong

    network = network_of(rim, multiple=32, tile=256)
    part = (slice(64, 128), slice(32, 160))
    found = {}
    for margin in (0, SURROUNDINGS):
        view = read_view(
            image.astype(np.float32), Restorer(network.model, axes="YX", tile=256), (), part,
            surroundings=margin,
        )  # fmt: skip
        assert view.inner_origin == (64, 32)
        _, found[margin] = look(view, config=RestoreConfig(tile=256))
        for each in found[margin].maps:
            assert each.values.shape == (64, 128)
            assert each.translate == (64.0, 32.0)
        assert found[margin].restored.shape == (1, 64, 128)
    assert found[0].spread.values[:8].mean() > 5
    assert found[SURROUNDINGS].spread.values.max() < 0.1


def test_a_part_at_the_border_of_the_image_has_surroundings_on_its_inner_sides_only() -> None:
    network = network_of(lambda x: x, multiple=32)
    view = read_view(
        scene(side=128)[0], Restorer(network.model, axes="YX"), (), (slice(0, 64), slice(64, 128)),
        surroundings=20,
    )  # fmt: skip
    assert view.origin == (0, 32)
    assert view.pixels.shape == (1, 96, 96)
    assert view.inner == (slice(0, 64), slice(32, 96))
    assert view.inner_origin == (0, 64)


def test_real_defocus_beyond_the_model_is_not_to_be_trusted(shared_data: Path) -> None:
    path = min((shared_data / "bbbc006-miq").glob("00_*.tif"))
    part = (slice(96, 288), slice(96, 288))
    view = read_view(path, Restorer(device="cpu"), (), part, surroundings=SURROUNDINGS)
    _, found = look(view)
    assert found.verdict.level == "bad"
    assert found.verdict.sentence.startswith("Do not trust this result")


def test_a_second_network_is_compared() -> None:
    view, sharp = blurred_view()
    second = network_of(lambda x: x + 0.1, tile=256)
    events, found = look(view, second=second)
    assert [e.done for e in events if isinstance(e, AnalysisProgressed)] == list(range(1, 10))
    assert found.difference is not None
    expected = 100 * np.abs(view.pixels + 0.1 - sharp)[0]
    np.testing.assert_allclose(found.difference.values, expected, atol=1e-3)
    assert [each.key for each in found.maps][-1] == "difference"


def test_networks_for_grey_and_colour_are_not_compared() -> None:
    with pytest.raises(DGNOError, match="grey"):
        next(trust_events(blurred_view()[0], network_of(lambda x: x, 3)))


def test_warnings_are_given_and_kept() -> None:
    view, _ = blurred_view()
    wide = np.stack([gaussian_filter(c, 12) for c in view.pixels])
    network = network_of(lambda x: x, pixel_size_um=(0.1, 1.3))
    events, found = look(view_of(wide, network), pixel_size_um=5.0)
    assert tuple(e.message for e in events if isinstance(e, AnalysisWarned)) == found.warnings
    assert len(found.warnings) == 2
    assert found.verdict.level == "bad"
    assert found.verdict.sentence.startswith("Do not trust this result")


def test_closing_cancels_and_leaves_the_model_as_it_was() -> None:
    view, _ = blurred_view()
    view.network.model.train()
    events = trust_events(view)
    next(events)
    assert not view.network.model.training
    events.close()
    assert view.network.model.training
    assert view.network.model.calls == 1  # type: ignore[comparison-overlap]


def test_smaller_tiles_are_tried_when_memory_runs_out() -> None:
    def short(x: torch.Tensor) -> torch.Tensor:
        if x.shape[2] * x.shape[3] > 64 * 64:
            raise torch.OutOfMemoryError("out of memory")
        return x

    view = view_of(scene(), network_of(short, tile=128))
    events, found = look(view, config=RestoreConfig(memory_share=1.0))
    assert any(isinstance(e, AnalysisWarned) and "64 pixels" in e.message for e in events)
    np.testing.assert_allclose(found.restored, view.pixels, atol=1e-6)


def test_memory_that_never_suffices_is_an_error() -> None:
    def never(x: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(DGNOError, match="not enough memory"):
        list(trust_events(view_of(scene(64), network_of(never))))


def parts_of(**values: float) -> Parts:
    known = dict.fromkeys(("spread", "sensitivity", "change", "noise", "contradiction"), 0.01)
    return Parts(**{k: np.full((2, 2), v, np.float32) for k, v in (known | values).items()})


def test_the_formula_is_what_it_says() -> None:
    recipe = Recipe(spread=0.5, sensitivity=0.25, change=0.0, noise=0.125, constant=-1.0)
    parts = parts_of(spread=0.02, sensitivity=0.03, noise=0.04, contradiction=0.0)
    by_hand = np.exp(-1) * (0.02 + FLOOR) ** 0.5 * (0.03 + FLOOR) ** 0.25 * (0.04 + FLOOR) ** 0.125
    np.testing.assert_allclose(recipe.apply(parts), by_hand, rtol=1e-5)
    beyond = np.array([[True, False], [False, False]])
    total = expected_error(parts_of(change=0.3, contradiction=0.4), recipe, beyond)
    assert total[0, 0] == pytest.approx(0.5, rel=0.01)
    assert total[1, 1] == pytest.approx(0.4, rel=0.1)


@pytest.mark.parametrize(("name", "channels"), PACKAGED)
def test_the_recipe_was_fitted_with_the_packaged_weights(name: str, channels: int) -> None:
    network = load_predictor(RestoreConfig(model=name), colour=channels == 3)
    assert list(calibration_warnings(network.card, load_recipe(channels))) == []


def test_other_weights_than_those_of_the_recipe_are_said() -> None:
    view, sharp = blurred_view()
    network = answer(sharp, weights_sha256="0" * 64)
    events, found = look(view_of(view.pixels, network))
    (warning,) = found.warnings
    assert warning.startswith("The expected error was calibrated with other weights")
    assert load_recipe(1).weights_sha256[:8] in warning
    assert "ranking" in warning
    assert [e.message for e in events if isinstance(e, AnalysisWarned)] == [warning]
    assert found.verdict.level == "care"


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("part", ["spread", "sensitivity", "change", "noise", "contradiction"])
def test_more_of_a_part_never_lowers_the_expected_error(channels: int, part: str) -> None:
    nothing = np.zeros((2, 2), np.bool_)
    recipe = load_recipe(channels)
    less, more = (
        expected_error(parts_of(**{part: value}), recipe, nothing) for value in (0.01, 0.05)
    )
    assert (more >= less).all()


def test_the_picture_says_what_the_colours_mean(tmp_path: Path) -> None:
    view, _ = blurred_view()
    _, found = look(view)
    figure = trust_figure(view.pixels, found, "image.tif")
    words = " ".join(
        " ".join(text.get_text().split())
        for axes in figure.axes
        for text in [*axes.texts, axes.title, axes._left_title]  # type: ignore[attr-defined]
    )
    for each in found.maps:
        assert each.title in words
        assert each.legend in words
        assert each.unit in words
    path = tmp_path / "trust.png"
    save_trust_figure(figure, path)
    assert path.read_bytes().startswith(b"\x89PNG")
