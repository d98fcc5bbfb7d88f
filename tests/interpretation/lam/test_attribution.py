"""Attributions against loops in float64, and what they must be for networks that are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dgno_core.errors import DGNOError
from dgno_core.interpretation.lam import Window
from dgno_core.interpretation.lam.attribution import (
    Integral,
    blur,
    blur_kernel,
    blur_path,
    completeness_error,
    edge_strength,
    gradient_magnitude,
    integrate,
    normalised_map,
    step_gradient,
    undisturbed,
)
from dgno_core.interpretation.lam.result import diffusion_index, gini
from support.lam_net import REACH, loop_attribution, loop_blur, loop_edges, random_net


def follow(
    net: nn.Module, image: np.ndarray, box: Window, *, eps: float = 1e-12, **path: float
) -> Integral:
    """Run `integrate` to its end."""
    work = integrate(net, image, lambda output: edge_strength(output, box, eps), **path)  # type: ignore[arg-type]
    while True:
        try:
            next(work)
        except StopIteration as finished:
            return finished.value  # type: ignore[no-any-return]


def noise(channels: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((channels, *shape)).astype(np.float32)


class Same(nn.Module):
    """A network that does nothing, in the way ours answer."""

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [x * 1]


@pytest.mark.parametrize(("channels", "size"), [(1, 3), (3, 5)])
def test_blur_is_that_of_loops_also_at_the_border(channels: int, size: int) -> None:
    image = noise(channels, 7, 9).astype(np.float64)
    np.testing.assert_allclose(blur(image, 1.3, size), loop_blur(image, 1.3, size), atol=1e-12)


def test_the_path_ends_at_the_image_and_its_derivative_sums_to_the_way() -> None:
    image = noise(1, 20, 24)
    points, speeds = zip(*blur_path(image, 2.0, 7, 9), strict=True)
    assert len(points) == 7
    np.testing.assert_array_equal(points[-1], image)
    way = image - blur(image, 2.0, 9)
    np.testing.assert_allclose(np.sum(speeds, axis=0) / 7, way, atol=1e-6)


@pytest.mark.parametrize("size", [2, 8, 0])
def test_kernels_without_a_middle_are_refused(size: int) -> None:
    with pytest.raises(DGNOError, match="odd side"):
        blur_kernel(1.2, size)
    with pytest.raises(DGNOError, match="odd side"):
        next(blur_path(noise(1, 9, 9), 1.2, 5, size))


@pytest.mark.parametrize("box", [(3, 4, 5, 6), (0, 0, 2, 3), (8, 10, 4, 4)])
def test_edges_are_summed_as_loops_do_also_in_the_last_row(box: tuple[int, int, int, int]) -> None:
    image = torch.from_numpy(noise(2, 12, 14)).double()
    found = edge_strength(image[None], Window(*box), 1e-3)
    torch.testing.assert_close(found, loop_edges(image, box, 1e-3))
    whole = gradient_magnitude(image, 1e-3)
    assert whole.shape == (2, 11, 13)
    torch.testing.assert_close(edge_strength(image, Window(0, 0, 12, 14), 1e-3), whole.sum())


@pytest.mark.parametrize(("channels", "eps"), [(1, 0.0), (3, 1e-12)])
def test_attributions_are_those_of_loops_in_float64(channels: int, eps: float) -> None:
    image, box = noise(channels, 13, 15), (4, 6, 5, 4)
    path = {"sigma": 1.2, "steps": 3, "size": 5}
    found = follow(random_net(channels), image, Window(*box), eps=eps, **path)
    exact = random_net(channels).double()
    expected = loop_attribution(exact, image, box, eps=eps, **path)  # type: ignore[arg-type]
    # The derivative of an edge |g| is g / |g|, and a weak edge turns with the last digit of single
    # precision. How far that goes, the image itself tells when its last digits change.
    flips = np.random.default_rng(1).choice([-6e-8, 6e-8], (4, *image.shape)).astype(np.float32)
    net, where = random_net(channels), Window(*box)
    others = [follow(net, image * (1 + flip), where, eps=eps, **path) for flip in flips]
    moved = max(np.abs(other.attribution - found.attribution).max() for other in others)
    assert moved < 1e-5
    np.testing.assert_allclose(found.attribution, expected, atol=4 * moved)
    output = exact(torch.from_numpy(image).double()[None])[-1][0]
    np.testing.assert_allclose(found.restored, output.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(found.objective[-1], loop_edges(output, box, eps).item(), rtol=1e-5)


def test_gradients_are_those_of_finite_differences() -> None:
    net, image, box = random_net().double(), noise(1, 12, 12).astype(np.float64), Window(3, 4, 5, 5)

    def objective(output: torch.Tensor) -> torch.Tensor:
        return edge_strength(output, box, 1e-12)

    step = step_gradient(net, image, objective)
    for y, x in [(5, 6), (3, 4), (1, 5), (11, 11)]:
        bump = np.zeros_like(image)
        bump[0, y, x] = 1e-6
        up, down = (step_gradient(net, image + s * bump, objective).objective for s in (1, -1))
        assert step.gradient[0, y, x] == pytest.approx((up - down) / 2e-6, abs=1e-6)


def test_attribution_ends_where_the_network_no_longer_sees_the_box() -> None:
    box = Window(12, 20, 6, 4)
    found = follow(random_net(), noise(1, 40, 44), box, steps=4).attribution[0]
    seen = np.zeros(found.shape, bool)
    seen[12 - REACH : 18 + 1 + REACH, 20 - REACH : 24 + 1 + REACH] = True
    assert not found[~seen].any()
    edge = found[seen].reshape(6 + 1 + 2 * REACH, 4 + 1 + 2 * REACH)
    assert edge[0].any()
    assert edge[-1].any()
    assert edge[:, 0].any()
    assert edge[:, -1].any()


def test_nothing_is_missing_and_the_error_falls_with_the_steps() -> None:
    image, box = noise(1, 32, 32, seed=3), Window(10, 10, 12, 12)
    errors = []
    for steps in (5, 10, 20, 40):
        found = follow(random_net(), image, box, steps=steps)
        gain = found.objective[-1] - found.objective_blurred
        errors.append(abs(completeness_error(found.attribution, gain)))
    assert errors[-1] < 0.02
    assert all(after < 0.7 * before for before, after in pairwise(errors))


def test_the_papers_objective_loses_flat_regions_and_eps_keeps_them() -> None:
    image = np.zeros((1, 32, 32), np.float32)
    image[0, 8:24, 8:24] = 1
    box = Window(0, 0, 32, 32)
    paper = step_gradient(Same(), image, lambda output: edge_strength(output, box))
    kept = step_gradient(Same(), image, lambda output: edge_strength(output, box, 1e-12))
    assert paper.nan_zeroed > 500  # of 1024
    assert kept.nan_zeroed == 0
    assert np.isfinite(paper.gradient).all()
    assert np.isfinite(kept.gradient).all()
    # Even at the edges of the square: each of its pixels has a flat neighbour.
    assert np.abs(kept.gradient).sum() > np.abs(paper.gradient).sum()


def test_a_model_is_left_as_it_was_whatever_happens() -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Dropout(), nn.Sequential(nn.Dropout()))
    net[2].eval()
    net[0].bias.requires_grad_(False)

    def state() -> list[bool]:
        return [m.training for m in net.modules()] + [p.requires_grad for p in net.parameters()]

    before = state()

    def fail() -> None:
        with undisturbed(net):
            assert not any(state())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert state() == before


def test_gradients_are_found_although_the_caller_wants_none() -> None:
    net, image, box = random_net(), noise(1, 16, 16), Window(4, 4, 6, 6)
    expected = follow(net, image, box, steps=2).attribution
    for mode in (torch.no_grad(), torch.inference_mode()):
        with mode:
            found = follow(net, image, box, steps=2).attribution
        np.testing.assert_array_equal(found, expected)


def test_parameters_get_no_gradient() -> None:
    net = random_net()
    follow(net, noise(1, 16, 16), Window(4, 4, 6, 6), steps=2)
    assert all(parameter.grad is None for parameter in net.parameters())


def test_colours_are_added_before_the_magnitude_is_taken() -> None:
    attribution = np.array([[[2.0, 1.0]], [[-2.0, 1.0]], [[0.0, -6.0]]])
    np.testing.assert_array_equal(normalised_map(attribution), [[0.0, -1.0]])
    np.testing.assert_array_equal(normalised_map(np.zeros((1, 2, 2))), np.zeros((2, 2)))


def test_completeness_without_gain_is_unknown() -> None:
    assert np.isnan(completeness_error(np.ones(3), 0.0))
    assert completeness_error(np.ones(3), 2.0) == 0.5
    assert completeness_error(np.ones(3), -2.0) == 2.5


values = st.lists(st.floats(0, 1e3), min_size=2, max_size=40).filter(lambda v: max(v) > 1e-2)


@given(values, st.randoms(use_true_random=False))
def test_gini_is_the_mean_difference_over_twice_the_mean(numbers: list[float], rng: object) -> None:
    floored = np.array(numbers) + 1e-7
    difference = np.abs(floored[:, None] - floored).mean()
    assert gini(numbers) == pytest.approx(difference / (2 * floored.mean()), abs=1e-9)
    assert 0 <= gini(numbers) + 1e-12 < 1
    shuffled = list(numbers)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert gini(shuffled) == pytest.approx(gini(numbers))
    assert diffusion_index(np.reshape(numbers, (1, -1))) == 100 * (1 - gini(numbers))
