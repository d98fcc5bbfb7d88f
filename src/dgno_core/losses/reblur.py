"""Blurring a blurred image once more: the synthetic pairs of EFCR (MPT paper, Sec. 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

SIZES = (3, 5, 7)
# The paper gives the sizes alone. The released code uses this sigma for all of them, which makes
# the kernels nearly flat: it is their size that sets the blur.
SIGMA = 10.0


def draw_sizes(
    count: int, generator: torch.Generator, sizes: Sequence[int] = SIZES
) -> tuple[int, ...]:
    """One kernel size for each sample, all equally likely.

    Parameters
    ----------
    count : int
        Number of samples.
    generator : torch.Generator
        Source of randomness; the same state gives the same sizes.
    sizes : sequence of int
        What to choose from.

    Returns
    -------
    tuple of int
    """
    drawn = torch.randint(len(sizes), (count,), generator=generator, device=generator.device)
    return tuple(sizes[index] for index in drawn.tolist())


def gaussian_window(size: int, sigma: float = SIGMA) -> Tensor:
    """A Gaussian cut off at `size` pixels.

    Parameters
    ----------
    size : int
        Odd number of pixels.
    sigma : float
        Standard deviation in pixels, above 0.

    Returns
    -------
    Tensor
        ``(size,)``, float64, sum 1.

    Raises
    ------
    ValueError
        If `size` is not an odd positive number or `sigma` not above 0.
    """
    if size < 1 or size % 2 == 0 or not sigma > 0:
        raise ValueError(f"a blur needs an odd size and a sigma above 0, not {size} and {sigma}")
    position = torch.arange(size, dtype=torch.float64) - size // 2
    window = torch.exp(-((position / sigma) ** 2) / 2)
    return window / window.sum()


def reblur(image: Tensor, sizes: int | Sequence[int], sigma: float = SIGMA) -> Tensor:
    """Blur each sample with a Gaussian window; beyond its border an image is mirrored.

    The mirror does not repeat the border pixel, as in the released code.

    Parameters
    ----------
    image : Tensor
        ``(B, C, Y, X)``, floating point, sides above half the largest size.
    sizes : int or sequence of int
        Odd size of the window in pixels: one for all, or one for each sample.
    sigma : float
        Standard deviation in pixels, above 0.

    Returns
    -------
    Tensor
        Same shape and dtype as `image`; differentiable.

    Raises
    ------
    ValueError
        If a size is not odd and positive, the number of sizes is not that of the samples, `sigma`
        is not above 0 or the image is smaller than the mirror needs.
    """
    batch, channels, height, width = image.shape
    each = [sizes] * batch if isinstance(sizes, int) else list(sizes)
    if len(each) != batch:
        raise ValueError(f"{len(each)} kernel sizes were given for {batch} samples")
    radius = max(each) // 2
    if min(height, width) <= radius:
        raise ValueError(
            f"an image of {height} x {width} pixels is too small to blur over {max(each)} pixels"
        )
    # Zeros around a small window leave its blur as it is, so one grouped convolution serves all.
    windows = [
        F.pad(gaussian_window(size, sigma), (radius - size // 2,) * 2).to(image) for size in each
    ]
    weight = torch.stack(windows).repeat_interleave(channels, dim=0)[:, None, :, None]
    planes = F.pad(image, (radius,) * 4, mode="reflect").flatten(0, 1)[None]
    groups = batch * channels
    across = F.conv2d(planes, weight, groups=groups)
    return F.conv2d(across, weight.transpose(-2, -1), groups=groups).view_as(image)
