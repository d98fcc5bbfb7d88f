from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dgno_core.losses.regularisation import SIZES, draw_sizes, gaussian_window, reblur


def reblur_loops(image: np.ndarray, size: int, sigma: float) -> np.ndarray:
    """Blur (Y, X) pixel by pixel, mirroring about the border pixel."""
    height, width = image.shape
    steps = range(-(size // 2), size // 2 + 1)

    def mirrored(i: int, side: int) -> int:
        return -i if i < 0 else 2 * (side - 1) - i if i >= side else i

    out = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            total = 0.0
            for dy in steps:
                for dx in steps:
                    weight = np.exp(-(dy**2 + dx**2) / (2 * sigma**2))
                    total += weight
                    out[y, x] += weight * image[mirrored(y + dy, height), mirrored(x + dx, width)]
            out[y, x] /= total
    return out


@given(st.lists(st.sampled_from(SIZES), min_size=1, max_size=3), st.floats(0.3, 20))
@settings(max_examples=15, deadline=None)
def test_each_sample_has_its_own_kernel(sizes: list[int], sigma: float) -> None:
    image = torch.randn(len(sizes), 2, 5, 9, dtype=torch.float64)
    blurred = reblur(image, sizes, sigma)
    for sample, one, size in zip(image, blurred, sizes, strict=True):
        for channel, plane in zip(sample, one, strict=True):
            expected = reblur_loops(channel.numpy(), size, sigma)
            np.testing.assert_allclose(plane.numpy(), expected, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_light_is_kept_and_so_is_the_type(dtype: torch.dtype) -> None:
    blurred = reblur(torch.full((2, 3, 8, 8), 0.5, dtype=dtype), (3, 7))
    assert blurred.dtype == dtype
    torch.testing.assert_close(blurred, torch.full_like(blurred, 0.5), atol=4e-3, rtol=0)


def test_one_size_serves_all_and_gradients_pass() -> None:
    image = torch.randn(2, 1, 6, 6, dtype=torch.float64, requires_grad=True)
    assert torch.equal(reblur(image, 5), reblur(image, (5, 5)))
    assert torch.autograd.gradcheck(lambda t: reblur(t, (3, 5), 1.5), (image,))


def test_drawn_sizes_repeat_with_the_generator_and_are_all_as_likely() -> None:
    first = draw_sizes(3000, torch.Generator().manual_seed(4))
    assert first == draw_sizes(3000, torch.Generator().manual_seed(4))
    assert first != draw_sizes(3000, torch.Generator().manual_seed(5))
    assert all(900 < first.count(size) < 1100 for size in SIZES)
    state = torch.get_rng_state()
    draw_sizes(3, torch.Generator().manual_seed(0))
    assert torch.equal(state, torch.get_rng_state()), "the global generator must not be touched"


def test_what_cannot_be_blurred_is_refused() -> None:
    image = torch.zeros(2, 1, 3, 9)
    with pytest.raises(ValueError, match="too small"):
        reblur(image, 7)
    with pytest.raises(ValueError, match="3 kernel sizes"):
        reblur(image, (3, 3, 3))
    for size, sigma in ((4, 1.0), (0, 1.0), (3, 0.0), (3, float("nan"))):
        with pytest.raises(ValueError, match="odd size"):
            gaussian_window(size, sigma)
