"""Every number of the fixture: the bands, the terms, the paper's loss and the released one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from dgno_core.losses import efcr, efcr_ex
from dgno_core.losses.contrastive_terms import (
    EPSILON,
    Norm,
    extended_term,
    haar,
    negative_term,
    positive_term,
)
from dgno_core.losses.regularisation import SIZES, gaussian_window, reblur
from support.shared import load_fixture, needs_fixtures

pytestmark = needs_fixtures
TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}  # bands and images are float32 of order 1
INPUTS = {"gt", "blur", "out"} | {f"k{size}/Bout" for size in SIZES}
RELEASED_WEIGHT = 5e-4


def batch_l1(output: Tensor, other: Tensor, norm: Norm) -> tuple[Tensor, Tensor]:
    """Low and high distance over the whole batch at once, as the released code takes them."""
    high = negative_term(output, other, norm=norm)
    low = positive_term(output, other, norm=norm) - high
    return (low.mean(), high.mean()) if norm == "mean" else (low.sum(), high.sum())


def released_extension(output: Tensor, blurred: Tensor, reblurred: Tensor) -> Tensor:
    """The released L_ext without its colour jitter: one ratio a batch, of I^out, not of B^out."""
    moved = negative_term(output, reblurred, norm="sum").sum()
    return 0.1 * moved / negative_term(blurred, reblurred, norm="sum").sum()


def ours(images: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """What the package computes from the fixture's images, under the fixture's names."""
    target, blurred, output = images["gt"], images["blur"], images["out"]
    low, high = haar(blurred)
    yield "haar_LL_of_blur", low
    yield "haar_high_of_blur", high
    yield "reblur15_sigma20", reblur(blurred, 15, 20)
    norms: tuple[Norm, ...] = ("mean", "sum")
    for norm in norms:
        low_target, high_target = batch_l1(output, target, norm)
        yield f"{norm}_l1_low_out_gt", low_target
        yield f"{norm}_l1_high_out_gt", high_target
        yield f"{norm}_l1_high_out_blur", batch_l1(output, blurred, norm)[1]
    positive = positive_term(output, target).mean()
    negative = negative_term(output, blurred).mean()
    yield "official_cl_pos", positive
    yield "official_cl_neg", negative
    yield "official_cl_loss_no_ext", positive / (negative + EPSILON)
    # |(I^in - B^in) - (I^out - B^in)|: the reblur cancels.
    again = reblur(blurred, 15, 20)
    yield "official_FRCL_cl_res", negative_term(blurred - again, output - again).mean()
    for size in SIZES:
        again, restored = reblur(blurred, size), images[f"k{size}/Bout"]
        extended = (blurred, again, restored)
        yield f"k{size}/reblur_sigma10", again
        whole = negative_term(restored, again, norm="sum").sum()
        whole = whole / negative_term(blurred, again, norm="sum").sum()
        yield f"k{size}/paper_Lext_ratio_whole_batch", whole
        for sample, ratio in enumerate(extended_term(*extended)):
            yield f"k{size}/paper_Lext_ratio_sample{sample}", ratio
        yield f"k{size}/paper_LCR_meannorm", efcr(output, target, *extended)
        yield f"k{size}/paper_LCR_sumnorm", efcr(output, target, *extended, norm="sum")
        yield f"k{size}/paper_LCRex_meannorm", efcr_ex(output, target, *extended)
        extension = released_extension(output, blurred, again)
        yield f"k{size}/official_cl_res_et_noaug", extension
        total = RELEASED_WEIGHT * positive / (negative + extension + EPSILON)
        yield f"k{size}/official_total_noaug_weight5e-4", total


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_array_agrees(channels: int, dtype: torch.dtype) -> None:
    fixture = {
        key.removeprefix(f"c{channels}/"): torch.as_tensor(value)
        for key, value in load_fixture("efcr_terms").items()
        if key.startswith(f"c{channels}/")
    }
    images = {name: fixture.pop(name).to(dtype) for name in INPUTS}
    seen = set()
    for name, value in ours(images):
        scalar = fixture[name].ndim == 0
        tolerance = {"rtol": 1e-5, "atol": 0.0} if scalar else TOLERANCE
        torch.testing.assert_close(
            value.double(), fixture[name].double(), **tolerance, msg=lambda m, n=name: f"{n}: {m}"
        )
        seen.add(name)
    assert seen == fixture.keys(), "a number of the fixture was left out"


def test_blur_windows_agree() -> None:
    fixture = load_fixture("efcr_terms")
    names = {key for key in fixture if not key.startswith("c")}
    assert names == {f"blur_kernel1d_k{size}_sigma10" for size in SIZES}
    for size in SIZES:
        expected = torch.as_tensor(fixture[f"blur_kernel1d_k{size}_sigma10"]).double()
        torch.testing.assert_close(gaussian_window(size, 10), expected, rtol=1e-6, atol=0)
