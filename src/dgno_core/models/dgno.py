"""The DGNO network (paper Fig. 3): lift with a Mamba encoder, then iterate the DG operators.

Four levels of lifting (width w at full size to 8 w at an eighth), three scales of operators and
of outputs; coarse to fine: quarter, half, full.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgno_core.encoders.mambair import MambaBlock
from dgno_core.layers.operator import OperatorLayer
from dgno_core.layers.resampling import Downsample, Upsample, input_pyramid
from dgno_core.layers.shallow import Merge, ShallowFeatures
from dgno_core.models.card import ModelCard
from dgno_core.models.config import DGNOConfig

MINIMUM_SIDE = 16


class DGNO(nn.Module):
    """Discontinuous Galerkin neural operator for images.

    Parameters
    ----------
    config : DGNOConfig
        Architecture.

    Attributes
    ----------
    card : ModelCard or None
        What the weights are for; None for random weights.
    """

    card: ModelCard | None

    def __init__(self, config: DGNOConfig) -> None:
        super().__init__()
        self.config = config
        self.card = None
        w = config.width
        widths = (w, 2 * w, 4 * w, 8 * w)

        def stage(width: int, count: int) -> nn.Sequential:
            return nn.Sequential(
                *(
                    MambaBlock(
                        width,
                        state=config.state,
                        tokens=config.tokens,
                        rank=config.rank,
                        routing_noise=config.routing_noise,
                    )
                    for _ in range(count)
                )
            )

        def operators(width: int) -> nn.Sequential:
            return nn.Sequential(
                *(
                    OperatorLayer(
                        width,
                        config.heads,
                        formulation=config.formulation,
                        flux=config.flux,
                        boundary=config.boundary,
                        element=config.element,
                        assembly=config.assembly,
                        tau=config.tau,
                        learn_tau=config.learn_tau,
                    )
                    for _ in range(config.iterations)
                )
            )

        self.stem = nn.Conv2d(config.channels, w, 3, padding=1, bias=False)
        self.stages = nn.ModuleList(map(stage, widths, config.blocks))
        self.downs = nn.ModuleList(map(Downsample, widths[:3]))
        self.shallow = nn.ModuleList(
            ShallowFeatures(config.channels, width, config.shallow_activation)
            for width in widths[1:3]
        )
        self.merges = nn.ModuleList(map(Merge, widths[1:3]))
        # From here on coarse to fine.
        scales = widths[2::-1]
        self.ups = nn.ModuleList(Upsample(2 * width) for width in scales)
        self.fusions = nn.ModuleList(nn.Conv2d(2 * width, width, 1, bias=False) for width in scales)
        self.operators = nn.ModuleList(map(operators, scales))
        self.heads = nn.ModuleList(
            nn.Conv2d(width, config.channels, 3, padding=1, bias=width != w) for width in scales
        )

    def lift(self, pyramid: tuple[Tensor, Tensor, Tensor]) -> list[Tensor]:
        """Encoder features of the four levels, fine to coarse.

        Parameters
        ----------
        pyramid : tuple of Tensor
            The image at full, half and quarter size.

        Returns
        -------
        list of Tensor
            ``(B, w, Y, X)``, ``(B, 2w, Y/2, X/2)``, ``(B, 4w, Y/4, X/4)``, ``(B, 8w, Y/8, X/8)``.
        """
        x = self.stem(pyramid[0])
        levels = []
        for level, stage in enumerate(self.stages):
            if level > 0:
                x = self.downs[level - 1](x)
            if level in (1, 2):
                x = self.merges[level - 1](x, self.shallow[level - 1](pyramid[level]))
            x = stage(x)
            levels.append(x)
        return levels

    def forward(self, image: Tensor) -> list[Tensor]:
        """Restore an image.

        Parameters
        ----------
        image : Tensor
            ``(B, C, Y, X)``, intensities scaled to about 0 ... 1, sides of at least 16 pixels.

        Returns
        -------
        list of Tensor
            The restored image at a quarter, half and full of the (padded) size; the last one has
            the size of the input.

        Raises
        ------
        ValueError
            If a side is shorter than 16 pixels.
        """
        height, width = image.shape[-2:]
        if min(height, width) < MINIMUM_SIDE:
            raise ValueError(
                f"the image is {height} x {width} pixels; the network needs at least "
                f"{MINIMUM_SIDE} in each direction"
            )
        padded = pad_by_reflection(image, self.config.multiple)
        pyramid = input_pyramid(padded.contiguous(memory_format=torch.channels_last))
        features = self.lift(pyramid)
        z = features.pop()
        outputs = []
        for up, fuse, operator, head in zip(
            self.ups, self.fusions, self.operators, self.heads, strict=True
        ):
            z = operator(fuse(torch.cat([up(z), features.pop()], dim=1)))
            outputs.append(head(z) + pyramid[len(features)])
        outputs[-1] = outputs[-1][..., :height, :width]
        return outputs


def pad_by_reflection(image: Tensor, multiple: int) -> Tensor:
    """Extend the bottom and right by reflection until both sides are multiples.

    Parameters
    ----------
    image : Tensor
        ``(B, C, Y, X)``.
    multiple : int
        What the sides become multiples of.

    Returns
    -------
    Tensor
        ``(B, C, Y', X')``; the image stands in its top left corner.
    """
    # One reflection can add at most side - 1 pixels: narrow images need several.
    while (down := -image.shape[-2] % multiple) or -image.shape[-1] % multiple:
        right = -image.shape[-1] % multiple
        step = (0, min(right, image.shape[-1] - 1), 0, min(down, image.shape[-2] - 1))
        image = F.pad(image, step, mode="reflect")
    return image
