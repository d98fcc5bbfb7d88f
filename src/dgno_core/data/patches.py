"""Batches of degraded and sharp crops, each determined by the seed and its number alone.

Because batch k does not depend on the batches before it, a run that is resumed at step k goes on
exactly as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dgno_core.data.degrade import degrade
from dgno_core.data.degrade_config import DegradeConfig


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
    ) -> None:
        self.images = [
            torch.from_numpy(_with_margin(image, crop, config.margin)) for image in images
        ]
        self.weights = torch.as_tensor(weights, dtype=torch.float64)
        self.crop, self.batch_size, self.config, self.seed = crop, batch, config, seed

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
        pairs = [self._pair(self.images[int(pick)], generator) for pick in picks]
        degraded, sharp = zip(*pairs, strict=True)
        return torch.stack(degraded), torch.stack(sharp)

    def _pair(self, image: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        side = self.crop + 2 * self.config.margin
        y = int(torch.randint(image.shape[-2] - side + 1, (), generator=generator))
        x = int(torch.randint(image.shape[-1] - side + 1, (), generator=generator))
        crop = image[:, y : y + side, x : x + side]
        turns, flip = (int(n) for n in torch.randint(4, (2,), generator=generator))
        crop = torch.rot90(crop, turns, (-2, -1))
        if flip % 2:
            crop = crop.flip(-1)
        return degrade(crop, self.config, generator)


def _with_margin(image: np.ndarray, crop: int, margin: int) -> np.ndarray:
    """The image with a reflected margin, and at least as large as one crop with its margin."""
    missing = [max(0, crop - n) for n in image.shape[-2:]]
    pads = [(0, 0), *((margin, margin + more) for more in missing)]
    return np.ascontiguousarray(np.pad(image, pads, mode="symmetric"), dtype=np.float32)
