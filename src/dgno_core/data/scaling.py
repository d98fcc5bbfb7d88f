"""The intensities of a pair as the network takes them, scaled as they are when it restores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dgno_core.data.config import Normalisation
from dgno_core.data.pairs import FocusPair, Readable
from dgno_core.data.sharp_images import PERCENTILES
from dgno_core.errors import DGNOError
from dgno_core.io.normalise import FULL, IntensityRange, RangeSampler, type_range

Reader: TypeAlias = Callable[[Readable], NDArray[Any]]


class Scaling:
    """Scales images, with ranges that are measured once for each stack or image.

    A range depends on the recording alone and not on which pairs are made of it, so that training
    and validation scale alike.

    Parameters
    ----------
    normalisation
        ``"shared"``, ``"minmax"`` or ``"type"``; see `PatchConfig`.
    percentiles
        Low and high, in percent, for ``"shared"``.
    channels
        Of the network, 1 or 3.
    """

    def __init__(
        self,
        normalisation: Normalisation = "shared",
        percentiles: tuple[float, float] = PERCENTILES,
        channels: int = 1,
    ) -> None:
        self.normalisation, self.percentiles = normalisation, percentiles
        self.channels = channels
        self._ranges: dict[Readable | tuple[Readable, ...], IntensityRange] = {}

    def range(self, pair: FocusPair, source: Readable, read: Reader) -> IntensityRange:
        """Intensities that become 0 and 1.

        Parameters
        ----------
        pair
            A pair.
        source
            Its blurred or its sharp image.
        read
            Reads an image, for example from a cache.

        Raises
        ------
        DGNOError
            If an image cannot be read or all of it has one intensity.
        """
        if self.normalisation == "type":
            return type_range(read(source).dtype)
        shared = self.normalisation == "shared"
        key = source if not shared else pair.stack or pair.blurred
        if key not in self._ranges:
            found = self._shared_range(pair, read) if shared else self._full_range(source, read)
            if found.is_constant:
                name = pair.name if shared else source.name
                raise DGNOError(
                    f"{name}: the image has one intensity only ({found.low:g}), so there is "
                    "nothing to learn from it; leave it out."
                )
            self._ranges[key] = found
        return self._ranges[key]

    def _shared_range(self, pair: FocusPair, read: Reader) -> IntensityRange:
        """Percentiles of the recording of the blurred image."""
        if pair.stack is None:
            return self._measured((pair.blurred,), self.percentiles, read)
        # The planes of a stack as recorded are often not those that train: no cache for them.
        return self._measured(pair.stack, self.percentiles, lambda plane: plane.read())

    def _full_range(self, image: Readable, read: Reader) -> IntensityRange:
        """Extremes of an image."""
        return self._measured((image,), FULL, read)

    def _measured(
        self, images: Sequence[Readable], percentiles: tuple[float, float], read: Reader
    ) -> IntensityRange:
        """The range of the images together, gathered as for restoring them."""
        sampler: RangeSampler | None = None
        for source in images:
            pixels = read(source)
            # A grey image is taken once, also where the network wants it three times.
            samples = pixels if pixels.ndim == 2 else self.as_channels(pixels, source)
            if sampler is None:
                sampler = RangeSampler(samples.size * len(images), samples.shape[-1])
            sampler.add(samples)
        assert sampler is not None
        return sampler.range(percentiles)

    def as_channels(self, part: NDArray[Any], source: Readable) -> NDArray[Any]:
        """An image or a part of it as ``(C, Y, X)``.

        Parameters
        ----------
        part
            ``(Y, X)`` or ``(Y, X, 3)``.
        source
            The image that an error names.

        Raises
        ------
        DGNOError
            If it is in colour and the network is not.
        """
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
