"""Our attribution maps are those of the method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from dgno_core.interpretation.lam import LamFound, LamSettings, Window, lam_events
from dgno_core.interpretation.lam.attribution import (
    blur,
    blur_kernel,
    blur_path,
    blur_widths,
    edge_strength,
    gradient_magnitude,
    step_gradient,
)
from dgno_core.interpretation.lam.result import gini
from support.lam_net import net_of, view_of
from support.ledger import Arrays, every_array_of
from support.shared import load_fixture, needs_fixtures

PAPER = LamSettings(effort="full", eps=0)


def run(arrays: Mapping[str, np.ndarray], prefix: str, settings: LamSettings) -> LamFound:
    """The map of a fixture image by the generator that everybody uses."""
    window = Window.square(*map(int, arrays[f"{prefix}_window_hw"]))
    view = view_of(arrays[f"{prefix}_image"], net_of(arrays, prefix))
    last = list(lam_events(view, window, settings))[-1]
    assert isinstance(last, LamFound)
    return last


@needs_fixtures
def test_every_array_of_the_fixture_agrees() -> None:
    with every_array_of("lam_small") as arrays:
        sigma, size = float(arrays["g_sigma"]), int(arrays["g_ksize"])
        check_path(arrays, sigma, size)
        check_objective(arrays, sigma, size)
        check_grey_map(arrays, sigma, size)
        check_colour_map(arrays)
        for name in ("ones", "onehot10", "ramp5", "neg", "u"):
            arrays.agree(f"gini_out_{name}", gini(arrays[f"gini_in_{name}"]), atol=1e-12)


def check_path(arrays: Arrays, sigma: float, size: int) -> None:
    fold = int(arrays["g_fold"])
    kernels = [blur_kernel(width, size) for width in blur_widths(sigma, fold)]
    arrays.agree("g_kernels", kernels, atol=1e-12)
    for prefix in "gc":
        fold = int(arrays[f"{prefix}_fold"])
        points, speeds = zip(*blur_path(arrays[f"{prefix}_image"], sigma, fold, size), strict=True)
        arrays.agree(f"{prefix}_path", points, atol=1e-5)
        arrays.agree(f"{prefix}_dpath", speeds, atol=1e-5)


def check_objective(arrays: Arrays, sigma: float, size: int) -> None:
    net, box = net_of(arrays, "g"), Window.square(*map(int, arrays["g_window_hw"]))
    image = arrays["g_image"]
    output, blurred = (
        net(torch.from_numpy(each.astype(np.float32))[None])[-1][0].detach()
        for each in (image, blur(image, sigma, size))
    )
    arrays.agree("g_output", output, atol=1e-5)
    arrays.agree("g_gradmap", gradient_magnitude(output), atol=1e-5)
    arrays.agree("g_obj_image", edge_strength(output, box), rtol=1e-5)
    arrays.agree("g_obj_baseline", edge_strength(blurred, box), rtol=1e-5)


def check_grey_map(arrays: Arrays, sigma: float, size: int) -> None:
    net, box = net_of(arrays, "g"), Window.square(*map(int, arrays["g_window_hw"]))
    products = [
        step_gradient(net, point, lambda output: edge_strength(output, box)).gradient * speed
        for point, speed in blur_path(arrays["g_image"], sigma, int(arrays["g_fold"]), size)
    ]
    # The mean over all 50 of them has to agree to 1e-5, below; each by itself was scaled by 50.
    arrays.agree("g_grad_x_dpath", products, atol=5e-5)
    found = run(arrays, "g", PAPER).attribution
    arrays.agree("g_objective", found.objective, rtol=1e-5)
    np.testing.assert_allclose(found.objective_blurred, arrays["g_obj_baseline"], rtol=1e-5)
    arrays.agree("g_accum", found.attribution, atol=1e-5)
    arrays.agree("g_lam_abs", found.absolute, atol=1e-5)
    arrays.agree("g_lam_signed", found.signed, atol=1e-5)
    arrays.agree("g_gini", found.gini, atol=1e-6)
    arrays.agree("g_DI", found.diffusion_index, atol=1e-4)
    assert found.nan_zeroed == 0
    assert (found.steps, found.effort) == (50, "full (50 steps)")
    for fold in (5, 10, 20, 100):
        settings = PAPER.changed(steps=fold)
        arrays.agree(
            f"g_DI_fold{fold}", run(arrays, "g", settings).attribution.diffusion_index, atol=1e-4
        )


def check_colour_map(arrays: Arrays) -> None:
    found = run(arrays, "c", PAPER.changed(steps=int(arrays["c_fold"]))).attribution
    arrays.agree("c_objective", found.objective, rtol=1e-5)
    arrays.agree("c_accum", found.attribution, atol=1e-5)
    arrays.agree("c_lam_abs", found.absolute, atol=1e-5)
    arrays.agree("c_lam_signed", found.signed, atol=1e-5)
    arrays.agree("c_gini", found.gini, atol=1e-6)
    arrays.agree("c_DI", found.diffusion_index, atol=1e-4)


@needs_fixtures
def test_completeness_is_that_of_the_method() -> None:
    """Numbers of the method's description: the sum of all attributions for 5 to 100 steps."""
    arrays = load_fixture("lam_small")
    sums = {5: 13.992, 10: 13.348, 20: 12.946, 50: 12.7093, 100: 12.627}
    gain = 12.5412
    for steps, total in sums.items():
        found = run(arrays, "g", PAPER.changed(steps=steps)).attribution
        np.testing.assert_allclose(found.attribution.sum(), total, atol=6e-4)
        np.testing.assert_allclose(found.objective_gain, gain, atol=1e-4)
        np.testing.assert_allclose(found.completeness_error, total / gain - 1, atol=1e-4)
