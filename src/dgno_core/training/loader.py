"""Batches in the order of their numbers, prepared ahead by other processes.

A batch is a function of the seed and its number, so neither the number of workers nor an
interruption changes what a run sees.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dgno_core.errors import DGNOError

# A batch that cannot be read is replaced by one this far away, a few times at most.
DETOUR = 1_000_000_007
ATTEMPTS = 4
IMAGES = ("blurred", "sharp", "extra_blurred", "extra_sharp")


class Batches(Protocol):
    """A source of training batches."""

    def batch(self, number: int) -> tuple[Tensor, Tensor | None]:
        """Blurred crops and their targets, ``(B, C, Y, X)`` each; None without labels."""


@dataclass(frozen=True)
class Batch:
    """One forward pass of training.

    Parameters
    ----------
    blurred, sharp
        ``(B, C, Y, X)``.
    extra_blurred, extra_sharp
        Images of another kind for EFCR_ex, and their targets, if there are any.
    faults
        What could not be read and was replaced: a sentence each.
    """

    blurred: Tensor
    sharp: Tensor
    extra_blurred: Tensor | None = None
    extra_sharp: Tensor | None = None
    faults: tuple[str, ...] = ()

    def tensors(self) -> dict[str, Tensor]:
        """The images that there are, by name."""
        named = {name: getattr(self, name) for name in IMAGES}
        return {name: tensor for name, tensor in named.items() if tensor is not None}

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        moved = {name: tensor.to(device) for name, tensor in self.tensors().items()}
        return Batch(**moved, faults=self.faults)


class NumberedBatches(Dataset[Batch]):
    """Batches by number, labelled and extra ones together.

    Parameters
    ----------
    labelled : Batches
        Pairs.
    extra : Batches, optional
        Images of another kind.
    """

    def __init__(self, labelled: Batches, extra: Batches | None = None) -> None:
        self.labelled, self.extra = labelled, extra

    def __getitem__(self, number: int) -> Batch:
        """Batch of a number; what cannot be read is replaced and reported.

        Raises
        ------
        DGNOError
            If the replacements cannot be read either.
        """
        faults: list[str] = []
        blurred, sharp = _readable(self.labelled, number, faults)
        if sharp is None:
            raise DGNOError("The training images have no sharp partners; choose pairs.")
        if self.extra is None:
            return Batch(blurred, sharp, faults=tuple(faults))
        return Batch(blurred, sharp, *_readable(self.extra, number, faults), tuple(faults))


def _readable(batches: Batches, number: int, faults: list[str]) -> tuple[Tensor, Tensor | None]:
    for attempt in range(ATTEMPTS):
        try:
            return batches.batch(number + attempt * DETOUR)
        except DGNOError as error:
            faults.append(str(error))
    raise DGNOError(f"{faults[-1]} {ATTEMPTS} batches in a row could not be read.")


@dataclass
class DataWait:
    """Seconds for which training waited for data."""

    seconds: float = 0.0


def load_batches(
    batches: NumberedBatches, numbers: Sequence[int], workers: int, waiting: DataWait
) -> Iterator[Batch]:
    """Batches of the given numbers, in that order.

    Parameters
    ----------
    batches : NumberedBatches
        The source.
    numbers : sequence of int
        Which to load.
    workers : int
        Processes that prepare batches ahead; 0 prepares each when it is needed.
    waiting : DataWait
        Its `seconds` grow by the time spent here.

    Yields
    ------
    Batch
    """
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=numbers,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
    )
    source = iter(loader)
    while True:
        began = time.perf_counter()
        batch = next(source, None)
        waiting.seconds += time.perf_counter() - began
        if batch is None:
            return
        yield batch
