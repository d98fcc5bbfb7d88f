"""EFCR as one term of a training step: it reblurs, runs the network again, and weighs.

The blurred image, blurred once more, makes the synthetic pairs (MPT paper, Sec. 3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from pydantic import Field, field_validator
from torch import Tensor
from torch.nn import functional as F

from dgno_core.base_config import BaseConfig
from dgno_core.losses.contrastive import efcr, efcr_ex, efcr_ex_unlabelled
from dgno_core.losses.contrastive_terms import Norm

LARGEST = 255  # pixels of a reblur kernel
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


Forward = Callable[[Tensor], Sequence[Tensor]]


class EFCR(BaseConfig):
    """Settings of the regularisation; calling it gives beta L_CR, to be added to a pixel loss.

    Each call draws a kernel size for every sample and runs the network once more, on the reblurred
    images, with gradients; for labelled extra data it runs it on the extra images too.

    Keep a pixel loss beside it. The ratio falls whenever its denominator grows, so by itself it
    rewards any change of a blurred image, right or wrong; ``docs/losses.md`` has the numbers.
    """

    beta: float = Field(1e-5, ge=0, le=1e6, description="weight of the regularisation")
    norm: Norm = Field("mean", description="of the absolute values")
    sizes: tuple[int, ...] = Field(SIZES, min_length=1, description="reblur kernels in pixels")
    sigma: float = Field(SIGMA, gt=0, le=100, description="of the reblur, in pixels")
    extended: bool = Field(True, description="with L_ext; without: V1 of the paper's ablation")

    @field_validator("sizes")
    @classmethod
    def _odd(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 3 <= size <= LARGEST or size % 2 == 0 for size in sizes):
            raise ValueError(f"kernel sizes are odd and from 3 to {LARGEST}, not {sizes}")
        return sizes

    def __call__(
        self,
        network: Forward,
        output: Tensor,
        target: Tensor,
        blurred: Tensor,
        generator: torch.Generator,
        *,
        extra_blurred: Tensor | None = None,
        extra_target: Tensor | None = None,
    ) -> Tensor:
        """Weighted regularisation of one training step.

        Parameters
        ----------
        network : callable
            Gives a list of tensors, coarse to fine; the last is the restored image.
        output : Tensor
            ``(B, C, Y, X)``: the last of ``network(blurred)``, which the pixel loss needs as well.
        target, blurred : Tensor
            ``(B, C, Y, X)``: the training pair.
        generator : torch.Generator
            Source of the kernel sizes.
        extra_blurred : Tensor, optional
            ``(B', C, Y', X')``: images of another kind, which turn EFCR into EFCR_ex.
        extra_target : Tensor, optional
            Their ground truth, if there is one; `output`, `target` and `blurred` are then left to
            the pixel loss. If there is none, B' is B.

        Returns
        -------
        Tensor
            Scalar, beta L_CR.

        Raises
        ------
        ValueError
            If the shapes do not fit, if there are extra targets without extra images, or if extra
            images have neither targets nor, without L_ext, any part in the loss.
        """
        if extra_blurred is None:
            if extra_target is not None:
                raise ValueError("extra targets were given without their blurred images")
            pair = self._reblurred(network, blurred, generator)
            return self.beta * efcr(output, target, blurred, *pair, norm=self.norm)
        pair = self._reblurred(network, extra_blurred, generator)
        if extra_target is not None:
            extra_output = network(extra_blurred)[-1]
            value = efcr_ex(extra_output, extra_target, extra_blurred, *pair, norm=self.norm)
            return self.beta * value
        again, restored = pair
        if again is None or restored is None:
            raise ValueError("unlabelled extra images serve L_ext alone, which is switched off")
        labelled = (output, target, blurred)
        value = efcr_ex_unlabelled(*labelled, extra_blurred, again, restored, norm=self.norm)
        return self.beta * value

    def _reblurred(
        self, network: Forward, images: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor] | tuple[None, None]:
        """The images blurred once more, and what the network makes of them."""
        if not self.extended:
            return None, None
        again = reblur(images, draw_sizes(len(images), generator, self.sizes), self.sigma)
        return again, network(again)[-1]
