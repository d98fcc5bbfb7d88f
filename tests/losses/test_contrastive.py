from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dgno_core.losses import efcr, efcr_ex, efcr_ex_unlabelled
from dgno_core.losses.contrastive_terms import (
    EPSILON,
    contrastive_ratio,
    extended_term,
    negative_term,
    positive_term,
)

Loss = Callable[..., Tensor]
LOSSES: list[Loss] = [efcr, efcr_ex]
seeds = st.integers(0, 2**31)


def images(
    batch: int = 2, channels: int = 1, size: tuple[int, int] = (6, 8), seed: int = 0
) -> list[Tensor]:
    """Output, target, blurred, reblurred, output of the reblurred."""
    g = torch.Generator().manual_seed(seed)
    shape = (batch, channels, *size)
    return [torch.rand(shape, generator=g, dtype=torch.float64) for _ in range(5)]


def bands(image: np.ndarray) -> tuple[list[float], list[float]]:
    """Low and high coefficients of one sample (C, Y, X) with even sides."""
    low, high = [], []
    for plane in image:
        for y in range(0, plane.shape[0], 2):
            for x in range(0, plane.shape[1], 2):
                (a, b), (c, d) = plane[y : y + 2, x : x + 2]
                low.append((a + b + c + d) / 2)
                high += [(a + b - c - d) / 2, (a - b + c - d) / 2, (a - b - c + d) / 2]
    return low, high


def loss_loops(five: list[Tensor], norm: str, low_too: bool, extended: bool) -> float:
    """Eqs. 4-7 (or 8-10) as the paper writes them: bands first, then their distances."""
    total = 0.0

    def distance(one: list[float], other: list[float], norm: str) -> float:
        value = sum(abs(p - q) for p, q in zip(one, other, strict=True))
        return value / len(one) if norm == "mean" else value

    for sample in zip(*(t.numpy() for t in five), strict=True):
        out, sharp, blur, again, restored = (bands(image) for image in sample)
        positive = distance(out[1], sharp[1], norm)
        if low_too:
            positive += distance(out[0], sharp[0], norm)
        negative = distance(out[1], blur[1], norm)
        if extended:
            moved = distance(restored[1], again[1], norm)
            negative += moved / distance(blur[1], again[1], norm)
        total += positive / negative
    return total / len(five[0])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("norm", ["mean", "sum"])
@pytest.mark.parametrize("extended", [True, False])
def test_equals_the_papers_formulas_in_plain_loops(loss, norm, extended) -> None:
    five = images(batch=3, channels=3)
    value = loss(*(five if extended else five[:3]), norm=norm)
    expected = loss_loops(five, norm, low_too=loss is efcr, extended=extended)
    assert value.item() == pytest.approx(expected, rel=1e-5)


def test_unlabelled_extra_data_enter_the_extension_alone() -> None:
    output, target, blurred, *_ = images()
    # Another domain: three channels, another size.
    *_, extra, again, restored = images(channels=3, size=(10, 4), seed=1)
    expected = 0.0
    for i in range(2):
        positive = positive_term(output, target)[i]
        negative = negative_term(output, blurred)[i] + extended_term(extra, again, restored)[i]
        expected += float(positive / negative) / 2
    value = efcr_ex_unlabelled(output, target, blurred, extra, again, restored)
    assert value.item() == pytest.approx(expected, rel=1e-5)
    # With the labelled images as the extra ones, it is EFCR itself.
    five = images()
    assert torch.equal(efcr_ex_unlabelled(*five[:3], *five[2:]), efcr(*five))


@given(st.integers(1, 4), seeds, st.sampled_from(LOSSES), st.sampled_from(["mean", "sum"]))
@settings(max_examples=30, deadline=None)
def test_a_batch_costs_the_mean_of_its_samples(batch, seed, loss, norm) -> None:
    five = images(batch=batch, seed=seed)
    # Samples of unlike contrast: the ratio of the means would be another number.
    five = [t * torch.arange(1, batch + 1).view(-1, 1, 1, 1) for t in five]
    singles = [loss(*(t[i : i + 1] for t in five), norm=norm) for i in range(batch)]
    torch.testing.assert_close(loss(*five, norm=norm), torch.stack(singles).mean())


@given(seeds, st.floats(-5, 5), st.sampled_from(LOSSES))
@settings(max_examples=30, deadline=None)
def test_neither_offset_nor_orientation_matters(seed, offset, loss) -> None:
    five = images(seed=seed)
    value = loss(*five)
    torch.testing.assert_close(loss(*(t + offset for t in five)), value)
    for turned in (
        [t.flip(-1) for t in five],
        [t.flip(-2) for t in five],
        [t.transpose(-2, -1) for t in five],
    ):
        torch.testing.assert_close(loss(*turned), value)


@given(seeds, st.floats(0.01, 100))
@settings(max_examples=30, deadline=None)
def test_contrast_matters_to_the_terms_but_not_to_the_extension(seed, factor) -> None:
    output, target, blurred, again, restored = images(seed=seed)
    ratio = extended_term(blurred, again, restored)
    scaled = extended_term(*(t * factor for t in (blurred, again, restored)))
    torch.testing.assert_close(scaled, ratio, rtol=1e-4, atol=0)
    for term in (positive_term, negative_term):
        torch.testing.assert_close(
            term(output * factor, target * factor), term(output, target) * factor
        )


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_only_the_low_band_separates_the_two_losses(seed) -> None:
    output, target, *rest = images(seed=seed)
    brighter = target + 0.25  # the high bands do not see it
    torch.testing.assert_close(efcr_ex(output, brighter, *rest), efcr_ex(output, target, *rest))
    assert efcr(target, brighter, *rest) > 0
    assert efcr_ex(target, brighter, *rest) < 1e-12


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("norm", ["mean", "sum"])
def test_gradients(loss: Loss, norm: str) -> None:
    output, target, blurred, again, restored = images(size=(4, 5))
    learnt = (output.requires_grad_(), restored.requires_grad_())
    assert torch.autograd.gradcheck(
        lambda out, out_again: loss(out, target, blurred, again, out_again, norm=norm), learnt
    )


def test_gradients_with_unlabelled_extra_data() -> None:
    output, target, blurred, *_ = images(size=(4, 4))
    extra, again, restored, *_ = images(size=(6, 4), seed=2)
    learnt = (output.requires_grad_(), restored.requires_grad_())
    assert torch.autograd.gradcheck(
        lambda out, out_again: efcr_ex_unlabelled(out, target, blurred, extra, again, out_again),
        learnt,
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("norm", ["mean", "sum"])
@pytest.mark.parametrize("which", ["all one image", "flat", "perfect", "untouched", "no reblur"])
def test_degenerate_batches_stay_finite(loss: Loss, norm: str, which: str) -> None:
    output, target, blurred, again, restored = (t.float() for t in images(size=(64, 64)))
    if which == "all one image":
        target = blurred = again = restored = output
    elif which == "flat":
        output, target, blurred, again, restored = (
            torch.full_like(output, level) for level in (0.1, 0.9, 0.5, 0.5, 0.3)
        )
    elif which == "perfect":
        output = target
    elif which == "untouched":  # a network that does nothing
        output, restored = blurred, again
    else:
        again = blurred
    output, restored = (t.clone().requires_grad_() for t in (output, restored))
    value = loss(output, target, blurred, again, restored, norm=norm)
    value.backward()
    assert torch.isfinite(value)
    for learnt in (output, restored):
        assert learnt.grad is not None
        assert torch.isfinite(learnt.grad).all()
    if which in ("all one image", "perfect"):
        assert value == 0


def test_half_precision_is_computed_in_single() -> None:
    five = [t.to(torch.bfloat16) for t in images(size=(64, 64))]
    value = efcr(*five)
    assert value.dtype == torch.float32
    exact = efcr(*(t.double() for t in five))
    assert value.item() == pytest.approx(exact.item(), rel=5e-3)


def test_what_does_not_fit_is_refused() -> None:
    output, target, blurred, again, restored = images()
    colour = output.expand(-1, 3, -1, -1)
    with pytest.raises(ValueError, match="cannot be compared"):
        efcr(output, colour, blurred)
    with pytest.raises(ValueError, match="cannot be compared"):
        efcr_ex(output, target, colour)
    with pytest.raises(ValueError, match="cannot be compared"):
        efcr(output, target, blurred, again, restored[:1])
    with pytest.raises(ValueError, match="needs both"):
        efcr(output, target, blurred, again)
    with pytest.raises(ValueError, match="needs both"):
        efcr_ex(output, target, blurred, output_of_reblurred=restored)
    with pytest.raises(ValueError, match="same length"):
        efcr_ex_unlabelled(output, target, blurred, blurred[:1], again[:1], restored[:1])
    with pytest.raises(ValueError, match="mean, sum"):
        efcr(output, target, blurred, norm="median")  # type: ignore[arg-type]


def test_a_zero_denominator_is_held_by_epsilon() -> None:
    zero, one = torch.zeros(1), torch.ones(1)
    assert contrastive_ratio(one, zero).item() == pytest.approx(1 / EPSILON)
    assert contrastive_ratio(one, zero, one).item() == pytest.approx(1)
