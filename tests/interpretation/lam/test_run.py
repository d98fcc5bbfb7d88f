"""The generator: what it says on the way, how it stops, and that maps lie where they should."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import Tensor

from dgno_core.errors import DGNOError
from dgno_core.inference import Restorer, restore
from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from dgno_core.interpretation.lam import (
    Attribution,
    LamFound,
    LamSettings,
    Window,
    lam_events,
    read_neighbourhood,
)
from dgno_core.interpretation.lam import run as lam_run
from dgno_core.interpretation.lam.describe import describe_lam, file_words
from support.lam_net import LamNet, random_net, view_of

SHORT = LamSettings(steps=3, side=64)


def cells(*shape: int, seed: int = 0) -> np.ndarray:
    """Smooth blobs, 0 to 1."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(np.random.default_rng(seed).random(shape), (0, 2, 2))
    return ((smooth - smooth.min()) / np.ptp(smooth)).astype(np.float32)


def found(*asked: object, **more: object) -> Attribution:
    last = list(lam_events(*asked, **more))[-1]  # type: ignore[arg-type]
    assert isinstance(last, LamFound)
    return last.attribution


def test_steps_come_one_by_one_and_the_map_last() -> None:
    events = list(lam_events(view_of(cells(1, 64, 64), random_net()), Window.square(20, 20), SHORT))
    assert events[:-1] == [AnalysisProgressed(done, 3) for done in (1, 2, 3)]
    assert isinstance(events[-1], LamFound)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_the_map_says_fits_together(channels: int) -> None:
    image, window = cells(channels, 64, 64), Window(20, 24, 10, 16)
    net = random_net(channels)
    result = found(view_of(image, net), window, SHORT)
    assert result.attribution.shape == image.shape
    np.testing.assert_allclose(
        result.signed,
        result.attribution.sum(0) / np.abs(result.attribution.sum(0)).max(),
        atol=1e-6,
    )
    np.testing.assert_array_equal(result.absolute, np.abs(result.signed))
    assert result.absolute.max() == 1
    assert result.diffusion_index == pytest.approx(100 * (1 - result.gini))
    np.testing.assert_array_equal(result.image, image)
    with torch.no_grad():
        np.testing.assert_allclose(
            result.restored, net(torch.from_numpy(image)[None])[-1][0], atol=1e-6
        )
    assert result.objective.shape == (3,)
    missing = result.attribution.sum() / result.objective_gain - 1
    assert result.completeness_error == pytest.approx(missing, abs=1e-4)
    assert (result.scale, result.translate) == ((1, 1), (0, 0))
    assert (result.effort, result.steps, result.nan_zeroed) == ("3 steps", 3, 0)
    assert (result.name, result.model, result.weights_sha256) == ("cells.tif", "lam net", "abc")
    assert result.warnings == ()
    assert result.seconds > 0


def test_the_map_lies_where_the_box_is() -> None:
    """In a large view, in what is read for the box, and told in pixels of the image alike."""
    image, window = cells(1, 200, 230), Window.square(120, 150, 8)
    large = found(view_of(image, random_net()), window, SHORT)
    assert large.translate == (64, 96)
    assert large.absolute.shape == (64, 64)
    peak = np.unravel_index(large.absolute.argmax(), large.absolute.shape)
    assert 116 <= peak[0] + large.translate[0] <= 132
    assert 146 <= peak[1] + large.translate[1] <= 162
    assert large.box == Window.square(56, 54, 8)
    view = read_neighbourhood(image[0], window, SHORT, Restorer(random_net()))
    small = found(view, window, SHORT)
    assert small.translate == large.translate
    # Not quite the same: the range of the stack is a little narrower than 0 to 1.
    assert np.corrcoef(small.signed.ravel(), large.signed.ravel())[0, 1] > 0.99


def test_a_map_at_a_far_border_off_the_grid_is_as_large_as_others() -> None:
    image, window = cells(1, 150, 96), Window.square(138, 40, 10)
    result = found(view_of(image, random_net()), window, SHORT)
    assert result.translate == (86, 0)
    assert result.absolute.shape == (64, 64)
    np.testing.assert_array_equal(result.image, image[:, 86:150, :64])
    moved = found(view_of(image[:, 64:], random_net(), origin=(64, 0)), window, SHORT)
    assert moved.translate == (86, 0)
    np.testing.assert_array_equal(moved.signed, result.signed)


def test_the_restored_image_is_the_one_that_restoring_gives() -> None:
    image = (cells(1, 64, 64)[0] * 900).astype(np.float32)
    net = random_net()
    view = read_neighbourhood(image, Window.square(20, 20), SHORT, Restorer(net))
    result = found(view, Window.square(20, 20), SHORT)
    whole = restore(image, net)
    np.testing.assert_allclose(
        view.limits.invert(result.restored, np.float32)[0], whole, rtol=1e-4, atol=1e-2
    )


def test_cancelling_stops_at_once_and_leaves_the_model_as_it_was() -> None:
    net = random_net().train()
    work = lam_events(view_of(cells(1, 64, 64), net), Window.square(20, 20), SHORT)
    assert next(work) == AnalysisProgressed(1, 3)
    calls = net.calls
    assert net.training
    assert all(module.training for module in net.modules())
    assert all(parameter.requires_grad for parameter in net.parameters())
    work.close()
    assert net.calls == calls
    assert all(not module._forward_hooks and not module._backward_hooks for module in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_small_image_is_taken_whole_and_that_is_said() -> None:
    events = list(
        lam_events(view_of(cells(1, 16, 20), random_net()), Window.square(4, 4, 8), SHORT)
    )
    assert isinstance(events[0], AnalysisWarned)
    assert "16 x 20 pixels, not 64 x 64" in events[0].message
    last = events[-1]
    assert isinstance(last, LamFound)
    assert last.attribution.absolute.shape == (16, 20)
    assert last.attribution.warnings == (events[0].message,)


def test_a_blur_that_does_not_fit_its_kernel_is_told() -> None:
    settings = SHORT.changed(sigma=3.0)
    view = view_of(cells(1, 64, 64), random_net())
    first = next(lam_events(view, Window.square(4, 4, 8), settings))
    assert first == AnalysisWarned(
        "A kernel of 9 pixels cuts off a blur of 3; take one of at least 19."
    )
    settings = settings.changed(kernel=19)
    assert next(lam_events(view, Window.square(4, 4, 8), settings)) == AnalysisProgressed(1, 3)


class Clipped(LamNet):
    """A network whose background is exactly flat."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x * (x > 0.5)]


def test_flat_regions_are_kept_and_in_paper_mode_counted() -> None:
    view, window = view_of(cells(1, 64, 64), Clipped()), Window.square(20, 20, 24)
    ours = list(lam_events(view, window, SHORT))
    assert not [event for event in ours if isinstance(event, AnalysisWarned)]
    paper = list(lam_events(view, window, SHORT.changed(eps=0.0)))
    warning, last = paper[-2:]
    assert isinstance(warning, AnalysisWarned)
    assert isinstance(last, LamFound)
    lost = last.attribution.nan_zeroed
    assert lost > 0
    assert warning.message.startswith(f"{lost} derivatives (")
    assert np.isfinite(last.attribution.signed).all()


class Blind(LamNet):
    """A network that gives the same whatever it sees."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x * 0]


def test_a_map_of_nothing_has_no_diffusion_index() -> None:
    view = view_of(cells(1, 64, 64), Blind())
    *_, warning, last = lam_events(view, Window.square(20, 20), SHORT)
    assert isinstance(warning, AnalysisWarned)
    assert "Nothing in the neighbourhood contributed" in warning.message
    assert isinstance(last, LamFound)
    assert np.isnan(last.attribution.diffusion_index)
    assert not last.attribution.absolute.any()
    record = json.loads(json.dumps(describe_lam(last.attribution), allow_nan=False))
    assert record["diffusion_index"] is None
    assert record["reach_px"] == {"50%": None, "90%": None, "99%": None}


@pytest.mark.parametrize("origin", [(0, 0), (64, 32)])
def test_boxes_outside_of_the_view_are_refused(origin: tuple[int, int]) -> None:
    view = view_of(cells(1, 64, 64), random_net(), origin)
    with pytest.raises(DGNOError, match=r"reaches outside of cells\.tif"):
        next(lam_events(view, Window.square(origin[0] + 60, origin[1]), SHORT))


class Greedy(LamNet):
    """A network for which there is no memory."""

    def forward(self, x: Tensor) -> list[Tensor]:
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_a_lack_of_memory_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window.square(20, 20)
    view = view_of(cells(1, 64, 64), Greedy())
    with pytest.raises(DGNOError, match="smaller neighbourhood than 64 pixels, or a smaller model"):
        next(lam_events(view, window, SHORT))
    monkeypatch.setattr(lam_run, "available_bytes", lambda _: 1 << 20)
    view = view_of(cells(1, 64, 64), net := random_net())
    with pytest.raises(DGNOError, match=r"takes about 0\.1 GB .* and 0\.0 GB are free on cpu"):
        next(lam_events(view, window, SHORT))
    assert net.calls == 0


def test_other_faults_of_a_model_are_not_hidden() -> None:
    class Broken(LamNet):
        def forward(self, x: Tensor) -> list[Tensor]:
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        next(lam_events(view_of(cells(1, 64, 64), Broken()), Window.square(20, 20), SHORT))


def test_efforts_are_those_that_are_promised() -> None:
    assert LamSettings().path_steps == 10
    assert LamSettings(effort="full").path_steps == 50
    quick = found(
        view_of(cells(1, 64, 64), random_net()), Window.square(20, 20), LamSettings(side=64)
    )
    assert quick.effort == "quick (10 steps)"


def test_a_record_says_where_the_map_lies_and_how_it_was_made() -> None:
    view, window = view_of(cells(1, 128, 128), random_net()), Window(90, 70, 8, 12)
    result = found(view, window, SHORT)
    record = json.loads(json.dumps(describe_lam(result), allow_nan=False))
    assert record["window"] == {"y": 90, "x": 70, "height": 8, "width": 12}
    assert record["map"]["translate"] == [*result.translate]
    assert record["path"] == SHORT.model_dump()
    assert record["diffusion_index"] == result.diffusion_index
    assert record["reach_px"]["90%"] == result.reach(0.9)
    assert record["sum"] == pytest.approx(result.objective_gain * (1 + result.completeness_error))


def test_models_of_one_name_get_files_of_their_own() -> None:
    models = ["dgno-cell", "/a/my model.safetensors", "/b/my model.safetensors"]
    assert file_words(models) == ["dgno-cell", "my-model-2", "my-model-3"]


@pytest.mark.slow
def test_a_network_of_ours_is_explained() -> None:
    from dgno_core import load_model

    net = load_model("dgno-cell-small", "cpu")
    result = found(view_of(cells(1, 64, 64), net), Window.square(24, 24), SHORT)
    assert result.absolute[20:44, 20:44].sum() > 0.3 * result.absolute.sum()
    assert np.isfinite(result.attribution).all()
    assert abs(result.completeness_error) < 0.5
