"""Batches of degraded and sharp crops, each determined by the seed and its number alone.

Because batch k does not depend on the batches before it, a run that is resumed at step k goes on
exactly as if it had never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dgno_core.data.config import DegradeConfig
from dgno_core.data.degrade import degrade


class SyntheticPairs:
    """Source of training batches from sharp images.

    Parameters
    ----------
    images : sequence of ndarray
        Sharp images ``(C, Y, X)``, float32, about 0 ... 1.
    weights : sequence of float
        How often each image is drawn, relative to the others.
    crop : int
        Side of the square crops in pixels.
    batch : int
        Crops a batch.
    config : DegradeConfig
        Ranges of the degradations.
    seed : int
        Seed of all draws.
    zooms : sequence of tuple of float, optional
        For each image the range of factors, at least 1, by which its crops are enlarged.
    """

    def __init__(
        self,
        images: Sequence[np.ndarray],
        weights: Sequence[float],
        *,
        crop: int,
        batch: int,
        config: DegradeConfig,
        seed: int,
        zooms: Sequence[tuple[float, float]] | None = None,
    ) -> None:
        self.images = [
            torch.from_numpy(_with_margin(image, crop, config.margin)) for image in images
        ]
        self.weights = torch.as_tensor(weights, dtype=torch.float64)
        self.crop, self.batch_size, self.config, self.seed = crop, batch, config, seed
        self.zooms = zooms or [(1.0, 1.0)] * len(images)

    def batch(self, number: int) -> tuple[Tensor, Tensor]:
        """Batch of the given number.

        Parameters
        ----------
        number : int
            From 0 on.

        Returns
        -------
        degraded, sharp : Tensor
            ``(B, C, crop, crop)`` each.
        """
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        picks = torch.multinomial(self.weights, self.batch_size, True, generator=generator)
        pairs = [self._pair(int(pick), generator) for pick in picks]
        degraded, sharp = zip(*pairs, strict=True)
        return torch.stack(degraded), torch.stack(sharp)

    def _pair(self, pick: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        image, zoom = self.images[pick], self.zooms[pick]
        whole = self.crop + 2 * self.config.margin
        side = whole
        if zoom != (1.0, 1.0):
            factor = zoom[0] + (zoom[1] - zoom[0]) * float(torch.rand((), generator=generator))
            side = math.ceil(whole / factor)
        y = int(torch.randint(image.shape[-2] - side + 1, (), generator=generator))
        x = int(torch.randint(image.shape[-1] - side + 1, (), generator=generator))
        crop = image[:, y : y + side, x : x + side]
        if side < whole:
            size = (whole, whole)
            crop = F.interpolate(crop[None], size, mode="bicubic", align_corners=True)[0]
        turns, flip = (int(n) for n in torch.randint(4, (2,), generator=generator))
        crop = torch.rot90(crop, turns, (-2, -1))
        if flip % 2:
            crop = crop.flip(-1)
        degraded = degrade(crop, self.config, generator)
        return degraded.image, degraded.sharp


def _with_margin(image: np.ndarray, crop: int, margin: int) -> np.ndarray:
    """The image with a reflected margin, and at least as large as one crop with its margin."""
    missing = [max(0, crop - n) for n in image.shape[-2:]]
    pads = [(0, 0), *((margin, margin + more) for more in missing)]
    return np.ascontiguousarray(np.pad(image, pads, mode="symmetric"), dtype=np.float32)
