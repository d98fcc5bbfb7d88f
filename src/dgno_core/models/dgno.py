"""The DGNO network (paper Fig. 3): lift an image, then iterate the DG operators.

Four levels of lifting (width w at full size to 8 w at an eighth), three scales of operators and
of outputs; coarse to fine: quarter, half, full.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from dgno_core.encoders.lifting import Lifting
from dgno_core.layers.operator import OperatorLayer
from dgno_core.layers.resampling import Upsample, input_pyramid
from dgno_core.models.config import DGNOConfig
from dgno_core.models.network import Network


class DGNO(Network):
    """Discontinuous Galerkin neural operator for images.

    Parameters
    ----------
    config : DGNOConfig
        Architecture.
    """

    config: DGNOConfig
    scales: ClassVar[int] = 3

    def __init__(self, config: DGNOConfig) -> None:
        super().__init__(config)
        w = config.width
        # All lists run coarse to fine.
        widths = (4 * w, 2 * w, w)
        self.lifting = Lifting(
            config.channels, w, config.lifting, config.blocks, config.shallow_activation
        )
        self.ups = nn.ModuleList(Upsample(2 * width) for width in widths)
        self.fusions = nn.ModuleList(nn.Conv2d(2 * width, width, 1, bias=False) for width in widths)
        self.operators = nn.ModuleList(_operators(config, width) for width in widths)
        self.heads = nn.ModuleList(
            nn.Conv2d(width, config.channels, 3, padding=1, bias=width != w) for width in widths
        )

    def restore(self, image: Tensor) -> list[Tensor]:
        """Restore an image whose sides are multiples of ``config.multiple``.

        Parameters
        ----------
        image : Tensor
            ``(B, C, Y, X)``.

        Returns
        -------
        list of Tensor
            The restored image at a quarter, half and full of the size.
        """
        pyramid = input_pyramid(image)
        features = self.lifting(pyramid)
        z = features.pop()
        outputs = []
        for up, fuse, operator, head in zip(
            self.ups, self.fusions, self.operators, self.heads, strict=True
        ):
            z = operator(fuse(torch.cat([up(z), features.pop()], dim=1)))
            outputs.append(head(z) + pyramid[len(features)])
        return outputs


def _operators(config: DGNOConfig, width: int) -> nn.Sequential:
    """The T operator layers of one scale, with separate weights."""
    return nn.Sequential(
        *(
            OperatorLayer(
                width,
                config.heads,
                config.spec,
                element=None if config.formulation == "global" else config.element,
                learn_tau=config.learn_tau,
            )
            for _ in range(config.iterations)
        )
    )
