"""Restoring the planes of a stack that need not be of one size, with one intensity range."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from dgno_core.evaluation.restorer import Restoration
from dgno_core.io.normalise import IntensityRange, RangeSampler, type_range

if TYPE_CHECKING:
    from dgno_core.models.card import ModelCard


class StackRestorer(Protocol):
    """Restores the planes of one grey stack, in order, as one recording."""

    def __call__(self, planes: Sequence[NDArray[Any]]) -> Iterator[Restoration]:
        """Restore planes ``(Y, X)``, which may be of unequal size."""
        ...


def packaged_stack_restorer(
    model: str = "auto", device: str = "auto", model_folder: Path | None = None
) -> StackRestorer:
    """Restore stacks with `dgno_core.inference`; parameters as for `packaged_restorer`."""

    def restorer(planes: Sequence[NDArray[Any]]) -> Iterator[Restoration]:
        from dgno_core.inference import Restorer

        restorer = Restorer(model, axes="YX", device=device, model_folder=model_folder)
        card = restorer.card
        limits = stack_range(planes, card)
        for plane in planes:
            # The whole plane as a region: the tiles are those of a restoration.
            data = restorer.region(plane, ranges=(limits,))
            yield Restoration(data, card.name, card.weights_sha256)

    return restorer


def stack_range(planes: Sequence[NDArray[Any]], card: ModelCard) -> IntensityRange:
    """Intensities of all planes together that are 0 and 1 to the network."""
    if card.scaling == "type":
        return type_range(planes[0].dtype)
    sampler = RangeSampler(sum(plane.size for plane in planes), planes[0].shape[1])
    for plane in planes:
        sampler.add(plane)
    return sampler.range(card.percentiles)
