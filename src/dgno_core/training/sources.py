"""From the settings of the data to batches for training and images for validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from dgno_core.data.degrader import degrade
from dgno_core.data.pairs import FocusPair
from dgno_core.data.patches import ExtraPatches, PairedPatches, SyntheticPairs
from dgno_core.data.sharp_images import load_sharp_images, read_list
from dgno_core.errors import DGNOError
from dgno_core.training.config import TrainConfig
from dgno_core.training.data_config import PairsConfig, SyntheticData
from dgno_core.training.loader import Batches
from dgno_core.training.pair_sources import split
from dgno_core.training.validation import HeldOutImage

# Validation and extra images draw from their own streams, far from any training seed.
VALIDATION_SEED = 7_000_000
EXTRA_SEED = 11_000_000

T = TypeVar("T")
Patches = TypeVar("Patches", PairedPatches, ExtraPatches)


@dataclass(frozen=True)
class TrainingData:
    """What a run trains on and what validates it.

    Parameters
    ----------
    batches
        Training batches by number.
    held_out
        Whole images for validation.
    images
        Number of training images.
    notes
        Sentences for the user.
    """

    batches: Batches
    held_out: tuple[HeldOutImage, ...]
    images: int
    notes: tuple[str, ...] = ()


def open_data(config: TrainConfig) -> TrainingData:
    """Training batches and validation images of a run.

    Parameters
    ----------
    config : TrainConfig
        The run.

    Returns
    -------
    TrainingData

    Raises
    ------
    DGNOError
        If images are missing, unreadable, or too few.
    """
    data = config.data
    if isinstance(data, SyntheticData):
        train, held_out = named_images(data)
        batches = _synthetic(config, data, train, config.seed)
        wholes = _blurred_wholes(config, data, held_out)
        shape = min((image.sharp.shape for image in wholes), key=lambda size: min(size[1:]))
        return TrainingData(batches, wholes, len(train), _crop_note(config, shape))
    found = split(data)
    patches = _patches(PairedPatches, found.train, config, data, config.seed)
    return TrainingData(
        patches,
        _held_out_wholes(config, patches, found.held_out),
        len(found.train),
        (*found.notes, *_crop_note(config, patches.whole(found.train[0])[0].shape)),
    )


def _crop_note(config: TrainConfig, shape: Sequence[int]) -> tuple[str, ...]:
    """Whether crops reach beyond an image of shape ``(C, Y, X)``."""
    height, width = shape[-2:]
    if min(height, width) >= config.crop:
        return ()
    return (
        f"An image has {height} x {width} pixels, less than a crop of {config.crop}: crops are "
        "continued by their mirror image. A smaller crop would be better.",
    )


def open_extra(config: TrainConfig) -> Batches | None:
    """Batches of the extra images of EFCR_ex; None if the run has none."""
    data = config.extra
    if data is None:
        return None
    seed = config.seed + EXTRA_SEED
    if isinstance(data, SyntheticData):
        train, held_out = named_images(data)
        return _synthetic(config, data, [*train, *held_out], seed)
    found = split(data)
    pairs = [*found.train, *found.held_out]
    if all(pair.sharp is not None for pair in pairs):
        return _patches(PairedPatches, pairs, config, data, seed)
    return _Unlabelled(_patches(ExtraPatches, pairs, config, data, seed))


@dataclass(frozen=True)
class _Unlabelled:
    """Batches without targets."""

    patches: ExtraPatches

    def batch(self, number: int) -> tuple[Tensor, None]:
        return self.patches.batch(number), None


def _patches(
    kind: type[Patches],
    pairs: Sequence[FocusPair],
    config: TrainConfig,
    data: PairsConfig,
    seed: int,
) -> Patches:
    channels = config.model.channels
    return kind(pairs, data, crop=config.crop, batch=config.batch, seed=seed, channels=channels)


def _held_out_wholes(
    config: TrainConfig, patches: PairedPatches, pairs: Sequence[FocusPair]
) -> tuple[HeldOutImage, ...]:
    """Held-out pairs, evenly over their order, scaled as those that train."""
    wholes = []
    for pair in spread(pairs, config.validation.images):
        blurred, sharp = (middle(t, config.validation.side) for t in patches.whole(pair))
        wholes.append(HeldOutImage(pair.name, blurred, sharp))
    return tuple(wholes)


class NamedImage(NamedTuple):
    """A sharp image: its file, its weight in the draw, and the range of its enlargement."""

    name: str
    weight: float
    zoom: tuple[float, float]


def named_images(data: SyntheticData) -> tuple[list[NamedImage], list[NamedImage]]:
    """Training and held-out images.

    Parameters
    ----------
    data : SyntheticData
        Sources; each source's share is spread over its images.

    Returns
    -------
    train, held_out : list of NamedImage

    Raises
    ------
    DGNOError
        If a source names too few images.
    """
    train: list[NamedImage] = []
    held_out: list[NamedImage] = []
    for source in data.sources:
        names = [name for name in read_list(source.list) if name.startswith(source.contains)]
        if len(names) < 2:
            raise DGNOError(
                f"{source.list} names {len(names)} images that start with "
                f"{source.contains!r}; at least 2 are needed, one of them for validation."
            )
        images = [NamedImage(name, source.share / len(names), source.zoom) for name in names]
        held_out += images[:: data.held_out_every]
        train += [image for i, image in enumerate(images) if i % data.held_out_every]
    return train, held_out


def _synthetic(
    config: TrainConfig, data: SyntheticData, named: Sequence[NamedImage], seed: int
) -> SyntheticPairs:
    names, weights, zooms = zip(*named, strict=True)
    return SyntheticPairs(
        load_sharp_images(data.root, names, config.model.channels, grey=data.grey),
        weights,
        crop=config.crop,
        batch=config.batch,
        config=data.degrade,
        seed=seed,
        zooms=zooms,
    )


def _blurred_wholes(
    config: TrainConfig, data: SyntheticData, named: Sequence[NamedImage]
) -> tuple[HeldOutImage, ...]:
    """Held-out images, evenly over the sources, each with one blur that never changes."""
    names = spread([image.name for image in named], config.validation.images)
    # An image without blur and noise has an infinite PSNR, which would make the mean infinite.
    always = data.degrade.changed(share_sharp=0.0, share_clean=0.0)
    wholes = []
    for number, name in enumerate(names):
        (image,) = load_sharp_images(data.root, [name], config.model.channels, grey=data.grey)
        sharp = middle(torch.from_numpy(image), config.validation.side)
        generator = torch.Generator().manual_seed(VALIDATION_SEED + number)
        edges = ((0, 0), *((data.degrade.margin,) * 2,) * 2)
        margined = torch.from_numpy(np.pad(sharp.numpy(), edges, mode="symmetric"))
        degraded = degrade(margined, always, generator)
        wholes.append(HeldOutImage(name, degraded.image, degraded.sharp))
    return tuple(wholes)


def spread(items: Sequence[T], count: int) -> list[T]:
    """Up to `count` of the items, evenly over their order."""
    if len(items) <= count:
        return list(items)
    return [items[i * len(items) // count] for i in range(count)]


def middle(image: Tensor, side: int) -> Tensor:
    """The middle of ``(C, Y, X)``, no side longer than `side`."""
    starts = [max(0, (length - side) // 2) for length in image.shape[-2:]]
    return image[:, starts[0] : starts[0] + side, starts[1] : starts[1] + side]
