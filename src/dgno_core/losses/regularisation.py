"""EFCR as one term of a training step: it reblurs, runs the network again, and weighs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from pydantic import Field, field_validator
from torch import Tensor

from dgno_core.base_config import BaseConfig
from dgno_core.losses.contrastive import efcr, efcr_ex, efcr_ex_unlabelled
from dgno_core.losses.contrastive_terms import Norm
from dgno_core.losses.reblur import SIGMA, SIZES, draw_sizes, reblur

LARGEST = 255  # pixels of a reblur kernel

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
