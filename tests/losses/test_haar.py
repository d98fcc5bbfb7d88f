from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dgno_core.losses.contrastive_terms import haar

sides = st.integers(2, 9)


def haar_loops(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bands of (B, C, Y, X), coefficient by coefficient; mirrors the last pixel but one."""
    batch, channels, height, width = image.shape
    half = (-(-height // 2), -(-width // 2))
    low, high = np.zeros((batch, channels, *half)), np.zeros((batch, channels, 3, *half))
    signs = ((1, 1, -1, -1), (1, -1, 1, -1), (1, -1, -1, 1))
    for b, c, y, x in itertools.product(range(batch), range(channels), *map(range, half)):
        block = []
        for dy, dx in itertools.product((0, 1), (0, 1)):
            row = 2 * y + dy if 2 * y + dy < height else height - 2
            column = 2 * x + dx if 2 * x + dx < width else width - 2
            block.append(image[b, c, row, column])
        low[b, c, y, x] = sum(block) / 2
        for band, sign in enumerate(signs):
            high[b, c, band, y, x] = sum(s * v for s, v in zip(sign, block, strict=True)) / 2
    return low, high


@given(sides, sides, st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_equals_plain_loops_for_even_and_odd_sides(height, width, seed) -> None:
    image = np.random.default_rng(seed).normal(size=(2, 3, height, width))
    for ours, loops in zip(haar(torch.from_numpy(image)), haar_loops(image), strict=True):
        np.testing.assert_allclose(ours.numpy(), loops, atol=1e-14)


def test_orthonormal() -> None:
    image = torch.randn(2, 3, 8, 12, dtype=torch.float64)
    low, high = haar(image)
    energy = low.square().sum((1, 2, 3)) + high.square().sum((1, 2, 3, 4))
    torch.testing.assert_close(energy, image.square().sum((1, 2, 3)))


def test_each_high_band_sees_one_direction() -> None:
    y, x = torch.meshgrid(torch.arange(6.0), torch.arange(6.0), indexing="ij")
    rows, columns, checks = ((-1) ** pattern for pattern in (y, x, x + y))
    images = torch.stack([rows, columns, checks])[:, None]
    low, high = haar(images)
    assert not low.any()
    torch.testing.assert_close(high[:, 0, :, 0, 0], 2 * torch.eye(3))


@pytest.mark.parametrize("size", [(6, 8), (5, 7)])
def test_gradients(size: tuple[int, int]) -> None:
    image = torch.randn(1, 2, *size, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(haar, (image,))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32])
def test_narrow_types_neither_overflow_nor_round(dtype: torch.dtype) -> None:
    image = torch.full((1, 1, 4, 4), 200, dtype=dtype)
    image[..., 0, 0] = 199
    low, high = haar(image)
    assert low.dtype == high.dtype == torch.float32
    assert low.flatten().tolist() == [399.5, 400, 400, 400]
    assert high[0, 0, :, 0, 0].tolist() == [-0.5] * 3


def test_one_pixel_has_no_bands() -> None:
    with pytest.raises(ValueError, match="1 x 4"):
        haar(torch.zeros(1, 1, 1, 4))
