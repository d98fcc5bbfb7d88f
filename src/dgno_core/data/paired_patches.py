"""Batches of crops from pairs of real images, each determined by the seed and its number alone.

Because batch k does not depend on the batches before it, a run that is resumed at step k goes on
exactly as if it had never stopped, and any worker process can make any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from dgno_core.data.image_cache import ImageCache
from dgno_core.data.pairs import FocusPair, Readable
from dgno_core.errors import DGNOError
from dgno_core.io.normalise import IntensityRange, RangeSampler, type_range

Normalisation: TypeAlias = Literal["shared", "minmax", "type"]
PERCENTILES = (0.1, 99.9)
MEMORY = 2 << 30


class PatchSettings(TypedDict):
    """Settings of `PairedPatches` and `ExtraPatches`."""

    crop: int
    batch: int
    seed: int
    channels: NotRequired[int]
    weights: NotRequired[Sequence[float] | None]
    normalisation: NotRequired[Normalisation]
    percentiles: NotRequired[tuple[float, float]]
    turned: NotRequired[bool]
    scale: NotRequired[tuple[float, float]]
    gain: NotRequired[tuple[float, float]]
    offset: NotRequired[tuple[float, float]]
    memory: NotRequired[int]


class _Crops:
    """Draws crops of images; see `PairedPatches` for what the settings mean."""

    def __init__(
        self,
        pairs: Sequence[FocusPair],
        *,
        crop: int,
        batch: int,
        seed: int,
        channels: int = 1,
        weights: Sequence[float] | None = None,
        normalisation: Normalisation = "shared",
        percentiles: tuple[float, float] = PERCENTILES,
        turned: bool = True,
        scale: tuple[float, float] = (1.0, 1.0),
        gain: tuple[float, float] = (1.0, 1.0),
        offset: tuple[float, float] = (0.0, 0.0),
        memory: int = MEMORY,
    ) -> None:
        if not pairs:
            raise DGNOError("There are no pairs to train on.")
        self.pairs = list(pairs)
        chances = [1.0] * len(self.pairs) if weights is None else list(weights)
        if len(chances) != len(self.pairs) or min(chances) < 0 or not sum(chances) > 0:
            raise DGNOError("Every pair needs one weight, and one of them must be above 0.")
        self.weights = torch.as_tensor(chances, dtype=torch.float64)
        self.crop, self.batch_size, self.seed, self.channels = crop, batch, seed, channels
        self.normalisation, self.percentiles = normalisation, percentiles
        self.turned, self.scale, self.gain, self.offset = turned, scale, gain, offset
        self.cache = ImageCache(memory)
        self._ranges: dict[str | Readable, IntensityRange] = {}

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
        side = round(self.crop / (self.scale[0] + (self.scale[1] - self.scale[0]) * size))
        y = int(at_y * (max(0, height - side) + 1))
        x = int(at_x * (max(0, width - side) + 1))
        orientation = int(8 * way) if self.turned else 0
        gain = self.gain[0] * (self.gain[1] / self.gain[0]) ** strength
        offset = self.offset[0] + (self.offset[1] - self.offset[0]) * level
        crops = []
        for image, source in zip(images, sources, strict=True):
            part = self._as_channels(image[y : y + side, x : x + side], source)
            scaled = torch.from_numpy(self._range(pair, source).apply(_filled(part, side)))
            if side != self.crop:
                scaled = F.interpolate(scaled[None], (self.crop, self.crop), mode="area")[0]
            turned = torch.rot90(scaled, orientation % 4, (-2, -1))
            turned = turned.flip(-1) if orientation >= 4 else turned
            crops.append(turned.mul(gain).add(offset).contiguous())
        return crops

    def _as_channels(self, part: NDArray[Any], source: Readable) -> NDArray[Any]:
        """A crop as ``(C, Y, X)``."""
        if part.ndim == 2:
            return np.repeat(part[None], self.channels, axis=0)
        if self.channels == 3:
            return np.moveaxis(part, -1, 0)
        if (part == part[..., :1]).all():
            return part[None, ..., 0]
        raise DGNOError(
            f"{source.name} is a colour image, and the network takes grey ones; train a network "
            "with three channels, or save the image as grey."
        )

    def _range(self, pair: FocusPair, source: Readable) -> IntensityRange:
        """Intensities that become 0 and 1."""
        if self.normalisation == "type":
            return type_range(self.cache.read(source).dtype)
        shared = self.normalisation == "shared"
        key: str | Readable = source if not shared else pair.stack or pair.blurred
        if key not in self._ranges:
            found = self._stack_range(pair) if shared else _full_range(self.cache.read(source))
            if found.is_constant:
                name = pair.name if shared else source.name
                raise DGNOError(
                    f"{name}: the image has one intensity only ({found.low:g}), so there is "
                    "nothing to learn from it; leave it out."
                )
            self._ranges[key] = found
        return self._ranges[key]

    def _stack_range(self, pair: FocusPair) -> IntensityRange:
        """Percentiles of the blurred images of a pair's stack, as at inference."""
        members = {pair.blurred: None}
        if pair.stack is not None:
            members = {p.blurred: None for p in self.pairs if p.stack == pair.stack}
        shapes = {ref: self.cache.read(ref).shape for ref in members}
        total = sum(int(np.prod(shape)) for shape in shapes.values())
        sampler = RangeSampler(total, shapes[pair.blurred][1])
        for ref in members:
            sampler.add(self.cache.read(ref))
        return sampler.range(self.percentiles)


class PairedPatches(_Crops):
    """Source of training batches from pairs of blurred and sharp images.

    Images are scaled so that 0 and 1 are

    - ``"shared"``: two percentiles of the blurred image, for both images of a pair; for the pairs
      of one stack, those of all its blurred images together. This is what happens when a stack is
      restored, of which nobody knows the sharp planes, and it keeps the gain between both images.
      The sharp image's bright details may therefore lie above 1;
    - ``"minmax"``: the minimum and maximum of each image by itself, the protocol of the papers on
      BBBC006. It gives blurred and sharp images different gains, which the network has to learn;
    - ``"type"``: zero and the largest value of the images' integer type (one for floats), their
      protocol on photographs and stained cells.

    The whole image counts, also where a pair is cut to a region.

    Parameters
    ----------
    pairs
        Of which crops are drawn.
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
    normalisation
        ``"shared"``, ``"minmax"`` or ``"type"``.
    percentiles
        Low and high, in percent, for ``"shared"``.
    turned
        Whether crops are drawn in all eight orientations.
    scale
        Range from which the scale of each crop is drawn, at most 1: a crop of scale 0.7 shows
        1 / 0.7 of its side, averaged down.
    gain, offset
        Ranges from which a gain (log-uniform) and an offset (uniform) are drawn for each crop,
        equal for both images; in units of the scaled intensities.
    memory
        Bytes of images that are kept in memory, in each process; others are read when needed.

    Raises
    ------
    DGNOError
        If there are no pairs, or some have no sharp image.
    """

    def __init__(self, pairs: Sequence[FocusPair], **settings: Unpack[PatchSettings]) -> None:
        if lonely := next((pair for pair in pairs if pair.sharp is None), None):
            raise DGNOError(
                f"Pair {lonely.name} has no sharp image; use it as extra data without a target."
            )
        super().__init__(pairs, **settings)

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

    def whole(self, number: int) -> tuple[Tensor, Tensor]:
        """Both images of a pair, whole and scaled as the crops are, for validation.

        Parameters
        ----------
        number : int
            Of the pair.

        Returns
        -------
        blurred, sharp : Tensor
            ``(C, Y, X)`` each, float32.

        Raises
        ------
        DGNOError
            As for `batch`.
        """
        pair = self.pairs[number]
        blurred, sharp = pair.read(self.cache.read)
        assert sharp is not None
        assert pair.sharp is not None
        return self._scaled(pair, pair.blurred, blurred), self._scaled(pair, pair.sharp, sharp)

    def _scaled(self, pair: FocusPair, source: Readable, image: NDArray[Any]) -> Tensor:
        return torch.from_numpy(self._range(pair, source).apply(self._as_channels(image, source)))


class ExtraPatches(_Crops):
    """Source of blurred crops without targets, as extra data.

    Parameters
    ----------
    pairs
        Their sharp images, if they have any, are not read.
    settings
        As for `PairedPatches`.
    """

    def __init__(self, pairs: Sequence[FocusPair], **settings: Unpack[PatchSettings]) -> None:
        super().__init__([replace(pair, sharp=None) for pair in pairs], **settings)

    def batch(self, number: int) -> Tensor:
        """Batch of the given number: ``(B, C, crop, crop)``, float32.

        Raises
        ------
        DGNOError
            If an image cannot be read or is constant.
        """
        return torch.stack([crop[0] for crop in self._crops(number)])


def _full_range(pixels: NDArray[Any]) -> IntensityRange:
    return IntensityRange(float(pixels.min()), float(pixels.max()))


def _filled(part: NDArray[Any], side: int) -> NDArray[Any]:
    """A crop reflected at its lower and right border where the image is too small for it."""
    missing = [max(0, side - n) for n in part.shape[-2:]]
    if not any(missing):
        return part
    return np.pad(part, [(0, 0), *((0, more) for more in missing)], mode="symmetric")
