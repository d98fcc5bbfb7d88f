"""Batches of crops, of real pairs or of sharp images that are degraded anew.

Each is determined by the seed and its number alone.

Because batch k does not depend on the batches before it, a run that is resumed at step k goes on
exactly as if it had never stopped, and any worker process can make any batch.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from dgno_core.data.config import DegradeConfig, PatchConfig
from dgno_core.data.degrader import degrade
from dgno_core.data.pairs import FocusPair, Readable
from dgno_core.data.scaling import Scaling
from dgno_core.data.sharp_images import PERCENTILES
from dgno_core.errors import DGNOError


class ImageCache:
    """Keeps the images that were read first, in their own type, until the budget is spent.

    What does not fit is read again each time. Nothing is thrown out for something else: crops are
    drawn at random from all images, so that any image is as likely to be needed next as any other.

    Parameters
    ----------
    budget
        Bytes of pixels.
    """

    def __init__(self, budget: int) -> None:
        self.budget, self.used = budget, 0
        self._images: dict[Readable, NDArray[Any]] = {}

    def read(self, source: Readable) -> NDArray[Any]:
        """Return the pixels of an image; the array is shared, so do not change it.

        Raises
        ------
        DGNOError
            If it cannot be read.
        """
        if source in self._images:
            return self._images[source]
        pixels = source.read()
        if self.used + pixels.nbytes <= self.budget:
            self.used += pixels.nbytes
            self._images[source] = pixels
        return pixels


class _Crops(ABC):
    """Draws crops of images.

    Parameters
    ----------
    pairs
        Of which crops are drawn.
    config
        How crops are scaled and varied.
    crop
        Side of the square crops in pixels. Smaller images are reflected at their border.
    batch
        Crops a batch.
    seed
        Seed of all draws.
    channels
        1 or 3. A colour image whose colours are equal counts as grey, and a grey one as colour.
    weights
        How often each pair is drawn, relative to the others; None: all alike.
    percentiles
        Low and high, in percent, for the normalisation ``"shared"``.

    Raises
    ------
    DGNOError
        If there are no pairs, or a needed sharp image is missing.
    """

    def __init__(
        self,
        pairs: Sequence[FocusPair],
        config: PatchConfig | None = None,
        *,
        crop: int,
        batch: int,
        seed: int,
        channels: int = 1,
        weights: Sequence[float] | None = None,
        percentiles: tuple[float, float] = PERCENTILES,
    ) -> None:
        self.config = config or PatchConfig()
        if not pairs:
            raise DGNOError("There are no pairs to train on.")
        self.pairs = self._usable(pairs)
        chances = [1.0] * len(self.pairs) if weights is None else list(weights)
        if len(chances) != len(self.pairs) or min(chances) < 0 or not sum(chances) > 0:
            raise DGNOError("Every pair needs one weight, and one of them must be above 0.")
        self.weights = torch.as_tensor(chances, dtype=torch.float64)
        self.crop, self.batch_size, self.seed = crop, batch, seed
        self.scaling = Scaling(self.config.normalisation, percentiles, channels)
        self.cache = ImageCache(int(self.config.memory_gb * 2**30))

    @abstractmethod
    def _usable(self, pairs: Sequence[FocusPair]) -> list[FocusPair]:
        """Pairs with the images that are needed."""

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.pairs)

    def _crops(self, number: int) -> list[list[Tensor]]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        picks = torch.multinomial(self.weights, self.batch_size, True, generator=generator)
        # All draws come first and are equally many for each crop, whatever its image is like.
        draws = torch.rand(self.batch_size, 6, generator=generator, dtype=torch.float64)
        return [
            self._crop(self.pairs[int(pick)], [float(value) for value in row])
            for pick, row in zip(picks, draws, strict=True)
        ]

    def _crop(self, pair: FocusPair, draws: Sequence[float]) -> list[Tensor]:
        whole = pair.read(self.cache.read)
        images = [image for image in whole if image is not None]
        sources = [source for source in (pair.blurred, pair.sharp) if source is not None]
        at_y, at_x, way, strength, level, size = draws
        height, width = images[0].shape[:2]
        (smallest, largest), (dimmest, brightest) = self.config.scale, self.config.gain
        side = round(self.crop / (smallest + (largest - smallest) * size))
        y = int(at_y * (max(0, height - side) + 1))
        x = int(at_x * (max(0, width - side) + 1))
        orientation = int(8 * way) if self.config.augment_orientation else 0
        gain = dimmest * (brightest / dimmest) ** strength
        lowest, highest = self.config.offset
        offset = lowest + (highest - lowest) * level
        crops = []
        for image, source in zip(images, sources, strict=True):
            part = self.scaling.as_channels(image[y : y + side, x : x + side], source)
            limits = self.scaling.range(pair, source, self.cache.read)
            scaled = torch.from_numpy(limits.apply(_filled(part, side)))
            if side != self.crop:
                scaled = F.interpolate(scaled[None], (self.crop, self.crop), mode="area")[0]
            oriented = torch.rot90(scaled, orientation % 4, (-2, -1))
            oriented = oriented.flip(-1) if orientation >= 4 else oriented
            crops.append(oriented.mul(gain).add(offset).contiguous())
        return crops


class PairedPatches(_Crops):
    """Source of training batches from pairs of blurred and sharp images."""

    def _usable(self, pairs: Sequence[FocusPair]) -> list[FocusPair]:
        if lonely := next((pair for pair in pairs if pair.sharp is None), None):
            raise DGNOError(
                f"Pair {lonely.name} has no sharp image; use it as extra data without a target."
            )
        return list(pairs)

    def batch(self, number: int) -> tuple[Tensor, Tensor]:
        """Batch of the given number.

        Parameters
        ----------
        number : int
            From 0 on.

        Returns
        -------
        blurred, sharp : Tensor
            ``(B, C, crop, crop)`` each, float32.

        Raises
        ------
        DGNOError
            If an image cannot be read, does not fit its partner, or is constant.
        """
        crops = self._crops(number)
        return torch.stack([crop[0] for crop in crops]), torch.stack([crop[1] for crop in crops])

    def whole(self, pair: FocusPair) -> tuple[Tensor, Tensor]:
        """Both images of a pair, whole and scaled as the crops are, for validation.

        Parameters
        ----------
        pair : FocusPair
            Any pair with a sharp image; it need not be one of those that train.

        Returns
        -------
        blurred, sharp : Tensor
            ``(C, Y, X)`` each, float32.

        Raises
        ------
        DGNOError
            As for `batch`.
        """
        read = ImageCache(self.cache.budget).read  # the memory is for the images that train
        blurred, sharp = pair.read(read)
        assert sharp is not None
        assert pair.sharp is not None
        scaled = [
            self.scaling.range(pair, source, read).apply(self.scaling.as_channels(image, source))
            for image, source in ((blurred, pair.blurred), (sharp, pair.sharp))
        ]
        return torch.from_numpy(scaled[0]), torch.from_numpy(scaled[1])


class ExtraPatches(_Crops):
    """Source of blurred crops without targets, as extra data; sharp images are not read."""

    def _usable(self, pairs: Sequence[FocusPair]) -> list[FocusPair]:
        return [replace(pair, sharp=None) for pair in pairs]

    def batch(self, number: int) -> Tensor:
        """Batch of the given number: ``(B, C, crop, crop)``, float32.

        Raises
        ------
        DGNOError
            If an image cannot be read or is constant.
        """
        return torch.stack([crop[0] for crop in self._crops(number)])


def _filled(part: NDArray[Any], side: int) -> NDArray[Any]:
    """A crop reflected at its lower and right border where the image is too small for it."""
    missing = [max(0, side - n) for n in part.shape[-2:]]
    if not any(missing):
        return part
    return np.pad(part, [(0, 0), *((0, more) for more in missing)], mode="symmetric")


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
